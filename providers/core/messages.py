"""The messages of a chat in OpenAI's format, strictly read."""

import base64
import binascii
import re
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
)

from .errors import ProviderError
from .texts import mended, strict_json

TOOL_NAME = r"^[A-Za-z0-9_.-]{1,64}$"


DATA_URL = re.compile(r"data:([a-zA-Z0-9.+-]+/[a-zA-Z0-9.+-]+);base64,", re.ASCII)


class Unsupported(ProviderError):
    """A provider or a model cannot do what a request asks.

    `feature`: the field of the request, as the caller wrote it.
    """

    def __init__(self, feature: str, message: str) -> None:
        super().__init__(message, "bad_request", True)
        self.feature = feature


class Wire(BaseModel):
    """The base of everything that is sent: strict types, no NaN, fields that are not named here are
    kept.
    """

    model_config = ConfigDict(
        extra="allow",
        strict=True,
        allow_inf_nan=False,
        hide_input_in_errors=True,
        populate_by_name=True,
    )


class TextPart(Wire):
    """A piece of text."""

    type: Literal["text"] = "text"
    text: str


class ImageUrl(Wire):
    """The address of an image, or the image itself as `data:image/png;base64,...`."""

    url: str = Field(min_length=1)
    detail: Literal["auto", "low", "high"] | None = None


class ImagePart(Wire):
    """An image."""

    type: Literal["image_url"] = "image_url"
    image_url: ImageUrl

    def data(self) -> tuple[str, bytes] | None:
        """(media type, bytes) of an image that came along, None for one behind an address.

        Raises Unsupported for broken base64.
        """
        found = DATA_URL.match(self.image_url.url)
        if found is None:
            return None
        try:
            return found[1], base64.b64decode(self.image_url.url[found.end() :], validate=True)
        except binascii.Error:
            raise Unsupported("image_url", "The image in image_url is not valid base64.") from None


class OtherPart(Wire):
    """A part of another kind (audio, files): only services that speak OpenAI's protocol may know
    it.
    """

    type: str


def _kind_of_part(part: Any) -> str:
    kind = part.get("type") if isinstance(part, dict) else getattr(part, "type", None)
    return kind if kind in ("text", "image_url") else "other"


Part = Annotated[
    Annotated[TextPart, Tag("text")]
    | Annotated[ImagePart, Tag("image_url")]
    | Annotated[OtherPart, Tag("other")],
    Discriminator(_kind_of_part),
]


class FunctionCall(Wire):
    """A function that a model wants called.

    `arguments`: JSON as the model wrote it, perhaps not valid.
    """

    name: str
    arguments: str = ""

    def parsed(self) -> dict[str, Any]:
        """The arguments as an object.

        What is not a JSON object, such as arguments that were cut off, becomes the `_raw` of one:
        an answer that is part of the history must not end the conversation.
        """
        try:
            found = strict_json(self.arguments) if self.arguments.strip() else None
        except ValueError:
            return {"_raw": mended(self.arguments)}
        if found is None:
            return {}
        return found if isinstance(found, dict) else {"_raw": mended(self.arguments)}


class ToolCall(Wire):
    """One call that an assistant's message asks for."""

    id: str
    type: Literal["function"] = "function"
    function: FunctionCall


class Message(Wire):
    """One message. `content` may be missing only where an assistant calls tools."""

    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: str | list[Part] | None = None
    name: str | None = None
    tool_calls: list[ToolCall] | None = None
    tool_call_id: str | None = None

    def parts(self) -> list[TextPart | ImagePart | OtherPart]:
        """The content as parts, whichever way it was written."""
        if isinstance(self.content, str):
            return [TextPart(text=self.content)] if self.content else []
        return list(self.content or ())

    def text(self) -> str:
        """The content as text. Raises Unsupported for parts of other kinds."""
        texts = []
        for part in self.parts():
            if not isinstance(part, TextPart):
                raise Unsupported(
                    "messages", f"A {self.role} message takes text only here, not {part.type}."
                )
            texts.append(part.text)
        return "\n".join(texts)

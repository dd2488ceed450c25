"""A chat request as services of OpenAI's protocol take it: wider than ChatRequest, which holds what
can be translated for other vendors.

What OpenAI has beyond that goes to such services as it was written, for them to judge: tools of
other kinds, calls of them, names of any length, roles and kinds of parts that came later.
"""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Discriminator, Field, Tag

from .chat import ChatRequest, JsonSchema, NamedTool, ResponseFormat, Tool
from .messages import FunctionCall, ImagePart, ImageUrl, Message, OtherPart, TextPart, Wire

NAME = r"^[^\s\x00-\x1f]+$"
LONGEST_NAME = 1000  # characters


class OtherKind(Wire):
    """A tool, a choice, a call or a format of a kind that is OpenAI's own, such as `custom`."""

    type: str = Field(min_length=1, json_schema_extra={"not": {"enum": ["function"]}})


def _kind_of(*known: str) -> Discriminator:
    """Judges by `type`; one that is left out is the first of `known`."""

    def kind(given: Any) -> str:
        if isinstance(given, str):
            return "word"
        told = given.get("type") if isinstance(given, dict) else getattr(given, "type", None)
        return known[0] if told is None or told in known else "other"

    return Discriminator(kind)


class OpenImageUrl(ImageUrl):
    """An image. `detail`: any word."""

    detail: str | None = None  # type: ignore[assignment]  # wider


class OpenImagePart(ImagePart):
    """An image."""

    image_url: OpenImageUrl


def _kind_of_part(part: Any) -> str:
    kind = part.get("type") if isinstance(part, dict) else getattr(part, "type", None)
    return kind if kind in ("text", "image_url") else "other"


OpenPart = Annotated[
    Annotated[TextPart, Tag("text")]
    | Annotated[OpenImagePart, Tag("image_url")]
    | Annotated[OtherPart, Tag("other")],
    Discriminator(_kind_of_part),
]


class OpenToolCall(Wire):
    """A call of a function."""

    id: str | None = None
    type: Literal["function"] = "function"
    function: FunctionCall


OpenCall = Annotated[
    Annotated[OpenToolCall, Tag("function")] | Annotated[OtherKind, Tag("other")],
    _kind_of("function"),
]


class OpenMessage(Message):
    """A message, also of the role `function`, and with calls of other kinds."""

    role: Literal["system", "developer", "user", "assistant", "tool", "function"]  # type: ignore[assignment]
    content: str | list[OpenPart] | None = None  # type: ignore[assignment]
    tool_calls: list[OpenCall] | None = None  # type: ignore[assignment]


OpenToolKind = Annotated[
    Annotated[Tool, Tag("function")] | Annotated[OtherKind, Tag("other")],
    _kind_of("function"),
]
OpenToolChoice = Annotated[
    Annotated[Literal["none", "auto", "required"], Tag("word")]
    | Annotated[NamedTool, Tag("function")]
    | Annotated[OtherKind, Tag("other")],
    _kind_of("function"),
]


class OpenJsonSchema(JsonSchema):
    """A schema with a name of any length."""

    name: str = Field(pattern=NAME, max_length=LONGEST_NAME)


class OpenResponseFormat(ResponseFormat):
    """A format of any kind."""

    type: str  # type: ignore[assignment]
    json_schema: OpenJsonSchema | None = None


class OpenChatRequest(ChatRequest):
    """A conversation to go on with, as OpenAI's protocol has it today."""

    DEFAULTS: ClassVar[dict[str, Any]] = {
        **ChatRequest.DEFAULTS,
        "response_format": OpenResponseFormat(type="text"),
    }

    messages: list[OpenMessage] = Field(min_length=1)  # type: ignore[assignment]
    tools: list[OpenToolKind] | None = None  # type: ignore[assignment]
    tool_choice: OpenToolChoice | None = None  # type: ignore[assignment]
    response_format: OpenResponseFormat | None = None

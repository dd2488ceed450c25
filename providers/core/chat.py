"""Requests to models, in OpenAI's chat format, whatever the provider.

https://platform.openai.com/docs/api-reference/chat/create. A field that this module does not name
is kept in `model_extra` and goes to services that speak OpenAI's protocol as it is; every other
provider refuses a field that it cannot serve, by name.
"""

import base64
import binascii
import json
import re
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from .errors import ProviderError

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
        """The arguments as an object. Raises Unsupported when they are not a JSON object."""
        try:
            found = json.loads(self.arguments or "{}")
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise Unsupported(
                "messages", f"The arguments of the tool call {self.name} are not a JSON object."
            )
        return found


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


class FunctionDefinition(Wire):
    """A function that a model may call. `parameters`: JSON Schema of an object."""

    name: str = Field(pattern=TOOL_NAME)
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None

    @field_validator("parameters")
    @classmethod
    def _an_object(cls, schema: dict[str, Any] | None) -> dict[str, Any] | None:
        if schema and schema.get("type", "object") != "object":
            raise PydanticCustomError(
                "tool_schema", 'The parameters of a tool are a JSON Schema with "type": "object".'
            )
        properties = (schema or {}).get("properties", {})
        if not isinstance(properties, dict) or not all(
            isinstance(one, dict | bool) for one in properties.values()
        ):
            raise PydanticCustomError(
                "tool_schema",
                "The properties of a tool's parameters are an object of JSON Schemas.",
            )
        return schema


class Tool(Wire):
    """A tool of the kind every provider knows."""

    type: Literal["function"] = "function"
    function: FunctionDefinition


class NamedFunction(Wire):
    """A function's name."""

    name: str


class NamedTool(Wire):
    """Demands one tool."""

    type: Literal["function"]
    function: NamedFunction


class JsonSchema(Wire):
    """The shape an answer must have."""

    name: str = Field(pattern=TOOL_NAME)
    description: str | None = None
    schema_: dict[str, Any] | None = Field(None, alias="schema")
    strict: bool | None = None


class ResponseFormat(Wire):
    """Text, any JSON object, or JSON of a schema."""

    type: Literal["text", "json_object", "json_schema"]
    json_schema: JsonSchema | None = None

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.type == "json_schema" and self.json_schema is None:
            raise PydanticCustomError(
                "missing", "A response_format of type json_schema needs json_schema."
            )
        return self


class StreamOptions(Wire):
    """The extras of a stream, besides the answer."""

    include_usage: bool | None = None


Temperature = Annotated[float, Field(ge=0, le=2)]
Penalty = Annotated[float, Field(ge=-2, le=2)]
Tokens = Annotated[int, Field(ge=1)]


class ChatRequest(Wire):
    """A conversation to go on with.

    `model` is the provider's own name of the model once a provider sees it.
    """

    # What the protocol means when a field is left out: asking for just this asks for nothing.
    DEFAULTS: ClassVar[dict[str, Any]] = {
        "n": 1,
        "presence_penalty": 0,
        "frequency_penalty": 0,
        "logprobs": False,
        "store": False,
        "parallel_tool_calls": True,
        "logit_bias": {},
        "metadata": {},
        "tools": [],
        "service_tier": "auto",
        "modalities": ["text"],
        "tool_choice": "auto",
        "response_format": ResponseFormat(type="text"),
    }
    ALWAYS: ClassVar[frozenset[str]] = frozenset({"model", "messages", "stream", "stream_options"})

    model: str = ""
    messages: list[Message] = Field(min_length=1)
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    temperature: Temperature | None = None
    top_p: Annotated[float, Field(ge=0, le=1)] | None = None
    max_tokens: Tokens | None = None
    max_completion_tokens: Tokens | None = None
    stop: str | Annotated[list[str], Field(max_length=16)] | None = None
    seed: int | None = None
    n: Annotated[int, Field(ge=1, le=128)] | None = None
    presence_penalty: Penalty | None = None
    frequency_penalty: Penalty | None = None
    tools: list[Tool] | None = None
    tool_choice: Literal["none", "auto", "required"] | NamedTool | None = None
    response_format: ResponseFormat | None = None

    @property
    def longest(self) -> int | None:
        """The most tokens that the answer may have, by whichever of its two names it was given."""
        return (
            self.max_completion_tokens
            if self.max_completion_tokens is not None
            else self.max_tokens
        )

    @property
    def stops(self) -> list[str]:
        """The texts that end an answer."""
        return [self.stop] if isinstance(self.stop, str) else list(self.stop or ())

    def asked(self) -> list[str]:
        """The fields, extra ones included, by which this request asks for something beyond an
        answer to its messages.
        """
        given = {name: getattr(self, name) for name in type(self).model_fields} | (
            self.model_extra or {}
        )
        return [
            name
            for name, value in given.items()
            if name not in self.ALWAYS
            and value is not None
            and (name not in self.DEFAULTS or value != self.DEFAULTS[name])
        ]

    def body(self) -> dict[str, Any]:
        """The request as JSON has it, with just what was given."""
        return self.model_dump(mode="json", by_alias=True, exclude_unset=True, exclude_none=True)


class EmbeddingRequest(Wire):
    """Texts (or lists of token numbers, where the service takes them) to turn into vectors."""

    ALWAYS: ClassVar[frozenset[str]] = frozenset({"model", "input", "encoding_format"})

    model: str = ""
    input: str | list[str] | list[int] | list[list[int]]
    dimensions: Annotated[int, Field(ge=1)] | None = None
    encoding_format: Literal["float", "base64"] | None = None

    @field_validator("input")
    @classmethod
    def _not_empty(cls, given: Any) -> Any:
        if not given or (isinstance(given, list) and not all(one or one == 0 for one in given)):
            raise PydanticCustomError(
                "empty",
                "There is nothing to embed: give one text, or a list of texts, none of them empty.",
            )
        return given

    def texts(self) -> list[str]:
        """The input as texts. Raises Unsupported for token numbers."""
        given = [self.input] if isinstance(self.input, str) else list(self.input)
        if not all(isinstance(one, str) for one in given):
            raise Unsupported("input", "This provider embeds texts, not token numbers.")
        return given  # type: ignore[return-value]

    def asked(self) -> list[str]:
        """As for a chat."""
        given = {"dimensions": self.dimensions, **(self.model_extra or {})}
        return [name for name, value in given.items() if value is not None]

    def body(self) -> dict[str, Any]:
        """The request as JSON has it, with just what was given."""
        return self.model_dump(mode="json", exclude_unset=True, exclude_none=True)

"""Requests to models, in OpenAI's chat format, whatever the provider.

https://platform.openai.com/docs/api-reference/chat/create. A field that this module does not name
is kept in `model_extra` and goes to services that speak OpenAI's protocol as it is; every other
provider refuses a field that it cannot serve, by name.
"""

from collections.abc import Collection
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import (
    Field,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from .messages import TOOL_NAME, Message, Unsupported, Wire

LONGEST_TOOL_NAME = 1000  # characters; what a vendor takes is the vendor's translation to say


class FunctionDefinition(Wire):
    """A function that a model may call. `parameters`: JSON Schema of an object."""

    name: str = Field(min_length=1, max_length=LONGEST_TOOL_NAME)
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


def idle_choice(name: str, value: Any, tools: int) -> bool:
    """True for a field about the choice of tools that changes nothing with this number of tools.

    Without tools nothing can be chosen; with one, hardly any model calls it twice at once.
    """
    if name == "tool_choice":
        return tools == 0
    return name == "parallel_tool_calls" and (tools == 0 or (tools == 1 and value is False))


class ChatRequest(Wire):
    """A conversation to go on with.

    `model` is the provider's own name of the model once a provider sees it.
    """

    # What the protocol means when a field is left out: asking for just this asks for nothing.
    DEFAULTS: ClassVar[dict[str, Any]] = {
        "n": 1,
        "top_p": 1,
        "presence_penalty": 0,
        "frequency_penalty": 0,
        "logprobs": False,
        "top_logprobs": 0,
        "store": False,
        "parallel_tool_calls": True,
        "logit_bias": {},
        "metadata": {},
        "tools": [],
        "service_tier": "auto",
        "verbosity": "medium",
        "modalities": ["text"],
        "tool_choice": "auto",
        "response_format": ResponseFormat(type="text"),
    }
    ALWAYS: ClassVar[frozenset[str]] = frozenset({"model", "messages", "stream", "stream_options"})
    # These tell who asks, or what may be remembered. The answer is the same without them.
    HINTS: ClassVar[frozenset[str]] = frozenset(
        {
            "user",
            "safety_identifier",
            "prompt_cache_key",
            "prompt_cache_retention",
            "cache_control",
        }
    )

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
            and not idle_choice(name, value, len(self.tools or ()))
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


def wishes(request: ChatRequest | EmbeddingRequest, refused: Collection[str]) -> list[str]:
    """The fields by which the request asks for something that changes the answer: not the hints,
    and not a temperature of 1 where the model refuses any: it is what such a model has.
    """
    return [
        name
        for name in request.asked()
        if name not in ChatRequest.HINTS
        and not (name == "temperature" and name in refused and getattr(request, name) == 1)
    ]

"""Parts of every translation from OpenAI's chat format into another vendor's."""

from collections.abc import Iterable
from typing import Any

from ..core.chat import ChatRequest
from ..core.messages import ImagePart, Message, TextPart, Unsupported, Wire

INSTRUCTIONS = ("system", "developer")
# Before a conversation that the assistant begins: Claude, Gemini and Bedrock's models want the user
# to begin.
OPENING = "Begin."
# What an assistant's message may hold of an earlier answer that no other vendor reads. The
# deprecated function_call and audio are content: they are refused where they hold something.
CONTENT_OF_ANSWERS = ("function_call", "audio")


def is_blank(text: str) -> bool:
    """True for a text of white space only, which some vendors refuse as they do an empty one."""
    return not text.strip()


def system_text(messages: Iterable[Message]) -> str:
    """The instructions, for services that take them apart from the conversation: all of them, with
    blank lines between.
    """
    return "\n\n".join(
        text
        for message in messages
        if message.role in INSTRUCTIONS and not is_blank(text := message.text())
    )


def turns(messages: Iterable[Message]) -> list[Message]:
    """The conversation without instructions, and without turns of the assistant that say nothing.

    The user begins it. Raises Unsupported when nothing is left of it.
    """
    found = [
        message
        for message in messages
        if message.role not in INSTRUCTIONS and not _says_nothing(message)
    ]
    if not found:
        raise Unsupported(
            "messages", "Instructions alone cannot be answered here. Add a message of role user."
        )
    if found[0].role == "assistant":
        found.insert(0, Message(role="user", content=OPENING))
    return found


def _says_nothing(message: Message) -> bool:
    return (
        message.role == "assistant"
        and not message.tool_calls
        and is_blank(refusal_in(message))
        and all(isinstance(one, TextPart) and is_blank(one.text) for one in message.parts())
    )


def cache_mark(given: Wire) -> dict[str, Any] | None:
    """The `cache_control` of a part, a message or a tool: up to here the prompt may be cached.

    It is Anthropic's field, which clients write into OpenAI's format too:
    platform.claude.com/docs/en/build-with-claude/prompt-caching.
    """
    found = (given.model_extra or {}).get("cache_control")
    return found if isinstance(found, dict) else None


def refusal_in(message: Message) -> str:
    """The refusal of an assistant in place of an answer: OpenAI has a field of its own for it."""
    said = (message.model_extra or {}).get("refusal")
    return said if isinstance(said, str) else ""


def answered_call(message: Message) -> str:
    """The id of the tool call that a tool message answers.

    Raises Unsupported when it names none.
    """
    if not message.tool_call_id:
        raise Unsupported(
            "messages",
            "A message of role tool needs tool_call_id, the id of the call that it answers.",
        )
    return message.tool_call_id


def refuse_extras(request: ChatRequest, whose: str) -> None:
    """Raises Unsupported for extra fields in messages and tools, beyond OpenAI's format.

    Names of participants, marks for a cache, and what an assistant's message repeats of an answer
    change nothing about what is said, so they are passed over. `whose`: the provider's name.
    """
    for message in request.messages:
        if message.role == "assistant":
            _refuse_unknown(message, "messages", whose, only=CONTENT_OF_ANSWERS)
        else:
            _refuse_unknown(message, "messages", whose, "refusal")
        for part in message.content if isinstance(message.content, list) else ():
            if part.type in ("text", "image_url"):
                _refuse_unknown(part, "messages", whose, "annotations")
            if isinstance(part, ImagePart) and part.image_url.detail in ("low", "high"):
                raise Unsupported(
                    "image_url",
                    f"{whose} looks at every image in its own way. Leave detail out of image_url.",
                )
    for tool in request.tools or ():
        _refuse_unknown(tool, "tools", whose)
        _refuse_unknown(tool.function, "tools", whose)


def _refuse_unknown(
    given: Wire, feature: str, whose: str, *known: str, only: tuple[str, ...] = ()
) -> None:
    for name, value in (given.model_extra or {}).items():
        if value and name not in (*known, "cache_control") and (not only or name in only):
            raise Unsupported(feature, f"{whose} does not know {name} in {feature}. Leave it out.")


def schema_for(request: ChatRequest) -> dict[str, Any] | None:
    """The JSON Schema that the answer must keep to, None for any answer.

    Raises Unsupported for a format that brings none.
    """
    wanted = request.response_format
    if wanted is None or wanted.type != "json_schema":
        return None
    if wanted.json_schema is None or wanted.json_schema.schema_ is None:
        raise Unsupported(
            "response_format",
            "response_format of type json_schema needs the schema in json_schema.schema.",
        )
    about = (
        {"description": wanted.json_schema.description} if wanted.json_schema.description else {}
    )
    return about | wanted.json_schema.schema_


def extra_field(request: ChatRequest, name: str, kind: type, meaning: str) -> Any:
    """A field that ChatRequest does not name, None when it is not there.

    Raises Unsupported unless it is of this kind.
    """
    value = (request.model_extra or {}).get(name)
    if value is not None and not isinstance(value, kind):
        raise Unsupported(name, f"{name} is {meaning}.")
    return value

"""Mistral: https://docs.mistral.ai/api"""

from typing import Any

from .core.base import Capability
from .core.messages import Unsupported
from .core.registry import register
from .core.settings import NetworkSettings, setting
from .core.types import ApiKey, HttpUrl
from .vendors.documents import PDF
from .vendors.messages import OPENING
from .vendors.openai.compatible import OpenAICompatible
from .vendors.openai.parameters import OPENAI_ONLY, renamed, without
from .vendors.tool_names import MISTRAL

UNKNOWN = (*OPENAI_ONLY, "user")
UNKNOWN_FIELD = "{} is not known to Mistral's API."
FIELDS: dict[str, tuple[str, ...]] = {
    "system": ("role", "content"),
    "user": ("role", "content"),
    "assistant": ("role", "content", "tool_calls", "prefix"),
    "tool": ("role", "content", "tool_call_id", "name"),
}


class MistralSettings(NetworkSettings):
    """An account."""

    api_key: ApiKey = setting(
        title="API key",
        description="From console.mistral.ai, API keys.",
        environment="MISTRAL_API_KEY",
        placeholder="$Mistral:ApiKey",
    )
    base_url: HttpUrl = setting(
        "https://api.mistral.ai/v1",
        title="Endpoint",
        description="Where the API lives, with its version.",
        address=True,
    )


@register
class Mistral(OpenAICompatible[MistralSettings]):
    """Mistral's API, which speaks OpenAI's protocol."""

    id, name = "mistral", "Mistral"
    mark = "mistralai"
    description = "Mistral, Codestral and Ministral models, embeddings."
    docs_url = "https://docs.mistral.ai"
    keys_url = "https://console.mistral.ai/api-keys"
    model_examples = ("mistral-small-latest", "mistral-embed")
    price_list = "mistral"
    telemetry_name = "mistral_ai"

    tool_rules = MISTRAL
    refuses = ("developer", "max_completion_tokens", "echoes", "cache_control")
    asks_usage = (
        False  # a stream always tells its usage, and any stream_options are refused with a 422
    )

    def wire_body(self, capability: Capability, body: dict[str, Any]) -> dict[str, Any]:
        """Mistral refuses every field it does not know, some with an answer that names none:
        docs.mistral.ai/api (2026-01).
        """
        if capability is Capability.EMBEDDING:
            body = without(body, UNKNOWN, UNKNOWN_FIELD)
            if not _are_texts(body.get("input")):
                raise Unsupported("input", "Mistral embeds texts, not token numbers. Send texts.")
            return renamed(body, dimensions="output_dimension")
        body = super().wire_body(capability, without(body, UNKNOWN, UNKNOWN_FIELD))
        messages = [_own_fields(one) for one in body["messages"] if not _says_nothing(one)]
        first = next((one for one in messages if one["role"] != "system"), None)
        if first is not None and first["role"] == "assistant":
            messages.insert(messages.index(first), {"role": "user", "content": OPENING})
        return {**renamed(body, seed="random_seed"), "messages": messages}

    def capabilities_of(self, row: Any) -> frozenset[Capability]:
        """As the row's own `capabilities` say; they have no word for embeddings, so the name tells
        that.
        """
        flags = getattr(row, "capabilities", None)
        found = super().capabilities_of(row)
        if (
            Capability.EMBEDDING in found
            or not isinstance(flags, dict)
            or "completion_chat" not in flags
        ):
            return found
        return found if flags["completion_chat"] is True else frozenset()


def _own_fields(message: dict[str, Any]) -> dict[str, Any]:
    """A message with the fields that Mistral knows; any other one is refused (extra_forbidden)."""
    known = FIELDS.get(message["role"], tuple(message))
    found = {name: one for name, one in message.items() if name in known}
    if isinstance(parts := found.get("content"), list):
        found["content"] = [_own_part(one) for one in parts]
    return found


def _own_part(part: dict[str, Any]) -> dict[str, Any]:
    """A document in Mistral's words, any other part as it is:
    docs.mistral.ai/studio-api/document-processing/document_qna
    """
    given = part.get("file") if part.get("type") == "file" else None
    if not isinstance(given, dict):
        return part
    data = given.get("file_data")
    if not isinstance(data, str) or not data:  # one that was uploaded to Mistral
        return {"type": "file", "file_id": given.get("file_id")}
    is_address = data.startswith(("https://", "http://", "data:"))
    found = {
        "type": "document_url",
        "document_url": data if is_address else f"data:{PDF};base64,{data}",
    }
    return found | ({"document_name": given["filename"]} if given.get("filename") else {})


def _says_nothing(message: dict[str, Any]) -> bool:
    """True for a turn of the assistant that Mistral refuses: it has neither content nor calls."""
    is_answer = message["role"] == "assistant" and not message.get("tool_calls")
    content = message.get("content") or ""
    return is_answer and (not content.strip() if isinstance(content, str) else False)


def _are_texts(given: Any) -> bool:
    return isinstance(given, str) or (
        isinstance(given, list) and all(isinstance(one, str) for one in given)
    )

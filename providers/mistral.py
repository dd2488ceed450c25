"""Mistral: https://docs.mistral.ai/api"""

from typing import Any

from .core.base import Capability
from .core.messages import Unsupported
from .core.registry import register
from .core.settings import NetworkSettings, setting
from .core.types import ApiKey, HttpUrl
from .vendors.openai.compatible import OpenAICompatible
from .vendors.openai.parameters import OPENAI_ONLY, renamed, without

UNKNOWN = (*OPENAI_ONLY, "user")


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
    description = "Mistral, Codestral and Ministral models, embeddings."
    docs_url = "https://docs.mistral.ai"
    model_examples = ("mistral-small-latest", "mistral-embed")

    asks_usage = (
        False  # a stream always tells its usage, and any stream_options are refused with a 422
    )

    def wire_body(self, capability: Capability, body: dict[str, Any]) -> dict[str, Any]:
        """Mistral refuses every field it does not know, some with an answer that names none:
        docs.mistral.ai/api (2026-01).
        """
        body = without(
            super().wire_body(capability, body), UNKNOWN, "{} is not known to Mistral's API."
        )
        if capability is Capability.EMBEDDING:
            if not _are_texts(body.get("input")):
                raise Unsupported("input", "Mistral embeds texts, not token numbers. Send texts.")
            return renamed(body, dimensions="output_dimension")
        messages = [_message(message) for message in body["messages"]]
        return {
            **renamed(body, seed="random_seed", max_completion_tokens="max_tokens"),
            "messages": messages,
        }

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


def _message(message: dict[str, Any]) -> dict[str, Any]:
    """A message as Mistral takes it.

    Its roles are system, user, assistant and tool; only a tool has a name.
    """
    if message.get("name") and message["role"] != "tool":
        raise Unsupported(
            "name",
            "name is not known to Mistral's API in a message that is not a tool's. Leave it out.",
        )
    return {**message, "role": "system"} if message["role"] == "developer" else message


def _are_texts(given: Any) -> bool:
    return isinstance(given, str) or (
        isinstance(given, list) and all(isinstance(one, str) for one in given)
    )

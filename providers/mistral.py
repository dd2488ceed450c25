"""Mistral: https://docs.mistral.ai/api"""

from typing import Any

from ._openai_compatible import OpenAICompatible
from .base import Capability, NetworkSettings, setting
from .registry import register
from .types import ApiKey, HttpUrl


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
    capabilities = (Capability.CHAT, Capability.EMBEDDING)
    description = "Mistral, Codestral and Ministral models, embeddings."
    docs_url = "https://docs.mistral.ai"
    model_examples = ("mistral-small-latest", "mistral-embed")

    def capabilities_of(self, row: Any) -> frozenset[Capability]:
        """As the row's own `capabilities` say; they have no word for embeddings, so the name tells that."""
        flags = getattr(row, "capabilities", None)
        found = super().capabilities_of(row)
        if Capability.EMBEDDING in found or not isinstance(flags, dict) or "completion_chat" not in flags:
            return found
        return found if flags["completion_chat"] is True else frozenset()

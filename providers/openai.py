"""OpenAI: https://platform.openai.com/docs/api-reference"""

from typing import Any

from .core.base import Capability
from .core.registry import register
from .core.settings import NetworkSettings, setting
from .core.types import ApiKey, HttpUrl, Text
from .vendors.openai.compatible import OpenAICompatible
from .vendors.openai.parameters import for_reasoning, refused_by
from .vendors.tool_names import OPENAI


class OpenAISettings(NetworkSettings):
    """An account, or one project of it. Names are those of the official SDK."""

    api_key: ApiKey = setting(
        title="API key",
        description="From platform.openai.com, API keys.",
        environment="OPENAI_API_KEY",
        placeholder="sk-... or $OpenAI:ApiKey",
    )
    organization: Text | None = setting(
        None,
        title="Organization",
        description="Organization ID, if the key belongs to several.",
        environment="OPENAI_ORG_ID",
        placeholder="org-...",
    )
    project: Text | None = setting(
        None,
        title="Project",
        description="Project ID, for a key that is not bound to one.",
        environment="OPENAI_PROJECT_ID",
        placeholder="proj_...",
    )
    base_url: HttpUrl = setting(
        "https://api.openai.com/v1",
        title="Endpoint",
        description="Where the API lives, with its version.",
        address=True,
        environment="OPENAI_BASE_URL",
    )


@register
class OpenAI(OpenAICompatible[OpenAISettings]):
    """OpenAI's own API."""

    id, name = "openai", "OpenAI"
    description = "GPT and o-series models, embeddings."
    docs_url = "https://platform.openai.com/docs"
    keys_url = "https://platform.openai.com/api-keys"
    model_examples = ("gpt-4o-mini", "text-embedding-3-small")
    price_list = "openai"
    tool_rules, refuses = OPENAI, ("echoes", "cache_control")

    @property
    def headers(self) -> dict[str, str]:
        account = {
            "OpenAI-Organization": self.settings.organization,
            "OpenAI-Project": self.settings.project,
        }
        return {name: value for name, value in account.items() if value}

    @classmethod
    def refused_parameters(cls, model: str, effort: str | None = None) -> frozenset[str]:
        return refused_by(model, effort)

    def wire_body(self, capability: Capability, body: dict[str, Any]) -> dict[str, Any]:
        """Every model is asked for max_completion_tokens: max_tokens is deprecated, and reasoning
        models refuse it.
        """
        if capability is Capability.CHAT:
            body = for_reasoning(body, always=True)
        return super().wire_body(capability, body)

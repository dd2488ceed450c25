"""Anthropic: https://docs.anthropic.com/en/api"""

from functools import cached_property
from typing import Any

from .base import Capability, Model, NetworkSettings, Provider, setting
from .errors import bad_response
from .registry import register
from .types import ApiKey, HttpUrl

MOST_MODELS = 1000  # the largest page there is: docs.anthropic.com/en/api/models-list


class AnthropicSettings(NetworkSettings):
    """An account. Names are those of the official SDK."""

    api_key: ApiKey = setting(
        title="API key",
        description="From console.anthropic.com, API keys.",
        environment="ANTHROPIC_API_KEY",
        placeholder="sk-ant-... or $Anthropic:ApiKey",
    )
    base_url: HttpUrl = setting(
        "https://api.anthropic.com",
        title="Endpoint",
        description="Where the API lives, without its version.",
        address=True,
        environment="ANTHROPIC_BASE_URL",
    )


@register
class Anthropic(Provider[AnthropicSettings]):
    """Anthropic's own API."""

    id, name = "anthropic", "Anthropic"
    capabilities = (Capability.CHAT,)
    description = "Claude models."
    docs_url = "https://docs.anthropic.com"
    model_examples = ("claude-sonnet-4-5", "claude-haiku-4-5")
    packages = ("anthropic",)

    @property
    def asks(self) -> str:
        return f"GET {self.settings.base_url.rstrip('/')}/v1/models"

    @cached_property
    def client(self) -> Any:
        from anthropic import Anthropic as Client

        client = Client(
            api_key=self.settings.api_key.get_secret_value(),
            base_url=self.settings.base_url,
            timeout=self.timeout,
            max_retries=self.max_retries,
            http_client=self.http_client(),
            webhook_key="",
        )
        # No argument keeps ANTHROPIC_CUSTOM_HEADERS out (anthropic 2.11); test_contract.py fails if this stops working.
        client._custom_headers = {}
        return client

    def list_models(self) -> list[Model]:
        with self.translated(self.settings.base_url):
            rows = getattr(self.client.models.list(limit=MOST_MODELS), "data", None)
            if not isinstance(rows, list) or not all(isinstance(getattr(row, "id", None), str) for row in rows):
                raise bad_response(self.settings.base_url)
            chat = frozenset({Capability.CHAT})
            return [Model(row.id, str(getattr(row, "display_name", None) or row.id), chat) for row in rows]

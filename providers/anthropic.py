"""Anthropic: https://docs.anthropic.com/en/api"""

from collections.abc import AsyncIterator
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

from .core.base import Capability, Model, Provider
from .core.chat import ChatRequest
from .core.errors import ProviderError, bad_response, from_answer
from .core.registry import register
from .core.results import ChatAnswer, ChatChunk
from .core.settings import NetworkSettings, setting
from .core.types import ApiKey, HttpUrl
from .vendors.anthropic.request import SUPPORTED, arguments_for, refused_by
from .vendors.anthropic.response import answer_of, chunks_of
from .vendors.tool_names import CLAUDE, for_vendor, restored, restored_piece

MOST_MODELS = 1000  # the largest page there is: docs.anthropic.com/en/api/models-list
# platform.claude.com/docs/en/api/errors: in a stream, whose status is 200, an error has its type
# only
STATUSES = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "api_error": 500,
    "timeout_error": 504,
    "overloaded_error": 529,
}


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
    description = "Claude models."
    docs_url = "https://docs.anthropic.com"
    keys_url = "https://console.anthropic.com/settings/keys"
    model_examples = ("claude-sonnet-5", "claude-haiku-4-5")
    price_list = "anthropic"
    packages = ("anthropic",)
    sdk = "anthropic"

    @property
    def asks(self) -> str:
        return f"GET {self.settings.base_url.rstrip('/')}/v1/models"

    @cached_property
    def client(self) -> Any:
        from anthropic import Anthropic as Client

        return _sealed(Client(http_client=self.http_client(), **self._arguments))

    @cached_property
    def async_client(self) -> Any:
        from anthropic import AsyncAnthropic

        return _sealed(AsyncAnthropic(http_client=self.async_http_client(), **self._arguments))

    @property
    def _arguments(self) -> dict[str, Any]:
        return {
            "api_key": self.settings.api_key.get_secret_value(),
            "base_url": self.settings.base_url,
            "timeout": self.timeout,
            "max_retries": self.max_retries,
            "webhook_key": "",
        }

    def list_models(self) -> list[Model]:
        with self.translated(self.settings.base_url):
            rows = getattr(self.client.models.list(limit=MOST_MODELS), "data", None)
            if not isinstance(rows, list) or not all(
                isinstance(getattr(row, "id", None), str) for row in rows
            ):
                raise bad_response(self.settings.base_url)
            chat = frozenset({Capability.CHAT})
            return [
                Model(
                    row.id,
                    str(getattr(row, "display_name", None) or row.id),
                    chat,
                    context=getattr(row, "max_input_tokens", None),
                )
                for row in rows
            ]

    @property
    def host(self) -> str:
        """The service, for messages."""
        return urlsplit(self.settings.base_url).netloc

    async def chat(self, request: ChatRequest) -> ChatAnswer:
        with self.translated(self.settings.base_url):
            request, names = for_vendor(request, CLAUDE)
            return restored(answer_of(await self._create(request), self.host), names)

    async def stream_chat(self, request: ChatRequest) -> AsyncIterator[ChatChunk]:
        with self.translated(self.settings.base_url):
            request, names = for_vendor(request, CLAUDE)
            stream = await self._create(request, stream=True)
            try:
                async for chunk in chunks_of(stream, self.host):
                    yield restored_piece(chunk, names)
            finally:
                await stream.close()

    async def _create(self, request: ChatRequest, **more: Any) -> Any:
        self.refuse_unless(request, *SUPPORTED)
        # With a timeout given, the SDK does not refuse long answers that are not streamed.
        await self.warm()
        return await self.async_client.messages.create(
            **arguments_for(request), **more, timeout=self.timeout
        )

    @classmethod
    def refused_parameters(cls, model: str, _effort: str | None = None) -> frozenset[str]:
        return refused_by(model)

    def translate(self, error: Exception, host: str) -> ProviderError:
        body = getattr(error, "body", None)
        if (
            getattr(error, "status_code", None) == 200
            and isinstance(body, dict)
            and body.get("type") == "error"
        ):
            return from_answer(STATUSES.get(str(getattr(error, "type", "")), 500), host, {}, body)
        return super().translate(error, host)


def _sealed(client: Any) -> Any:
    """The client without ANTHROPIC_CUSTOM_HEADERS, which no argument keeps out (anthropic 2.11).

    test_environment.py fails if this stops working.
    """
    client._custom_headers = {}
    return client

"""Whatever speaks OpenAI's protocol: vLLM, LM Studio, llama.cpp, LiteLLM, OpenRouter, Groq, a gateway of your own."""

from typing import Any

import httpx2

from ._openai_compatible import OpenAICompatible
from .base import Capability, NetworkSettings, setting
from .registry import register
from .types import ApiKey, HeaderName, Headers, HttpUrl, Text


class OpenAICompatibleSettings(NetworkSettings):
    """An address, and whatever it wants to see in the headers."""

    base_url: HttpUrl = setting(
        title="Endpoint",
        description="Where the API lives, with its version: /models is appended to it.",
        address=True,
        placeholder="https://llm.example.com/v1",
    )
    api_key: ApiKey | None = setting(
        None,
        title="API key",
        description="Leave empty if the service wants none: then none is sent.",
        placeholder="$OpenAICompatible:ApiKey",
    )
    api_key_header: HeaderName | None = setting(
        None,
        title="Header of the API key",
        description="Leave empty for Authorization: Bearer, which most services want.",
        group="Advanced",
        placeholder="x-api-key",
    )
    api_key_prefix: Text | None = setting(
        None,
        title="Word before the API key",
        description="Leave empty for Bearer in Authorization, and for none in a header of your own.",
        group="Advanced",
        max_length=50,
    )
    extra_headers: Headers | None = setting(
        None, title="More headers", description="One a line, Name: value. Kept as secret as the key.", group="Advanced"
    )


@register
class OpenAICompatibleService(OpenAICompatible[OpenAICompatibleSettings]):
    """A service known by its address only."""

    id, name = "openai-compatible", "OpenAI-compatible"
    section = "OpenAICompatible"
    capabilities = (Capability.CHAT, Capability.EMBEDDING)
    description = "vLLM, LM Studio, LiteLLM, OpenRouter, Groq or a gateway of your own: anything with OpenAI's protocol."
    docs_url = "https://platform.openai.com/docs/api-reference/models"
    model_examples = ("llama-3.3-70b", "bge-m3")

    @property
    def headers(self) -> dict[str, Any]:
        from openai import Omit

        settings = self.settings
        name = settings.api_key_header or "Authorization"
        prefix = settings.api_key_prefix or ("" if settings.api_key_header else "Bearer")
        found = httpx2.Headers({name: f"{prefix} {self.api_key}".strip()} if self.api_key else {})
        found.update(settings.extra_headers.get_secret_value() if settings.extra_headers else {})
        # the SDK's own Authorization, under the very spelling it uses, or both would be sent
        own = {"Authorization": found.pop("authorization", None) or Omit()}
        return {**own, **dict(found)}

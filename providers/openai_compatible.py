"""Whatever speaks OpenAI's protocol: vLLM, LM Studio, llama.cpp, LiteLLM, OpenRouter, Groq, a
gateway of your own.
"""

from typing import Any
from urllib.parse import urlsplit

from .core.ends import KeyEnd, moment
from .core.registry import register
from .core.settings import NetworkSettings, setting
from .core.types import ApiKey, HeaderName, Headers, HttpUrl, Text
from .vendors.openai.compatible import OpenAICompatible
from .vendors.openai.dialect import NotTaken, not_taken_setting

OPENROUTER = "openrouter.ai"


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
        description=(
            "Leave empty for Bearer in Authorization, and for none in a header of your own."
        ),
        group="Advanced",
        max_length=50,
    )
    extra_headers: Headers | None = setting(
        None,
        title="More headers",
        description="One a line, Name: value. Kept as secret as the key.",
        group="Advanced",
    )
    not_taken: NotTaken | None = not_taken_setting()


@register
class OpenAICompatibleService(OpenAICompatible[OpenAICompatibleSettings]):
    """A service known by its address only."""

    id, name = "openai-compatible", "OpenAI-compatible"
    section = "OpenAICompatible"
    description = (
        "vLLM, LM Studio, LiteLLM, OpenRouter, Groq or a gateway of your own: anything with "
        "OpenAI's protocol."
    )
    docs_url = "https://platform.openai.com/docs/api-reference/models"
    model_examples = ("llama-3.3-70b", "bge-m3")

    @property
    def price_address(self) -> str:
        return self.base_url

    @property
    def bearer(self) -> str:
        own = self.settings.api_key_header or self.settings.api_key_prefix
        return "" if own else self.api_key

    def key_end(self) -> KeyEnd | None:
        """Of OpenRouter's keys, which tell it: openrouter.ai/docs/api/api-reference/api-keys."""
        if urlsplit(self.base_url).hostname != OPENROUTER:
            return super().key_end()
        address = f"{self.base_url.rstrip('/')}/key"
        with self.translated(address):
            found: Any = self.client.get("/key", cast_to=object)
            return KeyEnd(moment(found["data"].get("expires_at")), f"{OPENROUTER} (expires_at)")

    @property
    def headers(self) -> dict[str, str]:
        settings, found = self.settings, {}
        if self.api_key and not self.bearer:
            found[settings.api_key_header or "Authorization"] = (
                f"{settings.api_key_prefix or ''} {self.api_key}".strip()
            )
        found |= settings.extra_headers.get_secret_value() if settings.extra_headers else {}
        # under the SDK's own spelling, or a second one would be sent beside it
        return {
            "Authorization" if name.lower() == "authorization" else name: value
            for name, value in found.items()
        }

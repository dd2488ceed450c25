"""Google's Gemini API: https://ai.google.dev/api"""

from functools import cached_property
from itertools import islice
from typing import Any

from .base import Capability, Model, NetworkSettings, Provider, setting
from .errors import ProviderError, bad_response, from_status
from .registry import register
from .types import ApiKey, HttpUrl, Text

ACTIONS = {
    "generateContent": Capability.CHAT,
    "embedContent": Capability.EMBEDDING,
}
PAGE_SIZE, MOST_MODELS = 1000, 5000  # the largest page there is: ai.google.dev/api/models


class GoogleSettings(NetworkSettings):
    """An account with Google AI Studio."""

    api_key: ApiKey = setting(
        title="API key",
        description="From aistudio.google.com, API keys.",
        environment="GEMINI_API_KEY",
        placeholder="AIza... or $Google:ApiKey",
    )
    base_url: HttpUrl = setting(
        "https://generativelanguage.googleapis.com",
        title="Endpoint",
        description="Where the API lives, without its version.",
        address=True,
        environment="GOOGLE_GEMINI_BASE_URL",
    )
    api_version: Text = setting(
        "v1beta", title="API version", description="v1beta or v1.", group="Advanced", pattern=r"^v[0-9a-z]+$", max_length=20
    )


@register
class Google(Provider[GoogleSettings]):
    """The Gemini API, by key. Not Vertex AI."""

    id, name = "google", "Google"
    capabilities = (Capability.CHAT, Capability.EMBEDDING)
    description = "Gemini models and embeddings."
    docs_url = "https://ai.google.dev"
    model_examples = ("gemini-2.5-flash", "gemini-embedding-001")
    packages = ("google-genai",)

    @property
    def asks(self) -> str:
        return f"GET {self.settings.base_url.rstrip('/')}/{self.settings.api_version}/models"

    @cached_property
    def client(self) -> Any:
        from google.genai import Client
        from google.genai.types import HttpOptions, HttpRetryOptions

        options = HttpOptions(
            base_url=self.settings.base_url,
            api_version=self.settings.api_version,
            timeout=int(self.timeout * 1000),
            retry_options=HttpRetryOptions(attempts=self.max_retries + 1),
            httpx_client=self.http_client(),
        )
        # vertexai: or GOOGLE_GENAI_USE_VERTEXAI sends everything to another service (google-genai 3.4)
        return Client(vertexai=False, api_key=self.settings.api_key.get_secret_value(), http_options=options)

    def list_models(self) -> list[Model]:
        with self.translated(self.settings.base_url):
            rows = list(islice(self.client.models.list(config={"page_size": PAGE_SIZE}), MOST_MODELS))
            if not rows:  # every account sees models; the SDK reads any JSON object as an empty list
                raise bad_response(self.settings.base_url)
            return [_model(row) for row in rows]

    def translate(self, error: Exception, host: str) -> ProviderError:
        # Gemini answers a wrong key with 400; the reason is a code of google.rpc.ErrorInfo: cloud.google.com/apis/design/errors
        if "API_KEY_INVALID" in _reasons(getattr(error, "details", None)):
            return from_status(401, host)
        return super().translate(error, host)


def _model(row: Any) -> Model:
    identifier = row.name.removeprefix("models/")
    actions = row.supported_actions or []
    return Model(identifier, row.display_name or identifier, frozenset(ACTIONS[one] for one in actions if one in ACTIONS))


def _reasons(body: Any) -> list[Any]:
    error = body.get("error") if isinstance(body, dict) else None
    details = error.get("details") if isinstance(error, dict) else None
    return [one.get("reason") for one in details if isinstance(one, dict)] if isinstance(details, list) else []

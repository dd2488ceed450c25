"""What services that speak OpenAI's protocol share: the client, the list of models, the errors."""

from functools import cached_property
from typing import Any, TypeVar

from .base import Capability, Model, NetworkSettings, Provider
from .errors import ProviderError, bad_response

SettingsT = TypeVar("SettingsT", bound=NetworkSettings)


class OpenAICompatible(Provider[SettingsT]):
    """A provider reached through the official `openai` SDK. A subclass says where, with which key and which headers."""

    @property
    def base_url(self) -> str:
        """Where the API lives, with its version: `https://api.openai.com/v1`."""
        return str(getattr(self.settings, "base_url"))  # noqa: B009 a setting of the subclass

    @property
    def api_key(self) -> str:
        """The key in clear, for the client only; empty when the service wants none."""
        key = getattr(self.settings, "api_key", None)
        return key.get_secret_value() if key else ""

    @property
    def headers(self) -> dict[str, str]:
        """Headers of every request, beyond the SDK's own."""
        return {}

    @property
    def asks(self) -> str:
        return f"GET {self.base_url.rstrip('/')}/models"

    @cached_property
    def client(self) -> Any:
        from openai import OpenAI

        client = OpenAI(
            api_key=self.api_key or "none",
            base_url=self.base_url,
            timeout=self.timeout,
            max_retries=self.max_retries,
            default_headers=self.headers,
            http_client=self.http_client(),
        )
        # Set here, or the SDK takes them from OPENAI_ORG_ID and OPENAI_PROJECT_ID (observed with openai 3.51).
        client.organization = getattr(self.settings, "organization", None) or None
        client.project = getattr(self.settings, "project", None) or None
        return client

    def list_models(self) -> list[Model]:
        with self.translated(self.base_url):
            page = self.client.models.list()
            rows = getattr(page, "data", None)
            if not isinstance(rows, list) or not all(isinstance(getattr(row, "id", None), str) for row in rows):
                raise bad_response(self.base_url)
            return [Model(row.id, row.id, self.capabilities_of(row.id)) for row in rows]

    def capabilities_of(self, model_id: str) -> frozenset[Capability]:
        """What the model can do, as far as its name tells; OpenAI's list of models does not say."""
        return frozenset({Capability.EMBEDDING if "embed" in model_id.lower() else Capability.CHAT})

    def translate(self, error: Exception, host: str) -> ProviderError:
        from openai import APIResponseValidationError, RateLimitError

        if isinstance(error, RateLimitError) and error.code == "insufficient_quota":
            return ProviderError(f"The account at {host} has no credit left. Check its billing.", "quota", True)
        if isinstance(error, APIResponseValidationError):
            return bad_response(host)
        return super().translate(error, host)

"""What services that speak OpenAI's protocol share: the client, the list of models, the errors."""

from functools import cached_property
from typing import Any, ClassVar, TypeVar

import httpx2

from .base import Capability, Model, NetworkSettings, Provider
from .errors import bad_response

SettingsT = TypeVar("SettingsT", bound=NetworkSettings)

NO_KEY = "no-key"  # the SDK refuses to send nothing; `_without_no_key` takes it out again


def _without_no_key(request: httpx2.Request) -> None:
    if request.headers.get("authorization") == f"Bearer {NO_KEY}":
        del request.headers["authorization"]


class OpenAICompatible(Provider[SettingsT]):
    """A provider reached through the official `openai` SDK. A subclass says where, with which key and which headers."""

    packages: ClassVar[tuple[str, ...]] = ("openai",)

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
    def bearer(self) -> str:
        """What goes into `Authorization: Bearer`; empty for no such header."""
        return self.api_key

    @property
    def headers(self) -> dict[str, str]:
        """Headers of every request, beyond the SDK's own."""
        return {}

    @property
    def asks(self) -> str:
        return f"GET {self.base_url.rstrip('/')}/models"

    @property
    def arguments(self) -> dict[str, Any]:
        """What every client of the SDK is made with. Nothing is left for it to look up in the environment."""
        return {
            "timeout": self.timeout,
            "max_retries": self.max_retries,
            "default_headers": self.headers,
            "http_client": self.http_client(),
            "admin_api_key": "",
            "webhook_secret": "",
        }

    @cached_property
    def client(self) -> Any:
        from openai import OpenAI

        return self.sealed(OpenAI(api_key=self.bearer or NO_KEY, base_url=self.base_url, **self.arguments))

    def http_client(self, headers: dict[str, str] | None = None) -> httpx2.Client:
        client = super().http_client(headers)
        client.event_hooks = {"request": [_without_no_key]}
        return client

    def sealed(self, client: Any) -> Any:
        """The client without what no argument keeps out: OPENAI_ORG_ID, OPENAI_PROJECT_ID, OPENAI_CUSTOM_HEADERS (openai 3.52)."""
        client.organization = getattr(self.settings, "organization", None) or None
        client.project = getattr(self.settings, "project", None) or None
        client._custom_headers = self.headers  # no public name for it; test_contract.py fails if this stops working
        return client

    def list_models(self) -> list[Model]:
        with self.translated(self.base_url):
            rows = getattr(self.client.models.list(), "data", None)
            if not isinstance(rows, list) or not all(isinstance(getattr(row, "id", None), str) for row in rows):
                raise bad_response(self.base_url)
            return [Model(row.id, self.name_of(row), self.capabilities_of(row)) for row in rows]

    def name_of(self, row: Any) -> str:
        """The name for people of one row of the list."""
        return str(row.id)

    def capabilities_of(self, row: Any) -> frozenset[Capability]:
        """What the model can do, as far as its name tells; OpenAI's list of models does not say."""
        return frozenset({Capability.EMBEDDING if "embed" in row.id.lower() else Capability.CHAT})

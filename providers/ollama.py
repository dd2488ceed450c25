"""Ollama: https://docs.ollama.com/api"""

from functools import cached_property
from typing import Any

import httpx2

from .base import Capability, Model, NetworkSettings, Provider, setting
from .registry import register
from .types import ApiKey, HttpUrl


class OllamaSettings(NetworkSettings):
    """A server of your own, or ollama.com with a key."""

    base_url: HttpUrl = setting(
        "http://localhost:11434",
        title="Endpoint",
        description="Where the server listens, without /api or /v1.",
        address=True,
        environment="OLLAMA_HOST",
    )
    api_key: ApiKey | None = setting(
        None,
        title="API key",
        description="Only for ollama.com, or a server behind a proxy that wants one.",
        environment="OLLAMA_API_KEY",
        placeholder="$Ollama:ApiKey",
    )


@register
class Ollama(Provider[OllamaSettings]):
    """A server of Ollama. Its list of models is asked for directly: `/v1/models` does not tell what a model can do."""

    id, name = "ollama", "Ollama"
    capabilities = (Capability.CHAT, Capability.EMBEDDING)
    description = "Open models on your own machine."
    docs_url = "https://docs.ollama.com"
    model_examples = ("llama3.2", "nomic-embed-text")

    @property
    def address(self) -> str:
        """Where the list of models is."""
        return f"{self.settings.base_url.rstrip('/')}/api/tags"

    @property
    def asks(self) -> str:
        return f"GET {self.address}"

    @cached_property
    def client(self) -> httpx2.Client:
        key = self.settings.api_key.get_secret_value() if self.settings.api_key else ""
        return self.http_client({"Authorization": f"Bearer {key}"} if key else None)

    def list_models(self) -> list[Model]:
        with self.translated(self.settings.base_url):
            return [_model(row) for row in self.get_json(self.client, self.address)["models"]]


def _model(row: dict[str, Any]) -> Model:
    name = row["name"]
    if not isinstance(name, str):
        raise TypeError
    return Model(name, name, _capabilities(row, name))


def _capabilities(row: dict[str, Any], name: str) -> frozenset[Capability]:
    """As the row's `capabilities` say, which newer servers send, else as the family and the name tell."""
    if isinstance(row.get("capabilities"), list):
        words = {"completion": Capability.CHAT, "embedding": Capability.EMBEDDING}
        return frozenset(capability for word, capability in words.items() if word in row["capabilities"])
    family = str((row.get("details") or {}).get("family", ""))
    return frozenset({Capability.EMBEDDING if "bert" in family or "embed" in name else Capability.CHAT})

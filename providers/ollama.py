"""Ollama: https://docs.ollama.com/api"""

from functools import cached_property
from typing import Any

import httpx2

from .core.base import Capability, Model
from .core.chat import idle_choice
from .core.messages import Unsupported
from .core.registry import register
from .core.settings import NetworkSettings, setting
from .core.types import ApiKey, HttpUrl
from .vendors.openai.dialect import NotTaken, not_taken_setting
from .vendors.openai.parameters import OPENAI_ONLY, without
from .vendors.openai.request import OpenAIChat

KNOWN = ("logprobs", "top_logprobs")  # of OpenAI's own fields
UNKNOWN = (
    *(name for name in OPENAI_ONLY if name not in KNOWN),
    "n",
    "tool_choice",
    "parallel_tool_calls",
)


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
    not_taken: NotTaken | None = not_taken_setting()


@register
class Ollama(OpenAIChat[OllamaSettings]):
    """A server of Ollama, which speaks OpenAI's protocol under /v1.

    Its list of models does not tell there what a model can do.
    """

    id, name = "ollama", "Ollama"
    description = "Open models on your own machine."
    docs_url = "https://docs.ollama.com"
    model_examples = ("llama3.2", "nomic-embed-text")
    refuses = ("developer", "max_completion_tokens", "cache_control")

    @property
    def address(self) -> str:
        """The address of the list of models."""
        return f"{self.settings.base_url.rstrip('/')}/api/tags"

    @property
    def asks(self) -> str:
        return f"GET {self.address}"

    @cached_property
    def client(self) -> httpx2.Client:
        return self.http_client({"Authorization": f"Bearer {self.bearer}"} if self.bearer else None)

    @property
    def answers_url(self) -> str:
        return f"{self.settings.base_url.rstrip('/')}/v1"

    def wire_body(self, capability: Capability, body: dict[str, Any]) -> dict[str, Any]:
        """Ollama passes over what it does not know without a word, so that is refused here:
        docs.ollama.com/api/openai-compatibility.
        """
        if capability is Capability.EMBEDDING:
            if isinstance(body.get("input"), list) and not all(
                isinstance(one, str) for one in body["input"]
            ):
                raise Unsupported("input", "Ollama embeds texts, not token numbers. Send texts.")
            return body
        tools = len(body.get("tools") or ())
        asked = {name: one for name, one in body.items() if not idle_choice(name, one, tools)}
        return super().wire_body(capability, without(asked, UNKNOWN, "{} is not known to Ollama."))

    def list_models(self) -> list[Model]:
        with self.translated(self.settings.base_url):
            return [_model(row) for row in self.get_json(self.client, self.address)["models"]]


def _model(row: dict[str, Any]) -> Model:
    name = row["name"]
    if not isinstance(name, str):
        raise TypeError
    return Model(name, name, _capabilities(row, name))


def _capabilities(row: dict[str, Any], name: str) -> frozenset[Capability]:
    """As the row's `capabilities` say, which newer servers send, else as the family and the name
    tell.
    """
    if isinstance(row.get("capabilities"), list):
        words = {"completion": Capability.CHAT, "embedding": Capability.EMBEDDING}
        return frozenset(
            capability for word, capability in words.items() if word in row["capabilities"]
        )
    family = str((row.get("details") or {}).get("family", ""))
    return frozenset(
        {Capability.EMBEDDING if "bert" in family or "embed" in name else Capability.CHAT}
    )

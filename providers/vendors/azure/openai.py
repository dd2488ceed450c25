"""The base of Azure's services that speak OpenAI's protocol: the client, and the address of a
request.
"""

from functools import cached_property
from typing import Any, TypeVar

from providers.core.base import Capability
from providers.core.settings import NetworkSettings

from ..openai.compatible import OpenAICompatible
from ..openai.parameters import for_reasoning, refused_by
from ..tool_names import OPENAI
from .access import AzureAccess, AzureAccessSettings


class AzureSettings(AzureAccessSettings, NetworkSettings):
    """A resource that answers chats."""


SettingsT = TypeVar("SettingsT", bound=AzureSettings)


class AzureProvider(AzureAccess[SettingsT], OpenAICompatible[SettingsT]):
    """A resource of Azure that speaks OpenAI's protocol under `/openai`, with an api-version in
    every address.
    """

    packages = ("openai", "azure-identity")
    tool_rules, refuses = OPENAI, ("echoes", "cache_control")

    @property
    def base_url(self) -> str:
        return f"{self.endpoint}/openai"

    @property
    def answers_url(self) -> str:
        return self.base_url

    @property
    def api_version(self) -> str:
        """The version in every address."""
        return str(getattr(self.settings, "api_version"))  # noqa: B009 a setting of the subclass

    @property
    def azure_arguments(self) -> dict[str, Any]:
        """As `arguments`, for the clients that know Azure's addresses."""
        return {**self.arguments, "azure_endpoint": self.endpoint, "api_version": self.api_version}

    @cached_property
    def client(self) -> Any:
        from openai import AzureOpenAI

        access: dict[str, Any] = (
            {"api_key": self.api_key} if self.by_key else {"azure_ad_token_provider": self.token}
        )
        return self.sealed(
            AzureOpenAI(http_client=self.http_client(), **access, **self.azure_arguments)
        )

    @cached_property
    def async_client(self) -> Any:
        from openai import AsyncAzureOpenAI

        access: dict[str, Any] = (
            {"api_key": self.api_key}
            if self.by_key
            else {"azure_ad_token_provider": self.held_token}
        )
        return self.sealed(
            AsyncAzureOpenAI(http_client=self.async_http_client(), **access, **self.azure_arguments)
        )

    async def wire_headers(self) -> dict[str, str]:
        return (
            {"api-key": self.api_key}
            if self.by_key
            else {"Authorization": f"Bearer {await self.held_token()}"}
        )

    @classmethod
    def refused_parameters(cls, model: str, effort: str | None = None) -> frozenset[str]:
        """Judged by the name of the deployment, as far as it is named after its model."""
        return refused_by(model, effort)

    def wire_body(self, capability: Capability, body: dict[str, Any]) -> dict[str, Any]:
        if capability is Capability.CHAT:
            body = for_reasoning(body)
        return super().wire_body(capability, body)

    def capabilities_of(self, row: Any) -> frozenset[Capability]:
        """As the row's own `capabilities` say, else as its name tells."""
        flags = getattr(row, "capabilities", None)
        if not isinstance(flags, dict):
            return super().capabilities_of(row)
        names = {"chat_completion": Capability.CHAT, "embeddings": Capability.EMBEDDING}
        return frozenset(
            capability for name, capability in names.items() if flags.get(name) is True
        )

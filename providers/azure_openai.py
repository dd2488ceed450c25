"""Azure OpenAI: https://learn.microsoft.com/azure/ai-services/openai/reference"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from .core.base import Capability, WireTarget
from .core.registry import register
from .core.settings import setting
from .core.types import Text
from .vendors.azure.migrations import without_api_type
from .vendors.azure.openai import AzureProvider, AzureSettings
from .vendors.openai.dialect import NotTaken, not_taken_setting
from .vendors.openai.request import PATHS

USAGE_SINCE = "2024-09-01"  # the first version whose streams may be asked for their usage


class AzureOpenAISettings(AzureSettings):
    """A resource of Azure OpenAI. `endpoint` is promptflow's `api_base`."""

    api_version: Text = setting(
        "2024-02-01",
        title="API version",
        description="Version of Azure's API, a date, with -preview behind it for a preview.",
        environment="OPENAI_API_VERSION",
    )
    resource_id: Text | None = setting(
        None,
        title="Resource ID",
        description="Azure's name of the resource. For your own records; no request carries it.",
        group="Advanced",
        placeholder="/subscriptions/.../resourceGroups/.../providers/Microsoft.CognitiveServices/accounts/...",
    )
    not_taken: NotTaken | None = not_taken_setting()


@register
class AzureOpenAI(AzureProvider[AzureOpenAISettings]):
    """OpenAI's models on an Azure resource.

    A request names a deployment, whose name may differ from the model's.
    """

    id, name = "azure-openai", "Azure OpenAI"
    mark = "microsoft"
    description = "OpenAI's models on your own Azure resource, by key or Microsoft Entra ID."
    docs_url = "https://learn.microsoft.com/azure/ai-services/openai/"
    model_examples = ("gpt-4o", "text-embedding-3-small")
    price_list = "azure"
    telemetry_name = "azure.ai.openai"
    version = 2

    @classmethod
    def migrated(cls, version: int, values: Mapping[str, Any]) -> dict[str, Any]:
        return without_api_type(values) if version < 2 else dict(values)

    @property
    def asks_usage(self) -> bool:  # type: ignore[override]
        return self.api_version >= USAGE_SINCE

    async def wire_target(self, capability: Capability, model: str) -> WireTarget | None:
        """The deployment's own address, as the SDK makes it from the model's name."""
        url = f"{self.answers_url}/deployments/{quote(model, safe='')}/{PATHS[capability]}"
        url += f"?api-version={quote(self.api_version)}"
        return self.wire(url, await self.wire_headers(), self.asks_usage)

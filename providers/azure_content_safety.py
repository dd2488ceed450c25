"""Azure AI Content Safety: https://learn.microsoft.com/rest/api/contentsafety/"""

from collections.abc import Mapping
from typing import Any

from .core.registry import register
from .core.settings import AddressedSettings, setting
from .core.types import ApiKey, HttpUrl, Text
from .vendors.azure.migrations import without_api_type
from .vendors.service import Service, versioned


class AzureContentSafetySettings(AddressedSettings):
    """A resource of Content Safety."""

    endpoint: HttpUrl = setting(
        title="Endpoint",
        description="The resource's address, without a path.",
        address=True,
        environment="CONTENT_SAFETY_ENDPOINT",
        placeholder="https://my-resource.cognitiveservices.azure.com",
    )
    api_key: ApiKey = setting(
        title="API key",
        description="From the Azure portal: the resource, Keys and Endpoint.",
        environment="CONTENT_SAFETY_KEY",
        placeholder="$AzureContentSafety:ApiKey",
    )
    api_version: Text = setting(
        "2023-10-01", title="API version", description="Version of the API, a date."
    )


@register
class AzureContentSafety(Service[AzureContentSafetySettings]):
    """Judges texts and images. Its blocklists are listed for free."""

    id, name = "azure-content-safety", "Azure AI Content Safety"
    mark = "microsoft"
    category = "AI services"
    description = "Finds harmful texts and images."
    docs_url = "https://learn.microsoft.com/azure/ai-services/content-safety/"
    sign = ("value",)
    version = 2

    @classmethod
    def migrated(cls, version: int, values: Mapping[str, Any]) -> dict[str, Any]:
        return without_api_type(values) if version < 2 else dict(values)

    @property
    def address(self) -> str:
        return versioned(
            self.settings.endpoint, "/contentsafety/text/blocklists", self.settings.api_version
        )

    @property
    def access(self) -> dict[str, str]:
        return {"Ocp-Apim-Subscription-Key": self.settings.api_key.get_secret_value()}

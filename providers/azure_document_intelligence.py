"""Azure AI Document Intelligence, once Form Recognizer:
https://learn.microsoft.com/rest/api/aiservices/
"""

from collections.abc import Mapping
from typing import Any

from .core.registry import register
from .core.settings import AddressedSettings, setting
from .core.types import ApiKey, HttpUrl, Text
from .vendors.azure.migrations import without_api_type
from .vendors.service import Service, versioned

# the first version that lives under /documentintelligence: learn.microsoft.com, v4.0 migration
# guide
RENAMED_SINCE = "2023-10-31"


class AzureDocumentIntelligenceSettings(AddressedSettings):
    """A resource of Document Intelligence."""

    endpoint: HttpUrl = setting(
        title="Endpoint",
        description="The resource's address, without a path.",
        address=True,
        environment="DOCUMENTINTELLIGENCE_ENDPOINT",
        placeholder="https://my-resource.cognitiveservices.azure.com",
    )
    api_key: ApiKey = setting(
        title="API key",
        description="From the Azure portal: the resource, Keys and Endpoint.",
        environment="DOCUMENTINTELLIGENCE_API_KEY",
        placeholder="$AzureDocumentIntelligence:ApiKey",
    )
    api_version: Text = setting(
        "2023-07-31",
        title="API version",
        description="Version of the API, a date: 2023-07-31 is 3.1, 2024-11-30 is 4.0.",
    )


@register
class AzureDocumentIntelligence(Service[AzureDocumentIntelligenceSettings]):
    """Reads documents. What the resource holds is told for free."""

    id, name = "azure-document-intelligence", "Azure AI Document Intelligence"
    mark = "microsoft"
    category = "AI services"
    description = "Reads text, tables and fields out of documents; once Form Recognizer."
    docs_url = "https://learn.microsoft.com/azure/ai-services/document-intelligence/"
    sign = ("customDocumentModels", "count")
    version = 2

    @classmethod
    def migrated(cls, version: int, values: Mapping[str, Any]) -> dict[str, Any]:
        return without_api_type(values) if version < 2 else dict(values)

    @property
    def address(self) -> str:
        room = (
            "documentintelligence"
            if self.settings.api_version >= RENAMED_SINCE
            else "formrecognizer"
        )
        return versioned(self.settings.endpoint, f"/{room}/info", self.settings.api_version)

    @property
    def access(self) -> dict[str, str]:
        return {"Ocp-Apim-Subscription-Key": self.settings.api_key.get_secret_value()}

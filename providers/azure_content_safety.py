"""Azure AI Content Safety: https://learn.microsoft.com/rest/api/contentsafety/"""

from .core.registry import register
from .core.settings import ProviderSettings, setting
from .core.types import ApiKey, HttpUrl, Text
from .promptflow import PromptflowType
from .vendors.service import Service, versioned


class AzureContentSafetySettings(ProviderSettings):
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
    api_type: Text = setting(
        "Content Safety",
        title="API type",
        description="Kept for promptflow files; no request carries it.",
        group="Advanced",
        max_length=50,
    )


@register
class AzureContentSafety(Service[AzureContentSafetySettings]):
    """Judges texts and images. Its blocklists are listed for free."""

    id, name = "azure-content-safety", "Azure AI Content Safety"
    category = "AI services"
    description = "Finds harmful texts and images."
    docs_url = "https://learn.microsoft.com/azure/ai-services/content-safety/"
    promptflow = PromptflowType(
        "azure_content_safety",
        "AzureContentSafetyConnection",
        {
            "api_key": "api_key",
            "endpoint": "endpoint",
            "api_version": "api_version",
            "api_type": "api_type",
        },
        other_names=("content_safety", "azure_ai_content_safety"),
    )
    sign = ("value",)

    @property
    def address(self) -> str:
        return versioned(
            self.settings.endpoint, "/contentsafety/text/blocklists", self.settings.api_version
        )

    @property
    def access(self) -> dict[str, str]:
        return {"Ocp-Apim-Subscription-Key": self.settings.api_key.get_secret_value()}

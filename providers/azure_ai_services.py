"""Azure AI services, one resource for many of them:
https://learn.microsoft.com/azure/ai-services/multi-service-resource
"""

from .core.registry import register
from .core.settings import setting
from .core.types import ApiKey, HttpUrl
from .vendors.azure.access import AzureAccessSettings
from .vendors.azure.service import AzureService
from .vendors.service import versioned

# Of the list of models. A resource of the kind AIServices has it wherever it is and however one
# gets in; Content Safety is not in every region, and Document Intelligence takes no token of
# Microsoft Entra ID here (learn.microsoft.com, multi-service-resource).
MODELS_API_VERSION = "2024-10-21"


class AzureAIServicesSettings(AzureAccessSettings):
    """A multi-service resource."""

    endpoint: HttpUrl = setting(
        title="Endpoint",
        description="The resource's address, without a path.",
        address=True,
        environment="AZURE_AI_SERVICES_ENDPOINT",
        placeholder="https://my-resource.cognitiveservices.azure.com",
    )
    api_key: ApiKey | None = setting(
        None,
        title="API key",
        description="From the Azure portal: the resource, Keys and Endpoint.",
        environment="AZURE_AI_SERVICES_KEY",
        shown_when=("auth_mode", "key"),
        required_when_shown=True,
        group="Authentication",
    )


@register
class AzureAIServices(AzureService[AzureAIServicesSettings]):
    """Language, Speech, Vision, Content Safety and more behind one key.

    For chats choose Azure OpenAI or Microsoft Foundry.
    """

    id, name = "azure-ai-services", "Azure AI services"
    mark = "microsoft"
    category = "AI services"
    description = (
        "Language, Speech, Vision and Content Safety behind one key or Microsoft Entra ID."
    )
    docs_url = "https://learn.microsoft.com/azure/ai-services/"
    sign = ("data", 0, "id")

    @property
    def address(self) -> str:
        return versioned(self.endpoint, "/openai/models", MODELS_API_VERSION)

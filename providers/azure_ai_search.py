"""Azure AI Search: https://learn.microsoft.com/rest/api/searchservice/"""

from .core.registry import register
from .core.settings import setting
from .core.types import ApiKey, HttpUrl, Text
from .vendors.azure.access import AzureAccessSettings
from .vendors.azure.service import AzureService
from .vendors.service import versioned


class AzureAISearchSettings(AzureAccessSettings):
    """A search service. `endpoint` is promptflow's `api_base`."""

    endpoint: HttpUrl = setting(
        title="Endpoint",
        description="The search service's address, without a path.",
        address=True,
        environment="AZURE_SEARCH_SERVICE_ENDPOINT",
        placeholder="https://my-service.search.windows.net",
    )
    api_key: ApiKey | None = setting(
        None,
        title="API key",
        description=(
            "An admin key, from the Azure portal: the service, Settings, Keys. A query key "
            "searches, but fails the test."
        ),
        environment="AZURE_SEARCH_API_KEY",
        shown_when=("auth_mode", "key"),
        required_when_shown=True,
        group="Authentication",
    )
    api_version: Text = setting(
        "2023-11-01",
        title="API version",
        description="Version of the search API, a date, with -preview behind it for a preview.",
    )


@register
class AzureAISearch(AzureService[AzureAISearchSettings]):
    """Azure AI Search, once Azure Cognitive Search.

    Its statistics are free, and only an admin key or a role reads them.
    """

    id, name = "azure-ai-search", "Azure AI Search"
    mark = "microsoft"
    description = "Indexes for search and retrieval, by key or Microsoft Entra ID."
    docs_url = "https://learn.microsoft.com/azure/search/"
    # learn.microsoft.com/azure/search/search-security-rbac-client-code
    scope = "https://search.azure.com/.default"
    sign = ("counters", "documentCount")
    # An unknown key and a query key get the same answer: github.com/Azure/azure-sdk-for-net,
    # Azure.Search.Documents/TROUBLESHOOTING.md
    on_forbidden = (
        "{host} does not let these credentials read its statistics: the key is wrong or a query "
        "key, or the role is missing. "
        "Enter an admin key, or assign Search Service Contributor."
    )

    @property
    def address(self) -> str:
        return versioned(self.endpoint, "/servicestats", self.settings.api_version)

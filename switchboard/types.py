"""promptflow's types with promptflow's arguments, in its order, and its defaults.

https://microsoft.github.io/promptflow/reference/python-library-reference/promptflow-core/promptflow.connections.html
"""

from .connection import TypedConnection
from .declarations import connection_type, constant, secret, setting

VECTOR_STORES = "promptflow_vectordb.connections"
BY_KEY = ("auth_mode", "key")


class _EntraConnection(TypedConnection):
    """Base of the types that also take Microsoft Entra ID: `auth_mode="meid_token"`, which has no
    key.
    """

    auth_mode: str
    api_key: str | None

    def __post_init__(self) -> None:
        self.auth_mode = self.auth_mode.lower()
        if self.auth_mode == "meid_token":
            self.api_key = None


@connection_type("azure_open_ai", "azure-openai")
class AzureOpenAIConnection(_EntraConnection):
    """A resource of Azure OpenAI."""

    api_base: str = setting("endpoint", environment="AZURE_OPENAI_ENDPOINT")
    api_key: str | None = secret(
        "api_key", default=None, environment="AZURE_OPENAI_API_KEY", when=BY_KEY
    )
    api_type: str = constant(default="azure")
    api_version: str = setting(
        "api_version", default="2024-02-01", environment="OPENAI_API_VERSION"
    )
    auth_mode: str = setting("auth_mode", default="key")
    resource_id: str | None = setting("resource_id", default=None)


@connection_type("open_ai", "openai")
class OpenAIConnection(TypedConnection):
    """An account with OpenAI, or with a service that speaks its protocol at `base_url`."""

    api_key: str = secret("api_key", environment="OPENAI_API_KEY")
    organization: str | None = setting("organization", default=None, environment="OPENAI_ORG_ID")
    base_url: str | None = setting("base_url", default=None, environment="OPENAI_BASE_URL")

    def __post_init__(self) -> None:
        if self.base_url in ("", "_"):  # promptflow takes both for none
            self.base_url = None


@connection_type("azure_ai_services", "azure-ai-services")
class AzureAIServicesConnection(_EntraConnection):
    """A resource of Azure AI services."""

    endpoint: str = setting("endpoint", environment="AZURE_AI_SERVICES_ENDPOINT")
    api_key: str | None = secret(
        "api_key", default=None, environment="AZURE_AI_SERVICES_KEY", when=BY_KEY
    )
    auth_mode: str = setting("auth_mode", default="key")


@connection_type("cognitive_search", "azure-ai-search")
class CognitiveSearchConnection(_EntraConnection):
    """A service of Azure AI Search."""

    api_base: str = setting("endpoint", environment="AZURE_SEARCH_SERVICE_ENDPOINT")
    api_key: str | None = secret(
        "api_key", default=None, environment="AZURE_SEARCH_API_KEY", when=BY_KEY
    )
    api_version: str = setting("api_version", default="2023-11-01")
    auth_mode: str = setting("auth_mode", default="key")


AzureAISearchConnection = CognitiveSearchConnection


@connection_type("azure_content_safety", "azure-content-safety")
class AzureContentSafetyConnection(TypedConnection):
    """A resource of Azure AI Content Safety."""

    api_key: str = secret("api_key", environment="CONTENT_SAFETY_KEY")
    endpoint: str = setting("endpoint", environment="CONTENT_SAFETY_ENDPOINT")
    api_version: str = setting("api_version", default="2023-10-01")
    api_type: str = constant(default="Content Safety")


@connection_type("form_recognizer", "azure-document-intelligence")
class FormRecognizerConnection(TypedConnection):
    """A resource of Azure AI Document Intelligence, once Form Recognizer."""

    api_key: str = secret("api_key", environment="DOCUMENTINTELLIGENCE_API_KEY")
    endpoint: str = setting("endpoint", environment="DOCUMENTINTELLIGENCE_ENDPOINT")
    api_version: str = setting("api_version", default="2023-07-31")
    api_type: str = constant(default="Form Recognizer")


@connection_type("serp", "serpapi")
class SerpConnection(TypedConnection):
    """An account with SerpApi."""

    api_key: str = secret("api_key", environment="SERPAPI_API_KEY")


@connection_type("serverless", "serverless")
class ServerlessConnection(TypedConnection):
    """A serverless deployment of Azure, which speaks OpenAI's protocol."""

    api_key: str = secret("api_key", environment="AZURE_AI_CHAT_KEY")
    api_base: str = setting("endpoint", environment="AZURE_AI_CHAT_ENDPOINT")


@connection_type("qdrant", "qdrant", VECTOR_STORES)
class QdrantConnection(TypedConnection):
    """A Qdrant server."""

    api_key: str = secret("api_key", environment="QDRANT_API_KEY")
    api_base: str = setting("url", environment="QDRANT_URL")


@connection_type("weaviate", "weaviate", VECTOR_STORES)
class WeaviateConnection(TypedConnection):
    """A Weaviate server."""

    api_key: str = secret("api_key", environment="WEAVIATE_API_KEY")
    api_base: str = setting("url", environment="WEAVIATE_URL")


TYPES: tuple[type[TypedConnection], ...] = (
    AzureOpenAIConnection,
    OpenAIConnection,
    AzureAIServicesConnection,
    CognitiveSearchConnection,
    AzureContentSafetyConnection,
    FormRecognizerConnection,
    SerpConnection,
    ServerlessConnection,
    QdrantConnection,
    WeaviateConnection,
)

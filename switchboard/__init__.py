"""Switchboard's connections from Python.

Needs Python 3.11 and httpx2, nothing else: this folder can be copied.
"""

from .client import AsyncClient, Client
from .connection import Connection, TypedConnection
from .custom import CustomConnection, CustomStrongTypeConnection, ProviderConnection, Secret
from .errors import (
    ClientClosedError,
    ConflictError,
    ConnectionNameNotSetError,
    ConnectionNotFoundError,
    FieldProblem,
    InvalidError,
    NotFoundError,
    PermissionDenied,
    ProfileNotFoundError,
    RateLimited,
    RequiredEnvironmentVariablesNotSetError,
    ServerError,
    ServerUnreachable,
    StaleError,
    SwitchboardError,
    Unauthorized,
)
from .results import CheckResult, Profile, Replacement
from .token_results import ServiceAccount, Token
from .types import (
    AzureAISearchConnection,
    AzureAIServicesConnection,
    AzureContentSafetyConnection,
    AzureOpenAIConnection,
    CognitiveSearchConnection,
    FormRecognizerConnection,
    OpenAIConnection,
    QdrantConnection,
    SerpConnection,
    ServerlessConnection,
    WeaviateConnection,
)
from .version import __version__

__all__ = [
    "AsyncClient",
    "AzureAISearchConnection",
    "AzureAIServicesConnection",
    "AzureContentSafetyConnection",
    "AzureOpenAIConnection",
    "CheckResult",
    "Client",
    "ClientClosedError",
    "CognitiveSearchConnection",
    "ConflictError",
    "Connection",
    "ConnectionNameNotSetError",
    "ConnectionNotFoundError",
    "CustomConnection",
    "CustomStrongTypeConnection",
    "FieldProblem",
    "FormRecognizerConnection",
    "InvalidError",
    "NotFoundError",
    "OpenAIConnection",
    "PermissionDenied",
    "Profile",
    "ProfileNotFoundError",
    "ProviderConnection",
    "QdrantConnection",
    "RateLimited",
    "Replacement",
    "RequiredEnvironmentVariablesNotSetError",
    "Secret",
    "SerpConnection",
    "ServerError",
    "ServerUnreachable",
    "ServerlessConnection",
    "ServiceAccount",
    "StaleError",
    "SwitchboardError",
    "Token",
    "TypedConnection",
    "Unauthorized",
    "WeaviateConnection",
    "__version__",
]

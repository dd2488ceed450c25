"""promptflow's connection types: the provider that each one is, and its names for our settings.

https://github.com/microsoft/promptflow, promptflow-core 1.18.5, `promptflow/core/_connection.py`.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from providers.core.base import Provider

MODULE = "promptflow.connections"
VECTOR_STORES = "promptflow_vectordb.connections"
API_TYPE = "promptflow.api_type"

ProviderClass = TypeVar("ProviderClass", bound=type[Provider[Any]])


@dataclass(frozen=True)
class PromptflowType:
    """A connection type of promptflow.

    `type`: as its YAML has it; `class_name`: as its SDK and its execution dicts have it; `fields`:
    promptflow's name -> ours, in the order of promptflow's class; `secrets`: promptflow's names of
    the secret ones; `constants`: those that no request carries and no provider knows, with what
    promptflow takes where a file says nothing; `other_names`: further spellings that people use.
    """

    type: str
    class_name: str
    fields: Mapping[str, str]
    secrets: frozenset[str] = frozenset({"api_key"})
    constants: Mapping[str, str] = field(default_factory=dict)
    module: str = MODULE
    other_names: tuple[str, ...] = ()


# By the id of the provider.
TYPES: Mapping[str, PromptflowType] = {
    "azure-openai": PromptflowType(
        "azure_open_ai",
        "AzureOpenAIConnection",
        {
            "api_key": "api_key",
            "api_base": "endpoint",
            "api_type": API_TYPE,
            "api_version": "api_version",
            "auth_mode": "auth_mode",
            "resource_id": "resource_id",
        },
        constants={"api_type": "azure"},
    ),
    "openai": PromptflowType(
        "open_ai",
        "OpenAIConnection",
        {"api_key": "api_key", "organization": "organization", "base_url": "base_url"},
    ),
    "azure-ai-services": PromptflowType(
        "azure_ai_services",
        "AzureAIServicesConnection",
        {"api_key": "api_key", "endpoint": "endpoint", "auth_mode": "auth_mode"},
        other_names=("ai_services", "azure_ai_service"),
    ),
    "azure-ai-search": PromptflowType(
        "cognitive_search",
        "CognitiveSearchConnection",
        {
            "api_key": "api_key",
            "api_base": "endpoint",
            "api_version": "api_version",
            "auth_mode": "auth_mode",
        },
        other_names=("azure_ai_search", "ai_search", "azure_search", "azure_cognitive_search"),
    ),
    "azure-content-safety": PromptflowType(
        "azure_content_safety",
        "AzureContentSafetyConnection",
        {
            "api_key": "api_key",
            "endpoint": "endpoint",
            "api_version": "api_version",
            "api_type": API_TYPE,
        },
        constants={"api_type": "Content Safety"},
        other_names=("content_safety", "azure_ai_content_safety"),
    ),
    "azure-document-intelligence": PromptflowType(
        "form_recognizer",
        "FormRecognizerConnection",
        {
            "api_key": "api_key",
            "endpoint": "endpoint",
            "api_version": "api_version",
            "api_type": API_TYPE,
        },
        constants={"api_type": "Form Recognizer"},
        other_names=(
            "azure_form_recognizer",
            "document_intelligence",
            "azure_document_intelligence",
            "azure_ai_document_intelligence",
        ),
    ),
    "serpapi": PromptflowType(
        "serp", "SerpConnection", {"api_key": "api_key"}, other_names=("serp_api",)
    ),
    "serverless": PromptflowType(
        "serverless", "ServerlessConnection", {"api_key": "api_key", "api_base": "endpoint"}
    ),
    "qdrant": PromptflowType(
        "qdrant",
        "QdrantConnection",
        {"api_key": "api_key", "api_base": "url"},
        module=VECTOR_STORES,
    ),
    "weaviate": PromptflowType(
        "weaviate",
        "WeaviateConnection",
        {"api_key": "api_key", "api_base": "url"},
        module=VECTOR_STORES,
    ),
    "custom": PromptflowType(
        "custom",
        "CustomConnection",
        {
            name: name
            for name in (
                "configs",
                "secrets",
                "custom_type",
                "module",
                "package",
                "package_version",
            )
        },
        secrets=frozenset({"secrets"}),
        other_names=("custom_strong_type", "CustomStrongTypeConnection"),
    ),
}


def promptflow_type(provider: type[Provider[Any]]) -> PromptflowType | None:
    """The type that promptflow has for a provider, None when it has none."""
    return TYPES.get(provider.id)


def provider_of_type(text: str, providers: Iterable[ProviderClass]) -> ProviderClass | None:
    """The provider class whose promptflow type this is, in any spelling that tells it apart; None
    when there is none.
    """
    wanted = _bare_name(text)
    for provider in providers:
        found = promptflow_type(provider)
        if found is not None and wanted in {
            _bare_name(name) for name in (found.type, found.class_name, *found.other_names)
        }:
            return provider
    return None


def _bare_name(text: str) -> str:
    """`Azure-OpenAI Connection`, `azure_open_ai` -> `azureopenai`."""
    return re.sub(r"[^a-z0-9]", "", text.lower()).removesuffix("connection")

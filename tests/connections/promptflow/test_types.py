"""Every connection type of promptflow-core 1.18.5: its class, fields, defaults and secrets, and how
people spell it.
"""

from dataclasses import dataclass, field

import pytest

from connections.promptflow.format.shapes import shape_of
from connections.promptflow.format.types import (
    TYPES,
    PromptflowType,
    promptflow_type,
    provider_of_type,
)
from providers.core.base import Provider
from providers.core.registry import all_providers
from providers.core.schema import settings_fields, validate
from tests.providers.samples import PROVIDERS

KEY, BASE, AT = "api_key", "api_base", "endpoint"
VECTORS = "promptflow_vectordb.connections"


@dataclass(frozen=True)
class Fact:
    """A type as promptflow has it.

    `fields`: in its order. `defaults`: of the optional ones, None for none.
    """

    id: str
    class_name: str
    fields: tuple[str, ...]
    defaults: dict[str, str | None] = field(default_factory=dict)
    has_auth_mode: bool = False
    module: str = "promptflow.connections"
    secrets: tuple[str, ...] = (KEY,)


FACTS = {
    "azure_open_ai": Fact(
        "azure-openai",
        "AzureOpenAIConnection",
        (KEY, BASE, "api_type", "api_version", "auth_mode", "resource_id"),
        {"api_type": "azure", "api_version": "2024-02-01", "auth_mode": "key", "resource_id": None},
        has_auth_mode=True,
    ),
    "open_ai": Fact(
        "openai",
        "OpenAIConnection",
        (KEY, "organization", "base_url"),
        {"organization": None, "base_url": None},
    ),
    "azure_ai_services": Fact(
        "azure-ai-services",
        "AzureAIServicesConnection",
        (KEY, AT, "auth_mode"),
        {"auth_mode": "key"},
        has_auth_mode=True,
    ),
    "cognitive_search": Fact(
        "azure-ai-search",
        "CognitiveSearchConnection",
        (KEY, BASE, "api_version", "auth_mode"),
        {"api_version": "2023-11-01", "auth_mode": "key"},
        has_auth_mode=True,
    ),
    "azure_content_safety": Fact(
        "azure-content-safety",
        "AzureContentSafetyConnection",
        (KEY, AT, "api_version", "api_type"),
        {"api_version": "2023-10-01", "api_type": "Content Safety"},
    ),
    "form_recognizer": Fact(
        "azure-document-intelligence",
        "FormRecognizerConnection",
        (KEY, AT, "api_version", "api_type"),
        {"api_version": "2023-07-31", "api_type": "Form Recognizer"},
    ),
    "serp": Fact("serpapi", "SerpConnection", (KEY,)),
    "serverless": Fact("serverless", "ServerlessConnection", (KEY, BASE)),
    "qdrant": Fact("qdrant", "QdrantConnection", (KEY, BASE), module=VECTORS),
    "weaviate": Fact("weaviate", "WeaviateConnection", (KEY, BASE), module=VECTORS),
}
OWN_DEFAULTS = {
    ("open_ai", "base_url"): "https://api.openai.com/v1"
}  # the SDK's own, where promptflow leaves it to the SDK
PASCAL = {
    "AzureOpenAI": "azure_open_ai",
    "OpenAI": "open_ai",
    "azureOpenAI": "azure_open_ai",
    "openAI": "open_ai",
    "CognitiveSearch": "cognitive_search",
    "AzureAIServices": "azure_ai_services",
    "AzureContentSafety": "azure_content_safety",
    "FormRecognizer": "form_recognizer",
    "azure_a_i_services": "azure_ai_services",
    "Serp": "serp",
    "Serverless": "serverless",
    "Qdrant": "qdrant",
    "Weaviate": "weaviate",
    "Custom": "custom",
}
REFUSED_BY_PROMPTFLOW = {
    "AZURE_OPEN_AI": "azure_open_ai",
    "Azure_Open_AI": "azure_open_ai",
    "OPEN_AI": "open_ai",
    "open_AI": "open_ai",
    "SERP": "serp",
    "CUSTOM": "custom",
    "Cognitive_Search": "cognitive_search",
    "azure_openai": "azure_open_ai",
    "openai": "open_ai",
    "azureopenai": "azure_open_ai",
    "OpenAi": "open_ai",
    "AzureAiServices": "azure_ai_services",
    "azure-open-ai": "azure_open_ai",
    "azure open ai": "azure_open_ai",
    "AzureOpenAIConnection": "azure_open_ai",
    "azure_ai_search": "cognitive_search",
    "AzureAISearch": "cognitive_search",
    "content_safety": "azure_content_safety",
    "custom_strong_type": "custom",
    "CustomStrongTypeConnection": "custom",
    "document_intelligence": "form_recognizer",
    "serpapi": "serp",
}

every_type = pytest.mark.parametrize("name", FACTS)


def declared(name: str) -> tuple[type[Provider], PromptflowType]:
    provider = PROVIDERS[FACTS[name].id]
    found = promptflow_type(provider)
    assert found
    return provider, found


def test_every_type_of_promptflow_has_a_provider():
    assert {one.type for one in TYPES.values()} == {*FACTS, "custom"}
    assert TYPES.keys() <= PROVIDERS.keys()


@every_type
def test_a_type_has_promptflows_class_and_module(name: str):
    found = declared(name)[1]
    assert (found.type, found.class_name, found.module) == (
        name,
        FACTS[name].class_name,
        FACTS[name].module,
    )


@every_type
def test_a_type_has_promptflows_fields_in_their_order(name: str):
    provider, found = declared(name)
    assert tuple(found.fields) == FACTS[name].fields
    assert len(set(found.fields.values())) == len(found.fields)
    ours = {own for theirs, own in found.fields.items() if theirs not in found.constants}
    assert ours <= set(settings_fields(provider))


@every_type
def test_what_no_provider_knows_is_kept_under_a_name_that_no_setting_has(name: str):
    _, found = declared(name)
    kept = {theirs for theirs, own in found.fields.items() if "." in own}
    assert kept == found.constants.keys()


@every_type
def test_what_promptflow_takes_for_granted_is_our_default(name: str):
    shape = shape_of(declared(name)[0])
    for theirs, default in FACTS[name].defaults.items():
        assert shape.setting(theirs).default == OWN_DEFAULTS.get((name, theirs), default), theirs


@every_type
def test_what_promptflow_requires_we_require_and_nothing_else(name: str):
    provider, found = declared(name)
    required = {found.fields[one] for one in FACTS[name].fields if one not in FACTS[name].defaults}
    assert {
        error.field for error in validate(provider, {})[1] if error.code == "required"
    } == required


@every_type
def test_a_secret_of_promptflow_is_one_here(name: str):
    provider, found = declared(name)
    secret = {theirs for theirs in found.fields if shape_of(provider).setting(theirs).secret}
    assert secret == found.secrets == set(FACTS[name].secrets)


@every_type
def test_who_may_come_with_a_token_needs_no_key(name: str):
    provider, found = declared(name)
    assert ("auth_mode" in found.fields) == FACTS[name].has_auth_mode
    if FACTS[name].has_auth_mode:
        values = {
            found.fields[one]: "https://a.example" for one in (BASE, AT) if one in found.fields
        }
        for spelling in ("meid_token", "MEID_TOKEN", "Meid_Token"):
            assert (
                validate(provider, {**values, "auth_mode": spelling})[0].auth_mode == "meid_token"
            )
        assert [error.field for error in validate(provider, {**values, "auth_mode": "aad"})[1]] == [
            "auth_mode"
        ]


@pytest.mark.parametrize(
    ("spelling", "name"),
    [*((one, one) for one in FACTS), *PASCAL.items(), *REFUSED_BY_PROMPTFLOW.items()],
)
def test_a_type_is_found_by_every_spelling_that_tells_it_apart(spelling: str, name: str):
    found = provider_of_type(spelling, all_providers())
    assert found and TYPES[found.id].type == name


@pytest.mark.parametrize(
    "nonsense", ["", "not_set", "NotSet", "bing", "connection", "Connection", "open", "azure", "ai"]
)
def test_what_is_no_type_is_none(nonsense: str):
    assert provider_of_type(nonsense, all_providers()) is None


@pytest.mark.parametrize("one", TYPES)
def test_no_two_providers_claim_one_spelling(one: str):
    provider, found = PROVIDERS[one], TYPES[one]
    for spelling in (
        found.type,
        found.class_name,
        found.class_name.removesuffix("Connection"),
        *found.other_names,
        provider.id,
    ):
        claiming = [one.id for one in all_providers() if provider_of_type(spelling, [one])]
        assert claiming == [provider.id], spelling


@every_type
def test_every_field_that_promptflow_requires_has_a_variable_of_the_environment(name: str):
    provider, found = declared(name)
    wanted = [own for theirs, own in found.fields.items() if theirs in (KEY, BASE, AT)]
    assert all(settings_fields(provider)[own].environment for own in wanted)

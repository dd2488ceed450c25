"""`/providers...`: what is installed, and what it wants to know."""

from typing import Any

import pytest

from providers.core.registry import all_providers
from providers.core.schema import settings_fields
from tests.providers.samples import of_each_kind

from .calls import Api, problem

pytestmark = pytest.mark.django_db
PROVIDERS = {provider.id: provider for provider in all_providers()}


def test_every_installed_provider_is_listed(api: Api):
    found = api.read("/providers")
    assert [one["id"] for one in found["items"]] == list(PROVIDERS) and found["total"] == len(
        PROVIDERS
    )
    assert all(
        set(one) == {"id", "name", "description", "category", "docsUrl", "capabilities"}
        for one in found["items"]
    )


def test_a_registered_provider_appears_by_itself(api: Api, fake: Any):
    assert api.read("/providers/fake")["name"] == "Fake" and "fake" in [
        one["id"] for one in api.read("/providers")["items"]
    ]


@pytest.mark.parametrize("provider_id", of_each_kind(PROVIDERS))
def test_a_provider_shows_its_settings_with_what_is_secret(api: Api, provider_id: str):
    shown = api.read(f"/providers/{provider_id}")
    fields = list(settings_fields(PROVIDERS[provider_id]).values())
    listed = shown["settingsSchema"]["fields"]
    assert [
        (one["label"], one["isSensitive"], one["isAddress"], one["isRequired"]) for one in listed
    ] == [(one.label, one.secret, one.address, one.required) for one in fields]
    assert [one["sortOrder"] for one in listed] == list(range(len(fields)))


@pytest.mark.parametrize("provider_id", of_each_kind(PROVIDERS))
def test_a_provider_shows_the_same_as_a_json_schema(api: Api, provider_id: str):
    shown = api.read(f"/providers/{provider_id}")
    properties = shown["jsonSchema"]["properties"]
    keys = {one["key"]: one["isSensitive"] for one in shown["settingsSchema"]["fields"]}
    assert {name: bool(one.get("writeOnly")) for name, one in properties.items()} == keys


def test_choices_have_labels_and_what_is_shown_only_sometimes_says_when(api: Api):
    fields = {
        one["key"]: one for one in api.read("/providers/azure-openai")["settingsSchema"]["fields"]
    }
    assert fields["authMode"]["options"][0] == {"value": "key", "label": "API key"}
    assert (
        fields["clientSecret"]["shownWhen"] == {"field": "authMode", "values": ["meid_token"]}
        and fields["endpoint"]["shownWhen"] is None
    )


@pytest.mark.parametrize("name", ["unheard-of", "a%00b", "OpenAI%20"])
def test_an_unknown_provider_is_not_found(api: Api, name: str):
    assert problem(api.get(f"/providers/{name}"), 404)["code"] == "not_found"

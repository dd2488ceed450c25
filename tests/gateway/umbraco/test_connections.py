"""Connections and providers as Umbraco.AI's client asks for them, and what it has beside them.

Paths, methods, bodies and statuses are those of its generated functions, which are named.
"""

from typing import Any

import pytest

from connections.models import Connection
from providers.core.base import Capability, Model
from tests.connections.api.calls import Api, errors, problem
from tests.fakes import SECRET, profile_of

from . import shapes
from .shapes import misfit, page

pytestmark = pytest.mark.django_db
NEW = {"alias": "ours", "name": "Ours", "isActive": True}
OPENAI = NEW | {
    "providerId": "openai",
    "settings": {
        "apiKey": SECRET,
        "organizationId": "org-1",
        "endpoint": "https://api.openai.com/v1",
    },
}
ANTHROPIC = NEW | {
    "providerId": "anthropic",
    "settings": {"apiKey": SECRET, "endpoint": "https://api.anthropic.com"},
}


def fits(response: Any, shape: Any, status: int = 200) -> Any:
    """The body of an answer of this status, which must be of this shape."""
    assert response.status_code == status, response.content
    body = response.json()
    assert misfit(body, shape) == []
    return body


def test_get_all_connections(umbraco: Api, connection: Connection):
    for query in ("", "?take=1000&skip=0", "?filter=prod&providerId=fake&capability=chat"):
        body = fits(umbraco.get(f"/connections{query}"), page(shapes.CONNECTION_ITEM))
        assert [one["alias"] for one in body["items"]] == ["production"]


@pytest.mark.parametrize("name", ["SpeechToText", "speechtotext", "Moderation"])
def test_a_capability_that_only_umbraco_knows_has_no_rows(
    umbraco: Api, connection: Connection, name: str
):
    for path in ("/connections", "/profiles"):
        assert umbraco.read(f"{path}?capability={name}") == {"total": 0, "items": []}
    assert umbraco.read(f"/connections/production/models?capability={name}") == []
    problem(umbraco.get("/connections?capability=nonsense"), 400)


@pytest.mark.parametrize("new", [OPENAI, ANTHROPIC], ids=lambda one: one["providerId"])
def test_settings_are_taken_and_given_back_by_umbracos_names(
    umbraco: Api, api: Api, new: dict[str, Any]
):
    made = umbraco.post("/connections", new)
    assert made.status_code == 201
    assert made["Location"] == f"{umbraco.prefix}/connections/{made.json()['id']}"
    shown = fits(umbraco.get("/connections/ours"), shapes.CONNECTION)["settings"]
    assert shown.items() >= (new["settings"] | {"apiKey": "sk-***"}).items()
    assert "baseUrl" not in shown and "organization" not in shown
    ours = api.read("/connections/ours")["settings"]
    assert ours["baseUrl"] == new["settings"]["endpoint"] and "endpoint" not in ours


def test_what_is_shown_can_be_sent_back_as_it_is(umbraco: Api):
    """updateConnection, as Umbraco.AI's editor calls it: all that it read, with another name."""
    umbraco.post("/connections", OPENAI)
    read = umbraco.read("/connections/ours")
    body = {one: read[one] for one in ("alias", "settings", "isActive")} | {"name": "Other"}
    assert umbraco.put(f"/connections/{read['id']}", body).status_code == 200
    again = umbraco.read("/connections/ours")
    assert (again["name"], again["settings"]) == ("Other", read["settings"])


def test_settings_that_are_null_keep_what_is_stored(umbraco: Api, connection: Connection):
    before = umbraco.read("/connections/production")["settings"]
    body = {"alias": "production", "name": "N", "settings": None, "isActive": True}
    assert umbraco.put("/connections/production", body).status_code == 200
    assert umbraco.read("/connections/production")["settings"] == before


def test_our_names_of_settings_are_taken_too_but_not_both(umbraco: Api):
    settings = {"apiKey": SECRET, "baseUrl": "https://api.openai.com/v1"}
    assert umbraco.post("/connections", OPENAI | {"settings": settings}).status_code == 201
    both = OPENAI | {"alias": "other", "settings": settings | {"endpoint": "https://a.example"}}
    assert errors(umbraco.post("/connections", both)) == {"/settings/endpoint": "unknown_field"}


def test_what_only_switchboard_has_takes_and_shows_the_same_names(umbraco: Api):
    """A copy, and a test of settings that are not saved."""
    umbraco.post("/connections", OPENAI)
    assert "endpoint" in umbraco.post("/connections/ours/duplicate", {}).json()["settings"]
    unsaved = {"providerId": "openai", "settings": {"apiKey": SECRET, "endpoint": "not-an-address"}}
    refused = umbraco.post("/connections/test", unsaved)
    assert errors(refused).keys() == {"/settings/endpoint"}


def test_what_is_refused_is_pointed_at_by_umbracos_names(umbraco: Api):
    umbraco.post("/connections", OPENAI)
    moved = {**OPENAI, "settings": {"endpoint": "https://elsewhere.example/v1"}}
    del moved["providerId"]
    assert errors(umbraco.put("/connections/ours", moved)).keys() == {"/settings/apiKey"}
    wrong = OPENAI | {"alias": "other", "settings": {"apiKey": SECRET, "endpoint": 7}}
    assert errors(umbraco.post("/connections", wrong)) == {"/settings/endpoint": "string_type"}


def test_alias_exists(umbraco: Api, connection: Connection):
    """connectionAliasExists; an empty excludeId excludes none."""
    assert umbraco.read("/connections/production/exists") is True
    assert umbraco.read("/connections/production/exists?excludeId=") is True
    assert umbraco.read(f"/connections/production/exists?excludeId={connection.pk}") is False


def test_test_connection(umbraco: Api, connection: Connection):
    fits(umbraco.post("/connections/production/test"), shapes.TEST)


def test_delete_connection_answers_200_without_a_body(umbraco: Api, connection: Connection):
    done = umbraco.delete(f"/connections/{connection.pk}")
    assert (done.status_code, done.content) == (200, b"")
    assert not Connection.objects.exists()
    assert misfit(problem(umbraco.delete("/connections/production"), 404), shapes.PROBLEM) == []


def test_what_is_taken_or_in_use_is_a_bad_request(umbraco: Api, api: Api, connection: Connection):
    profile_of(connection)
    in_use = problem(umbraco.delete("/connections/production"), 400)
    assert in_use["title"] == "Bad Request" and in_use["dependents"]
    problem(api.delete("/connections/production"), 409)
    taken = {"alias": "production", "name": "Again", "providerId": "fake", "isActive": True}
    assert errors(umbraco.post("/connections", taken))["/alias"] == "unique"


def test_models_are_a_bare_list_with_metadata(
    umbraco: Api, api: Api, connection: Connection, fake: Any
):
    """getModels, by id and alias, with and without a capability."""
    fake.answer = [Model("m", "M", frozenset({Capability.CHAT}), context=1000), Model("n", "N")]
    for path in (f"/connections/{connection.pk}/models", "/connections/production/models"):
        found = fits(umbraco.get(f"{path}?capability=chat"), [shapes.MODEL])
        assert [one["metadata"] for one in found] == [
            {"capabilities": "Chat", "contextTokens": "1000"},
            None,
        ]
    ours = api.read("/connections/production/models")["items"]
    assert len(umbraco.read("/connections/production/models")) == len(ours)
    problem(umbraco.get("/connections/nobody/models"), 404)
    problem(umbraco.get("/connections/nobody/models?capability=SpeechToText"), 404)


def test_capabilities_are_bare_lists(umbraco: Api, api: Api, connection: Connection):
    """getAllCapabilities and getCapabilities."""
    assert umbraco.read("/connections/capabilities") == ["Chat", "Embedding"]
    assert umbraco.read("/connections/production/capabilities") == ["Chat", "Embedding"]
    assert umbraco.read(f"/connections/{connection.pk}/capabilities") == ["Chat", "Embedding"]
    problem(umbraco.get("/connections/nobody/capabilities"), 404)
    problem(api.get("/connections/production/capabilities"), 404)
    Connection.objects.update(provider_id="gone")
    assert umbraco.read("/connections/production/capabilities") == []


def test_providers_are_a_bare_list(umbraco: Api, api: Api):
    """getAllProviders."""
    found = fits(umbraco.get("/providers"), [shapes.PROVIDER_ITEM])
    assert found == api.read("/providers")["items"]


def test_a_provider_has_editors_and_the_names_that_connections_take(umbraco: Api):
    """getProviderById."""
    found = fits(umbraco.get("/providers/openai"), shapes.PROVIDER)
    fields = {one["key"]: one for one in found["settingsSchema"]["fields"]}
    assert {"apiKey", "organizationId", "endpoint"} <= fields.keys()
    assert not {"organization", "baseUrl"} & fields.keys()
    assert fields["endpoint"]["editorUiAlias"] == "Umb.PropertyEditorUi.TextBox"
    assert fields["apiKey"]["editorConfig"] == [{"alias": "inputType", "value": "password"}]
    problem(umbraco.get("/providers/nobody"), 404)


def test_our_own_addresses_keep_their_shapes(api: Api, umbraco: Api, connection: Connection):
    for path in ("/connections/capabilities", "/connections/production/models", "/providers"):
        assert isinstance(api.read(path), dict)
        assert isinstance(umbraco.read(path), list)
    fields = api.read("/providers/openai")["settingsSchema"]["fields"]
    assert "baseUrl" in [one["key"] for one in fields] and "editorUiAlias" not in fields[0]


EMPTY = {
    "/contexts?filter=a&skip=0&take=100": {"total": 0, "items": []},
    "/guardrails": {"total": 0, "items": []},
    "/tests": {"total": 0, "items": []},
    "/test-runs": {"total": 0, "items": []},
    "/context-resource-types": [],
    "/guardrail-evaluators": [],
    "/test-features": [],
    "/test-graders": [],
    "/tests/entity-types": [],
    "/tools": [],
    "/tools/scopes": [],
    "/contexts/a/exists": False,
    "/guardrails/a/exists?excludeId=": False,
}


@pytest.mark.parametrize("path", EMPTY)
def test_what_switchboard_does_not_have_is_empty(umbraco: Api, api: Api, path: str):
    assert umbraco.read(path) == EMPTY[path]
    assert api.get(path).status_code == 404


@pytest.mark.parametrize(
    ("method", "path"),
    [
        *(("POST", path) for path in ("/contexts", "/guardrails", "/tests")),
        *(("GET", f"/{one}/a") for one in ("contexts", "guardrails", "tests", "test-runs")),
        *(("PUT", f"/{one}/a") for one in ("contexts", "guardrails", "tests")),
        *(("DELETE", f"/{one}/a") for one in ("contexts", "guardrails", "tests", "test-runs")),
        ("POST", "/tests/a/run"),
        ("POST", "/tests/run-batch"),
        ("POST", "/test-runs/compare"),
        ("GET", "/test-runs/latest/a"),
        ("GET", "/test-features/a"),
    ],
)
def test_what_is_not_there_is_a_problem(umbraco: Api, method: str, path: str):
    assert misfit(problem(umbraco(method, path, {}), 404), shapes.PROBLEM) == []


def test_speech_to_text_is_refused_in_words(umbraco: Api):
    """transcribeAudio: a form with the audio, the profile in the query."""
    refused = umbraco(
        "POST",
        "/speech-to-text/transcribe?profileIdOrAlias=a&language=en",
        b'--x\r\nContent-Disposition: form-data; name="audioFile"; filename="a"\r\n\r\na\r\n--x--',
        "multipart/form-data; boundary=x",
    )
    body = problem(refused, 400)
    assert body["code"] == "not_offered" and "SpeechToText" in body["detail"]

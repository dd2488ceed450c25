"""The contract of the product's own requirement documents, line by line: paths, fields, statuses,
masks, errors.
"""

from typing import Any

import pytest

from connections.models import Connection
from providers.core.errors import ProviderError
from tests.fakes import connect, fake_provider, profile_of

from .calls import Api, token_of

pytestmark = pytest.mark.django_db
FIELDS = {
    "id",
    "alias",
    "name",
    "providerId",
    "isActive",
    "dateCreated",
    "dateModified",
    "settings",
}
NEW = {
    "alias": "openai-prod",
    "name": "OpenAI Prod",
    "providerId": "openai",
    "isActive": True,
    "settings": {"apiKey": "sk-1234567890abcdef"},
}


@pytest.fixture
def saved(api: Api) -> dict[str, Any]:
    """The example connection, created as the documents say."""
    response = api.post("/connections", NEW)
    assert response.status_code == 201
    made: dict[str, Any] = response.json()
    return made


def error(response: Any, status: int) -> dict[str, Any]:
    """An error object of the contract: {type, title, status, detail}."""
    body: dict[str, Any] = response.json()
    assert (response.status_code, body["status"], body["type"]) == (
        status,
        status,
        f"/docs/errors/#{body['code']}",
    ), body
    assert (
        body["detail"]
        and body["title"] == {400: "Bad Request", 403: "Forbidden", 404: "Not Found"}[status]
    )
    return body


def test_create_answers_201_with_the_full_object_and_a_masked_key(saved: dict[str, Any]):
    assert set(saved) >= FIELDS and saved["settings"]["apiKey"] == "sk-***"
    assert {name: saved[name] for name in ("alias", "name", "providerId", "isActive")} == {
        name: NEW[name] for name in ("alias", "name", "providerId", "isActive")
    }


def test_a_list_is_items_and_total(api: Api, saved: dict[str, Any]):
    found = api.read("/connections?skip=0&take=10&filter=openai&providerId=openai")
    assert set(found) == {"items", "total"} and found["total"] == 1
    assert (
        set(found["items"][0]) >= {"id", "alias", "name", "providerId", "isActive"}
        and "settings" not in found["items"][0]
    )


def test_one_is_read_by_id_or_alias(api: Api, saved: dict[str, Any]):
    assert api.read(f"/connections/{saved['id']}") == api.read("/connections/openai-prod") == saved


def test_dates_are_iso_8601_in_utc(saved: dict[str, Any]):
    assert saved["dateCreated"].endswith("Z") and saved["dateModified"][10] == "T"


def test_put_takes_name_state_and_settings_and_answers_the_object_masked(
    api: Api, saved: dict[str, Any]
):
    sent = {
        "name": "Renamed",
        "isActive": False,
        "settings": {"apiKey": "sk-***", "organization": "org-1"},
    }
    response = api.put(f"/connections/{saved['id']}", sent)
    shown = response.json()
    assert response.status_code == 200 and (shown["name"], shown["isActive"]) == ("Renamed", False)
    assert (shown["settings"]["apiKey"], shown["settings"]["organization"]) == ("sk-***", "org-1")


def test_put_sent_with_the_mask_keeps_the_key(api: Api, saved: dict[str, Any]):
    api.put(f"/connections/{saved['id']}", {"name": "Renamed", "settings": {"apiKey": "sk-***"}})
    assert dict(Connection.objects.get().credentials) == {"api_key": "sk-1234567890abcdef"}


def test_alias_and_provider_cannot_change_after_creation(api: Api, saved: dict[str, Any]):
    error(api.put(f"/connections/{saved['id']}", {"name": "N", "alias": "other"}), 400)
    error(api.put(f"/connections/{saved['id']}", {"name": "N", "providerId": "echo"}), 400)


def test_delete_answers_empty(api: Api, saved: dict[str, Any]):
    response = api.delete(f"/connections/{saved['id']}")
    assert response.status_code in (200, 204) and response.content == b""
    error(api.get(f"/connections/{saved['id']}"), 404)


@pytest.mark.parametrize("by", ["alias", "pk"])
def test_a_test_answers_success_and_error_message(api: Api, connection: Connection, by: str):
    response = api.post(f"/connections/{getattr(connection, by)}/test")
    found = response.json()
    assert (response.status_code, found["success"], found["errorMessage"]) == (200, True, None)


def test_a_failed_test_is_200_with_the_reason(api: Api, connection: Connection, fake: Any):
    fake.answer = ProviderError("It refuses the key.", "unauthorized", True)
    response = api.post("/connections/production/test")
    found = response.json()
    assert (response.status_code, found["success"], found["errorMessage"]) == (
        200,
        False,
        "It refuses the key.",
    )


def test_capabilities_are_items(api: Api, saved: dict[str, Any]):
    assert api.read("/connections/capabilities") == {"items": ["Chat", "Embedding"]}


def test_connections_of_a_capability_are_items_and_total(api: Api, saved: dict[str, Any]):
    found = api.read("/connections/capabilities/Chat")
    assert (found["total"], found["items"][0]["alias"]) == (
        1,
        "openai-prod",
    ) and "settings" not in found["items"][0]


def test_models_are_items_with_id_name_and_capabilities(api: Api, connection: Connection):
    found = api.read("/connections/production/models")
    assert set(found) == {"items"} and all(
        {"id", "name", "capabilities"} <= set(one) for one in found["items"]
    )


def test_create_defaults(api: Api):
    made = api.post(
        "/connections", {"alias": "echo", "name": "Echo", "providerId": "echo", "settings": None}
    ).json()
    assert made["isActive"] is True


BAD: dict[str, dict[str, Any]] = {
    "a missing field": {"alias": "x", "providerId": "echo"},
    "an unknown provider": {"alias": "x", "name": "X", "providerId": "unheard-of"},
    "bad settings": {
        "alias": "x",
        "name": "X",
        "providerId": "openai",
        "settings": {"apiKey": "sk-1", "timeout": "soon"},
    },
}


@pytest.mark.parametrize("body", BAD.values(), ids=list(BAD))
def test_what_is_wrong_is_400_with_the_reason(api: Api, body: dict[str, Any]):
    found = error(api.post("/connections", body), 400)
    assert found["errors"][0]["detail"] in found["detail"]


def test_what_is_unknown_is_404(api: Api):
    for path in (
        "/connections/nothing",
        "/connections/nothing/models",
        "/connections/capabilities/Nothing",
    ):
        error(api.get(path), 404)
    error(api.post("/connections/nothing/test"), 404)


def test_a_stranger_is_403(stranger: Any):
    error(Api(token_of(stranger)).get("/connections"), 403)


@pytest.mark.server
def test_delete_in_use_names_the_profiles(api: Api, connection: Connection):
    profile_of(connection)
    response = api.delete(f"/connections/{connection.pk}")
    assert (response.status_code, response.json()["dependents"][0]["alias"]) == (409, "answers")


@pytest.mark.parametrize(
    ("key", "mask"),
    [
        ("sk-1234567890abcdef", "sk-***"),
        ("sk_1234567890abcdef", "sk_***"),
        ("1234567890abcdef", "***"),
        ("sk-short", "***"),
        ("12345678-90abcdef", "***"),
    ],
)
def test_a_mask_is_the_prefix_and_never_the_end(api: Api, fake: Any, key: str, mask: str):
    connect(settings={"api_key": key})
    assert api.read("/connections/production")["settings"]["apiKey"] == mask


@pytest.mark.server
def test_lists_obey_the_rules_that_umbraco_relies_on(api: Api):
    with fake_provider(id="deaf", capabilities=()):
        connect("deaf", name="Deaf")
        assert api.read("/connections?take=1&providerId=")["total"] == 1
        assert api.read("/connections/capabilities") == {"items": []}
    assert api.read("/connections?filter=e&capability=Chat") == {"total": 0, "items": []}

"""`/connections/{idOrAlias}/alias` and `/former-aliases`, and the same of profiles."""

from typing import Any

import pytest

from connections import services
from connections.models import Connection, FormerAlias, Profile
from tests.fakes import connect, profile_of, reload

from .calls import Api, errors, problem, token_of

pytestmark = pytest.mark.django_db


@pytest.fixture(params=["connections", "profiles"])
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def row(fake: Any, kind: str) -> Any:
    """One whose alias is `old`; another has the alias `other`."""
    connection = connect(name="Old" if kind == "connections" else "Other")
    if kind == "connections":
        connect(name="Other")
        return connection
    profile_of(connection, name="Other")
    return profile_of(connection, name="Old")


def test_it_is_changed_and_both_answer(api: Api, row: Any, kind: str):
    answer = api.post(f"/{kind}/old/alias", {"alias": "fresh"}, if_match='"1"')
    assert (answer.status_code, answer["ETag"]) == (200, '"2"')
    assert answer.json()["alias"] == "fresh" and "settings" in answer.json()
    for alias in ("fresh", "old", "OLD"):
        assert api.read(f"/{kind}/{alias}")["id"] == str(row.pk)
    assert api.read(f"/{kind}/old/exists") is True
    assert api.read(f"/{kind}/old/exists?excludeId={row.pk}") is False
    services.change_alias(row, "another", actor=None)
    assert [one["alias"] for one in api.read(f"/{kind}?filter=fresh")["items"]] == ["another"]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [({"alias": "other"}, 409, "unique"), ({"alias": "add"}, 400, "reserved")],
)
def test_what_cannot_be_is_refused(
    api: Api, row: Any, kind: str, body: Any, status: int, code: str
):
    assert errors(api.post(f"/{kind}/old/alias", body), status) == {"/alias": code}
    assert reload(row).version == 1


@pytest.mark.parametrize("body", [{}, {"alias": None}, {"alias": ""}, {"alias": 1}, {"a": "b"}])
def test_a_body_without_an_alias_is_refused(api: Api, row: Any, kind: str, body: Any):
    problem(api.post(f"/{kind}/old/alias", body), 400)
    assert reload(row).alias == "old"


def test_another_version_is_412(api: Api, row: Any, kind: str):
    problem(api.post(f"/{kind}/old/alias", {"alias": "fresh"}, if_match='"7"'), 412)
    assert reload(row).alias == "old"


def test_a_create_with_a_former_alias_is_409(api: Api, fake: Any):
    services.change_alias(connect(name="Old"), "fresh", actor=None)
    body = {"alias": "old", "name": "X", "providerId": "fake", "settings": {"apiKey": "k"}}
    assert errors(api.post("/connections", body), 409) == {"/alias": "unique"}


def test_who_still_uses_it_is_told(api: Api, row: Any, kind: str, administrator: Any, viewer: Any):
    services.change_alias(row, "fresh", actor=administrator)
    Api(token_of(viewer)).read(f"/{kind}/old")
    listed = api.read(f"/{kind}/fresh/former-aliases")
    assert listed["total"] == 1 and listed["items"][0]["changedBy"] == "ada"
    assert listed["items"][0]["alias"] == "old" and listed["items"][0]["dateChanged"]
    assert [one["usedBy"] for one in listed["items"][0]["uses"]] == ["vera, token test"]
    assert listed["items"][0]["uses"][0]["lastUsedAt"]


def test_a_body_that_names_one_is_a_use_too(api: Api, fake: Any, administrator: Any):
    connection = connect(name="Old")
    profile = profile_of(connection, name="First")
    for one in (connection, profile):
        services.change_alias(one, "fresh", actor=None)
    made = api.post(
        "/profiles",
        {
            "alias": "made",
            "name": "Made",
            "capability": "Chat",
            "model": {"providerId": "fake", "modelId": "m"},
            "connectionId": "old",
            "fallbackProfileIds": ["first"],
        },
    )
    assert made.status_code == 201
    for path in ("/connections/fresh", "/profiles/fresh"):
        uses = api.read(f"{path}/former-aliases")["items"][0]["uses"]
        assert [one["usedBy"] for one in uses] == ["ada, token test"]


def test_it_is_taken_away(api: Api, row: Any, kind: str):
    services.change_alias(row, "fresh", actor=None)
    assert api.delete(f"/{kind}/fresh/former-aliases/old").status_code == 204
    assert not FormerAlias.objects.exists()
    problem(api.get(f"/{kind}/old"), 404)
    problem(api.delete(f"/{kind}/fresh/former-aliases/old"), 404)


def test_one_of_another_row_stays(api: Api, row: Any, kind: str):
    services.change_alias(row, "fresh", actor=None)
    problem(api.delete(f"/{kind}/other/former-aliases/old"), 404)
    assert FormerAlias.objects.count() == 1


def test_a_put_that_names_the_former_alias_goes_on(api: Api, fake: Any):
    services.change_alias(connect(name="Old"), "fresh", actor=None)
    profile = profile_of(Connection.objects.get(), name="Old")
    services.change_alias(profile, "fresh", actor=None)
    body = {"alias": "old", "name": "Renamed", "isActive": True}
    answer = api.put("/connections/old", body)
    assert (answer.status_code, answer.json()["alias"]) == (200, "fresh")
    model = {"providerId": "fake", "modelId": "m"}
    answer = api.put("/profiles/old", body | {"model": model, "connectionId": "old"})
    assert (answer.status_code, answer.json()["alias"]) == (200, "fresh")
    assert Profile.objects.get().name == "Renamed"

"""Versions and what was deleted, as programs ask for them."""

from typing import Any

import pytest

from connections import services as core
from connections.models import Connection
from tests.connections.api.calls import Api, problem, token_of
from tests.fakes import OTHER_SECRET, SECRET, profile_of, reload

pytestmark = pytest.mark.django_db
HERE = "/connections/production/versions"


@pytest.fixture
def api(administrator: Any) -> Api:
    return Api(token_of(administrator))


@pytest.fixture(autouse=True)
def changed(connection: Connection) -> Connection:
    """A connection at its second version."""
    given = {"api_key": OTHER_SECRET, "region": "us"}
    return core.update_connection(connection, actor=None, name="Renamed", settings=given).row


def test_versions_are_listed_a_window_at_a_time(api: Api):
    body = api.read(f"{HERE}?skip=1&take=1")
    assert (body["total"], [one["number"] for one in body["items"]]) == (2, [1])
    assert api.read(HERE)["items"][0]["isCurrent"] is True
    problem(api.get(f"{HERE}?take=0"), 400)


def test_two_are_compared_in_either_direction_by_the_names_of_the_api(api: Api):
    found = {one["field"]: one for one in api.read(f"{HERE}/1/compare/2")["differences"]}
    assert found["region"] == {"field": "region", "before": "", "after": "us", "isSecret": False}
    assert found["apiKey"]["isSecret"] is True
    back = {one["field"]: one for one in api.read(f"{HERE}/2/compare/1")["differences"]}
    assert back["name"]["after"] == "Production"
    problem(api.get(f"{HERE}/1/compare/9"), 404)
    problem(api.get(f"{HERE}/99999999999999999999"), 404)


def test_a_version_is_restored_if_nobody_was_faster(api: Api, connection: Connection):
    problem(api.post(f"{HERE}/1/restore", {}, if_match='"1"'), 412)
    answer = api.post(f"{HERE}/1/restore", {}, if_match='"2"')
    assert answer.json() == {"version": 3, "changed": True, "notices": []}
    assert answer["ETag"] == '"3"' and reload(connection).credentials == {"api_key": OTHER_SECRET}
    assert api.post(f"{HERE}/1/restore", {}).json()["changed"] is False
    api.post(f"{HERE}/1/restore", {"withSecrets": True})
    assert reload(connection).credentials == {"api_key": SECRET}


def test_secrets_of_then_are_not_for_an_operator(operator: Any, connection: Connection):
    asking = Api(token_of(operator))
    problem(asking.post(f"{HERE}/1/restore", {"withSecrets": True}), 403)
    assert reload(connection).version == 2


def test_a_refusal_points_to_the_setting(api: Api, connection: Connection):
    given = {"api_key": SECRET, "base_url": "https://elsewhere.example/v1"}
    core.update_connection(reload(connection), actor=None, settings=given)
    body = problem(api.post(f"{HERE}/2/restore", {}), 400)
    assert body["errors"][0]["pointer"] == "/settings/apiKey"


def test_a_version_is_named_and_pinned(api: Api):
    body = api.patch(f"{HERE}/1", {"name": "First", "isPinned": True}).json()
    assert (body["name"], body["isPinned"]) == ("First", True)
    problem(api.patch(f"{HERE}/1", {"number": 4}), 400)


def test_a_team_is_restored_with_its_members(api: Api, operator: Any, viewer: Any):
    team = core.create_team("Red", actor=None)
    core.set_member(team, operator, "administrator", actor=None)
    core.set_member(team, viewer, "viewer", actor=None)
    core.change_team(team, {"name": "Blue", "tokens_per_day": 5}, actor=None)
    core.remove_member(team, viewer, actor=None)
    body = api.read(f"/versions/team/{team.pk}/3/compare/5")
    assert {one["field"]: one["before"] for one in body["differences"]} == {
        "name": "Red",
        "tokensPerDay": "",
        "members.vera": "viewer",
    }
    problem(api.post(f"/versions/team/{team.pk}/3/restore", {}, if_match='"4"'), 412)
    viewer.delete()
    made = api.post(f"/versions/team/{team.pk}/3/restore", {}).json()
    team = reload(team)
    assert (team.name, team.tokens_per_day, made["version"]) == ("Red", None, 6)
    assert made["notices"] == ["vera is gone, so they are not in the team."]


def test_default_profiles_are_restored_or_nothing_is(api: Api, connection: Connection):
    first, second = profile_of(connection, name="One"), profile_of(connection, name="Two")
    core.set_default_profiles({"Chat": first}, actor=None)
    core.set_default_profiles({"Chat": second}, actor=None)
    number = api.read("/versions/defaults/all")["total"] - 1
    assert api.post(f"/versions/defaults/all/{number}/restore", {}).json()["changed"] is True
    assert core.default_profiles()["Chat"] == first
    core.set_default_profiles({"Chat": second}, actor=None)
    core.delete_profile(first, actor=None)
    body = problem(api.post(f"/versions/defaults/all/{number}/restore", {}), 400)
    assert "one is gone" in body["detail"] and core.default_profiles()["Chat"] == second


def test_a_token_has_versions_and_is_not_restored(api: Api, administrator: Any):
    made = {"user": administrator, "actor": administrator, "scopes": ["admin"]}
    token, text = core.create_token("CI", **made)
    core.revoke_token(token, actor=administrator)
    address = f"/versions/apitoken/{token.pk}"
    answer = api.get(f"{address}/1/compare/2")
    assert [one["field"] for one in answer.json()["differences"]] == ["revokedAt"]
    assert text not in answer.text and token.digest not in api.get(f"{address}/1").text
    problem(api.post(f"{address}/1/restore", {}), 403)


def test_kinds_with_addresses_of_their_own_and_unknown_ones_are_not_found(
    api: Api, connection: Connection
):
    problem(api.get(f"/versions/connection/{connection.pk}"), 404)
    problem(api.get("/versions/nothing/1"), 404)


def test_what_was_deleted_comes_back(api: Api, connection: Connection):
    row = profile_of(connection)
    pk = connection.pk
    core.delete_profile(row, actor=None)
    core.delete_connection(connection, actor=None)
    found = api.read("/deleted?type=connection")
    assert [one["alias"] for one in found["items"][0]["profiles"]] == ["answers"]
    sent = {"withProfiles": True, "withSecrets": True, "alias": "production-2"}
    answer = api.post(f"/deleted/{pk}/restore", sent)
    assert answer.status_code == 201 and len(answer.json()["profiles"]) == 1
    assert answer["Location"].endswith(f"/api/v1/connections/{pk}")
    assert Connection.objects.get(pk=pk).alias == "production-2"
    assert api.read("/deleted")["total"] == 0
    problem(api.post(f"/deleted/{pk}/restore", {}), 404)

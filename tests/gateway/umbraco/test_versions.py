"""Versions as Umbraco.AI's client asks for them: five functions, in its shapes."""

from typing import Any

import pytest

from connections import services
from connections.models import Connection
from tests.connections.api.calls import Api, problem, token_of
from tests.fakes import OTHER_SECRET, SECRET, profile_of, reload

from . import shapes
from .test_connections import fits

pytestmark = pytest.mark.django_db


@pytest.fixture
def changed(connection: Connection) -> str:
    """The address of the versions of a connection that was changed."""
    given = {"api_key": OTHER_SECRET, "region": "us"}
    services.update_connection(connection, actor=None, name="Renamed", settings=given)
    return f"/versions/Connection/{connection.pk}"


def test_get_supported_entity_types(umbraco: Api):
    assert umbraco.read("/versions/supported-types") == ["Connection", "Profile"]


def test_get_version_history(umbraco: Api, changed: str):
    body = fits(umbraco.get(f"{changed}?skip=0&take=1"), shapes.VERSIONS)
    assert (body["currentVersion"], body["totalVersions"]) == (2, 2)
    assert [one["version"] for one in body["versions"]] == [2]
    assert umbraco.read(changed.replace("Connection", "CONNECTION"))["totalVersions"] == 2


def test_get_version(umbraco: Api, changed: str, connection: Connection):
    body = fits(umbraco.get(f"{changed}/1"), shapes.VERSION)
    assert (body["version"], body["entityId"]) == (1, str(connection.pk))
    problem(umbraco.get(f"{changed}/9"), 404)


def test_compare_versions(umbraco: Api, changed: str):
    answer = umbraco.get(f"{changed}/1/compare/2")
    body = fits(answer, shapes.COMPARISON)
    found = {one["path"]: (one["oldValue"], one["newValue"]) for one in body["changes"]}
    assert found["region"] == (None, "us") and found["name"] == ("Production", "Renamed")
    assert found["api_key"][0] != found["api_key"][1]
    assert SECRET not in answer.text and OTHER_SECRET not in answer.text


def test_rollback_to_version(umbraco: Api, changed: str, connection: Connection):
    assert umbraco.post(f"{changed}/1/rollback", {}).status_code == 204
    row = reload(connection)
    assert (row.name, row.version, row.credentials) == ("Production", 3, {"api_key": OTHER_SECRET})


def test_a_rollback_that_cannot_be_is_400_with_the_reason(umbraco: Api, connection: Connection):
    given = {"api_key": SECRET, "base_url": "https://elsewhere.example/v1"}
    services.update_connection(connection, actor=None, settings=given)
    answer = umbraco.post(f"/versions/connection/{connection.pk}/1/rollback", {})
    assert "endpoint changed" in problem(answer, 400)["detail"]
    assert reload(connection).version == 2


def test_of_profiles_too_and_of_nothing_else(umbraco: Api, connection: Connection):
    row = profile_of(connection)
    services.update_profile(row, actor=None, name="Renamed")
    assert umbraco.post(f"/versions/Profile/{row.pk}/1/rollback", {}).status_code == 204
    assert reload(row).name == "Answers"
    problem(umbraco.get(f"/versions/Guardrail/{row.pk}"), 400)
    problem(umbraco.get(f"/versions/Profile/{connection.pk}"), 404)


def test_a_viewer_may_not_roll_back(umbraco: Api, changed: str, viewer: Any):
    asking = Api(token_of(viewer), prefix=umbraco.prefix)
    assert asking.get(changed).status_code == 200
    problem(asking.post(f"{changed}/1/rollback", {}), 403)

"""POST /connections/{idOrAlias}/duplicate and /profiles/{idOrAlias}/duplicate"""

import json
from typing import Any

import jsonschema
import pytest
from drf_spectacular.generators import SchemaGenerator

from connections.api.openapi import described_operations, operations_of
from connections.models import Connection, Profile
from tests.fakes import SECRET, profile_of, reload

from .calls import Api, errors, problem, token_of

pytestmark = pytest.mark.django_db


def test_a_copy_needs_no_name(api: Api, connection: Connection):
    problem(
        api.post("/connections/production/duplicate", b""), 400
    )  # as everywhere, no body is not an empty object
    answer = api.post("/connections/production/duplicate", {})
    found = Connection.objects.get(alias="production-copy")
    assert (answer.status_code, answer["Location"], answer["ETag"]) == (
        201,
        f"/api/v1/connections/{found.pk}",
        '"1"',
    )
    shown = answer.json()
    assert (shown["name"], shown["isActive"], shown["settings"]["apiKey"]) == (
        "Production copy",
        False,
        "sk-***",
    )
    assert dict(found.credentials) == {"api_key": SECRET}
    assert api.read(answer["Location"].removeprefix("/api/v1")) == shown


def test_a_copy_is_made_by_id_and_named(api: Api, connection: Connection):
    answer = api.post(
        f"/connections/{connection.pk}/duplicate", {"name": "Staging", "alias": "staging"}
    )
    assert (answer.json()["name"], answer.json()["alias"]) == ("Staging", "staging")


def test_a_profile_is_copied(api: Api, connection: Connection):
    profile = profile_of(connection, fallbacks=[profile_of(connection, name="Reserve")])
    answer = api.post("/profiles/answers/duplicate", {"name": "Shorter"})
    found = Profile.objects.get(alias="shorter")
    assert (answer.status_code, answer["Location"]) == (201, f"/api/v1/profiles/{found.pk}")
    same = ("capability", "model", "connectionId", "settings", "fallbackProfileIds", "tags")
    original = api.read(f"/profiles/{profile.pk}")
    assert {name: answer.json()[name] for name in same} == {name: original[name] for name in same}
    assert not answer.json()["isActive"] and len(original["fallbackProfileIds"]) == 1


@pytest.mark.parametrize(
    ("body", "status", "wrong"),
    [
        ({"alias": "production"}, 409, {"/alias": "unique"}),
        ({"alias": "No Alias"}, 400, {"/alias": "invalid"}),
        ({"colour": 1}, 400, {"/colour": "unknown"}),
        ({"name": 1}, 400, {"/name": "invalid"}),
    ],
)
def test_bad_names_are_refused(
    api: Api, connection: Connection, body: Any, status: int, wrong: dict[str, str]
):
    found = errors(api.post("/connections/production/duplicate", body), status)
    assert found.keys() == wrong.keys() and Connection.objects.count() == 1


def test_there_must_be_an_original(api: Api, connection: Connection):
    for path in ("/connections/nobody/duplicate", "/profiles/nobody/duplicate"):
        problem(api.post(path), 404)


def test_a_token_needs_the_scope_to_write(administrator: Any, connection: Connection):
    problem(
        Api(token_of(administrator, "connections:read")).post(
            "/connections/production/duplicate", {}
        ),
        403,
    )
    assert (
        Api(token_of(administrator, "connections:write"))
        .post("/connections/production/duplicate", {})
        .status_code
        == 201
    )


@pytest.mark.parametrize("name", ["duplicateConnection", "duplicateProfile"])
def test_the_document_tells_the_truth(api: Api, connection: Connection, name: str):
    profile_of(connection)
    document = json.loads(
        json.dumps(SchemaGenerator().get_schema(request=None, public=True), default=str)
    )
    path, _, operation = next(
        one for one in operations_of(document) if one[2]["operationId"] == name
    )
    assert operation["requestBody"]["required"]
    row = {"duplicateConnection": "production", "duplicateProfile": "answers"}[name]
    schema = operation["responses"]["201"]["content"]["application/json"]["schema"]
    said = described_operations()[name]
    for example in said["request"].values():
        answer = api.post(path.removeprefix("/api/v1").format(idOrAlias=row), example["value"])
        assert answer.status_code == 201
        for shown in (answer.json(), *(one["value"] for one in said["answer"].values())):
            if (
                name == "duplicateProfile" or shown["providerId"] != "fake"
            ):  # a provider of tests is not described
                jsonschema.validate(
                    shown,
                    schema | {"components": document["components"]},
                    jsonschema.Draft202012Validator,
                )
    assert reload(connection).version == 1

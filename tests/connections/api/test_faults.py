"""One kind of fault has one code, at every operation of the API that takes a body."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import transaction
from drf_spectacular.generators import SchemaGenerator
from rest_framework import serializers

from connections.api.camelcase import CamelCaseMixin
from tests.people import person
from tests.teams.foreign import foreign, ours
from tests.teams.test_table import GATEWAY, filled, values_for

from .calls import PREFIX, Api, errors, problem, token_of

pytestmark = pytest.mark.django_db
# Where an empty body is wrong for another reason than a field that is missing
FILLED_OTHERWISE = {"undo"}


def operations() -> Iterator[tuple[str, str, dict[str, Any], dict[str, Any]]]:
    """Method, address, operation and schema of the body of those that take JSON."""
    document = SchemaGenerator().get_schema(public=True)
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            content = operation.get("requestBody", {}).get("content", {})
            if path.startswith(PREFIX) and "application/json" in content:
                route = re.sub(r"{(\w+)}", r"<str:\1>", path)[1:]
                if not route.startswith(GATEWAY):
                    schema = resolved(document, content["application/json"]["schema"])
                    yield method.upper(), route, operation, schema


def resolved(document: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """The schema itself; of several the first, since all have the same columns."""
    while "$ref" in schema or "oneOf" in schema:
        schema = schema.get("oneOf", [schema])[0]
        name = schema.get("$ref", "").rpartition("/")[2]
        schema = document["components"]["schemas"][name] if name else schema
    return schema


@pytest.fixture
def asked(fake: Any, settings: Any) -> Iterator[Any]:
    """Gives a function that calls an operation about the first row that it finds."""
    settings.CONNECTIONS_REFERENCE_SECTIONS = ["Zqbsection"]
    found = foreign(ours())
    api = Api(token_of(person("boss", "Administrators", is_superuser=True)))

    def ask(method: str, route: str, body: dict[str, Any]) -> Any:
        values = values_for(route, "", found) if "<" in route else [""]
        for value in values:
            with transaction.atomic():
                path = filled(route, value).removeprefix(PREFIX)
                answer = api(method, path, json.dumps(body), if_match="*")
                transaction.set_rollback(True)
            if answer.status_code not in (404, 405):
                return answer
        return None

    return ask


def test_a_field_that_is_missing_or_unknown_has_one_code_everywhere(asked: Any):
    several = 0
    for method, route, operation, schema in operations():
        name, required = operation["operationId"], schema.get("required", [])
        if answer := asked(method, route, {"zzqField": 1}):
            several += 1
            assert errors(answer) == {"/zzqField": "unknown_field"}, name
            assert problem(answer, 400)["code"] == "invalid", name
        answer = asked(method, route, {})
        if answer and required and name not in FILLED_OTHERWISE:
            found = errors(answer)  # of settings once the rest is right
            assert {*found.values()} == {"required"}, (name, found)
            assert found.keys() | {"/settings"} >= {f"/{one}" for one in required}, (name, found)
            assert problem(answer, 400)["code"] == "invalid", name
    assert several > 30


def test_the_nearest_name_is_told(asked: Any):
    [refused] = problem(asked("POST", "api/v1/tokens", {"nmae": "x"}), 400)["errors"]
    assert refused["detail"] == "There is no such field. Did you mean 'name'?"


def test_a_name_that_is_in_use_has_the_code_of_an_alias(asked: Any):
    answer = asked("POST", "api/v1/teams", {"name": "Red"})
    assert errors(answer, 409) == {"/name": "unique"}
    assert problem(answer, 409)["code"] == "unique"


@pytest.mark.parametrize("header", ["Bearer", "Bearer a b"])
def test_a_malformed_header_is_told_as_such(header: str):
    found = problem(Api().get("/connections", authorization=header), 401)
    assert found["code"] == "authentication_failed" and "Bearer and one token" in found["detail"]


def fields_of(serializer: Any) -> Iterator[Any]:
    """The fields that a body may have, with what is inside lists."""
    for field in serializer.fields.values():
        if not field.read_only:
            yield field
            if child := getattr(field, "child", None):
                yield child


def serializers_of_bodies(base: Any = CamelCaseMixin) -> Iterator[Any]:
    """Every serializer of ours."""
    for one in base.__subclasses__():
        if issubclass(one, serializers.Serializer):
            yield one
        yield from serializers_of_bodies(one)


def test_no_sentence_of_the_framework_is_left():
    """A cause and a cure: two sentences, or one that begins with what to send."""
    for serializer in {*serializers_of_bodies()}:
        for field in fields_of(serializer()):
            for code, text in field.error_messages.items():
                said = str(text)
                is_ours = said.count(". ") == 1 or said.startswith(("Send", "This is not a JSON"))
                assert is_ours, (serializer.__name__, field.field_name, code, said)

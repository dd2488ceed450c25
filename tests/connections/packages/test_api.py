"""Packages through the API: out, in, and what is refused."""

import io
import json
import re
import urllib.error
import urllib.request
import zipfile
from collections.abc import Iterator
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart

from connections import services
from connections.api.openapi import read_data
from connections.models import Connection, Profile
from connections.packages import services as package_services
from connections.packages.api import openapi
from tests.connections.api.calls import Api, errors, problem, token_of
from tests.connections.api.serving import Served
from tests.fakes import OTHER_SECRET, SECRET, connect, profile_of
from tests.pages import world
from tests.people import browser

pytestmark = pytest.mark.django_db
EXPORT, IMPORT, DRY = "/packages/export", "/packages/import", "/packages/import?dryRun=true"
PASSPHRASE = "correct horse battery"
MEGABYTE = 1024 * 1024
EXPORTS = read_data(openapi.OPERATIONS)["operations"]["exportPackage"]["request"]


def package(*rows: Connection, **more: Any) -> bytes:
    """A package of these, or of everything."""
    return package_services.export_package(
        rows or list(Connection.objects.all()), list(Profile.objects.all()), actor=None, **more
    )


def names(content: bytes) -> list[str]:
    """What is in a package."""
    with zipfile.ZipFile(io.BytesIO(content)) as opened:
        return opened.namelist()


def sent(api: Api, content: Any, path: str = IMPORT, **fields: Any) -> Any:
    """An import of a package."""
    data = {} if content is None else {"file": io.BytesIO(content)}
    return api.post(path, encode_multipart(BOUNDARY, data | fields), content_type=MULTIPART_CONTENT)


def items(response: Any) -> list[tuple[str, str]]:
    """Kind and action of each item of a plan."""
    assert response.status_code == 200, response.content
    return [(one["kind"], one["action"]) for one in response.json()["items"]]


@pytest.fixture
def gone(connection: Connection) -> bytes:
    """A package of a connection that is not here any more."""
    content = package()
    connection.delete()
    return content


# Export


def test_an_export_is_a_zip_that_no_cache_keeps(api: Api, connection: Connection):
    response = api.post(EXPORT, {})
    assert (response.status_code, response["Content-Type"], response["Cache-Control"]) == (
        200,
        "application/zip",
        "no-store",
    )
    assert re.fullmatch(
        r'attachment; filename="switchboard-\d{4}-\d\d-\d\d\.zip"', response["Content-Disposition"]
    )
    assert "connections/production.yaml" in names(response.content)


@pytest.mark.parametrize(
    "accept", ["*/*", "application/zip", "application/json", "application/json, application/zip"]
)
def test_an_export_and_its_refusals_are_had_with_any_accept(
    api: Api, connection: Connection, accept: str
):
    assert "connections/production.yaml" in names(api.post(EXPORT, {}, accept=accept).content)
    assert problem(api.post(EXPORT, {"connections": ["nothing"]}, accept=accept), 404)


def test_connections_are_chosen_by_id_and_alias(api: Api, connection: Connection):
    other, _ = connect(name="Other"), connect(name="Third")
    found = names(api.post(EXPORT, {"connections": ["production", str(other.pk)]}).content)
    assert [one for one in found if one.startswith("connections/")] == [
        "connections/other.yaml",
        "connections/production.yaml",
    ]


def test_profiles_come_along_when_asked_for(api: Api, connection: Connection):
    profile_of(connection)
    found = [names(api.post(EXPORT, {"profiles": wanted}).content) for wanted in (False, True)]
    assert ["profiles/answers.yaml" in one for one in found] == [False, True]


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ({"connections": []}, "/connections"),
        ({"connections": "production"}, "/connections"),
        ({"profiles": "yes"}, "/profiles"),
        ({"passphrase": "short"}, "/passphrase"),
        ({"colour": 1}, "/colour"),
    ],
)
def test_a_bad_export_is_refused_at_its_field(
    api: Api, connection: Connection, body: dict[str, Any], where: str
):
    assert list(errors(api.post(EXPORT, body))) == [where]


def test_profiles_need_their_scope(administrator, connection: Connection):
    caller = Api(token_of(administrator, "connections:read"))
    assert caller.post(EXPORT, {}).status_code == 200
    assert "profiles:read" in problem(caller.post(EXPORT, {"profiles": True}), 403)["detail"]


def test_secrets_need_the_scope_admin_and_the_right(
    administrator, operator, connection: Connection
):
    body = {"passphrase": PASSPHRASE}
    assert (
        "admin"
        in problem(Api(token_of(administrator, "connections:read")).post(EXPORT, body), 403)[
            "detail"
        ]
    )
    problem(Api(token_of(operator)).post(EXPORT, body), 403)
    assert "secrets.sealed" in names(Api(token_of(administrator)).post(EXPORT, body).content)


@pytest.mark.server
@pytest.mark.parametrize("example", EXPORTS)
def test_examples_of_exports_are_accepted(api: Api, connection: Connection, example: str):
    connect(
        "openai", name="OpenAI Production", alias="openai-production", settings={"api_key": SECRET}
    )
    assert api.post(EXPORT, EXPORTS[example]["value"]).status_code == 200


def test_a_tag_and_a_part_choose(api: Api, connection: Connection, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("connections.packages.services.parts.MOST_ROWS", 2)
    for name in ("A", "B", "C"):
        connect(name=name, tags=["prod"])
    whole = problem(api.post(EXPORT, {"tag": "prod"}), 413)
    assert "Export them by tag, or in parts" in whole["detail"]
    response = api.post(EXPORT, {"tag": "prod", "part": 2})
    assert response["X-Switchboard-Parts"] == "2"
    assert [one for one in names(response.content) if "connections/" in one] == [
        "connections/c.yaml"
    ]
    gone = problem(api.post(EXPORT, {"tag": "prod", "part": 3}), 409)
    assert (gone["code"], gone["detail"]) == ("no_such_part", "There is no part 3: there are 2.")
    assert problem(api.post(EXPORT, {"tag": "none"}), 409)["code"] == "nothing_to_export"


# Import


def test_importing_what_was_exported_changes_nothing(api: Api, connection: Connection):
    profile_of(connection)
    content, before = api.post(EXPORT, {"profiles": True}).content, world()
    response = sent(api, content)
    assert items(response) == [("connection", "nothing"), ("profile", "nothing")]
    assert (response.json()["isNoop"], response.json()["dryRun"], world()) == (True, False, before)


def test_a_dry_run_writes_nothing(api: Api, gone: bytes):
    response = sent(api, gone, DRY)
    assert items(response) == [("connection", "create")] and response.json()["dryRun"] is True
    assert [one["name"] for one in response.json()["placeholders"]] == ["production.api_key"]
    assert Connection.objects.count() == 0


def test_what_lacks_its_key_is_inactive(api: Api, gone: bytes):
    response = sent(api, gone)
    row = Connection.objects.get()
    assert items(response) == [("connection", "create")] and response.json()["items"][0][
        "rowId"
    ] == str(row.pk)
    assert (row.is_active, row.lacking) == (False, ["api_key"])


def test_a_conflict_aborts_everything_and_is_named(api: Api, connection: Connection):
    other = connect(name="Other")
    content = package()
    other.delete()
    services.update_connection(connection, actor=None, name="Mine")
    before = world()[:3]
    for body in ({}, {"onConflict": "abort"}):
        found = problem(sent(api, content, **body), 409)
        assert found["code"] == "package_conflict" and "production" in [
            one["alias"] for one in found["items"]
        ]
    assert world()[:3] == before
    assert ("connection", "refuse") in items(sent(api, content, DRY))


@pytest.mark.parametrize(
    ("choice", "found"),
    [
        ("keep", {"Mine"}),
        ("merge", {"Mine"}),
        ("copy", {"Mine", "Production"}),
        ("replace", {"Production"}),
    ],
)
def test_a_conflict_is_decided_for_all_or_for_one(
    api: Api, connection: Connection, choice: str, found: set[str]
):
    content = package()
    services.update_connection(connection, actor=None, name="Mine")
    one = json.dumps({"items": {f"connection:{connection.pk}": choice}})
    for fields in ({"decisions": one}, {"onConflict": choice}):
        assert sent(api, content, **fields).status_code == 200
        assert set(Connection.objects.values_list("name", flat=True)) == found
        if choice in ("copy", "replace"):
            break


def test_a_missing_secret_is_mapped_to_a_reference(api: Api, gone: bytes):
    assert (
        sent(api, gone, decisions='{"secrets": {"production.api_key": "$Fake:ApiKey"}}').status_code
        == 200
    )
    assert Connection.objects.get().settings["api_key"] == "$Fake:ApiKey"


def test_a_missing_secret_is_taken_from_a_connection_and_never_answered(
    api: Api, connection: Connection
):
    content = package(connection)
    connection.delete()
    connect(name="Other", settings={"api_key": OTHER_SECRET})
    response = sent(
        api, content, decisions='{"secrets": {"production.api_key": "connection:other"}}'
    )
    assert response.status_code == 200 and OTHER_SECRET not in response.content.decode()
    assert Connection.objects.get(alias="production").credentials["api_key"] == OTHER_SECRET


def test_a_key_given_as_a_decision_is_refused_and_not_repeated(api: Api, gone: bytes):
    response = sent(api, gone, decisions=json.dumps({"secrets": {"production.api_key": SECRET}}))
    assert problem(response, 400) and SECRET not in response.content.decode()
    assert Connection.objects.count() == 0


def test_sealed_secrets_come_with_the_passphrase_and_only_then(api: Api, connection: Connection):
    content = package(passphrase=PASSPHRASE)
    connection.delete()
    assert (
        problem(sent(api, content, passphrase="a wrong passphrase"), 400)["code"]
        == "wrong_passphrase"
    )
    assert Connection.objects.count() == 0
    assert sent(api, content, passphrase=PASSPHRASE).json()["isSealed"] is True
    assert Connection.objects.get().credentials["api_key"] == SECRET


def test_profiles_in_a_package_need_their_scope(administrator, connection: Connection):
    profile_of(connection)
    content = package()
    assert (
        "profiles:write"
        in problem(sent(Api(token_of(administrator, "connections:write")), content), 403)["detail"]
    )


def test_installing_types_needs_the_scope_admin(administrator, gone: bytes):
    caller = Api(token_of(administrator, "connections:write"))
    assert "admin" in problem(sent(caller, gone, installTypes="true"), 403)["detail"]


def test_a_signed_in_browser_imports_with_its_csrf_token(operator, gone: bytes):
    client = browser(operator, enforce_csrf_checks=True)
    client.get("/connections/")
    token = client.cookies["csrftoken"].value
    data = encode_multipart(BOUNDARY, {"file": io.BytesIO(gone)})
    assert (
        client.generic("POST", "/api/v1/packages/import", data, MULTIPART_CONTENT).status_code
        == 403
    )
    response = client.generic(
        "POST", "/api/v1/packages/import", data, MULTIPART_CONTENT, headers={"X-CSRFToken": token}
    )
    assert items(response) == [("connection", "create")]
    double = encode_multipart(BOUNDARY, {"file": io.BytesIO(gone), "onConflict": ["keep", "copy"]})
    assert (
        client.generic(
            "POST",
            "/api/v1/packages/import",
            double,
            MULTIPART_CONTENT,
            headers={"X-CSRFToken": token},
        ).status_code
        == 400
    )


@pytest.mark.parametrize(
    "content", [b"", b"nothing", b"PK\x03\x04" + bytes(500), b"PK\x05\x06" + bytes(18)]
)
def test_what_is_no_package_is_refused(api: Api, content: bytes):
    assert problem(sent(api, content), 400)["code"]


@pytest.mark.parametrize(
    ("fields", "where"),
    [
        ({"onConflict": "explode"}, "/onConflict"),
        ({"installTypes": "perhaps"}, "/installTypes"),
        ({"passphrase": "short"}, "/passphrase"),
        ({"decisions": "{"}, "/decisions"),
        ({"decisions": "[]"}, "/decisions"),
        ({"decisions": '{"items": {"a": 1}}'}, "/decisions"),
        ({"decisions": '{"colour": {}}'}, "/decisions"),
        ({"decisions": "[" * 100_000}, "/decisions"),
        ({"colour": "red"}, "/colour"),
    ],
)
def test_a_bad_import_is_refused_at_its_field(
    api: Api, gone: bytes, fields: dict[str, str], where: str
):
    assert list(errors(sent(api, gone, **fields))) == [where]


def test_a_file_is_needed_and_is_a_file(api: Api):
    assert (
        errors(api.post(IMPORT, b"", content_type=MULTIPART_CONTENT))
        == errors(sent(api, None))
        == {"/file": "required"}
    )
    assert errors(sent(api, None, file="text")) == {"/file": "invalid"}


@pytest.mark.parametrize("path", [IMPORT, DRY, f"{IMPORT}?dryRun=false"])
def test_nonsense_decisions_are_refused(api: Api, gone: bytes, path: str):
    response = sent(api, gone, path, decisions='{"items": {"connection:nothing": "replace"}}')
    assert problem(response, 400) and Connection.objects.count() == 0


def test_a_bad_dry_run_is_refused_and_writes_nothing(api: Api, gone: bytes):
    assert list(errors(sent(api, gone, f"{IMPORT}?dryRun=maybe"))) == ["/dryRun"]
    assert Connection.objects.count() == 0


@pytest.mark.parametrize("kind", ["application/json", "application/zip", "text/plain"])
def test_another_body_is_refused(api: Api, kind: str):
    assert problem(api.post(IMPORT, b"{}", content_type=kind), 415)


@pytest.mark.parametrize(
    "kind",
    [
        "multipart/form-data",
        "multipart/form-data; boundary=other",
        "multipart/form-data; boundary=\xe4",
    ],
)
def test_a_broken_form_is_a_problem(api: Api, gone: bytes, kind: str):
    data = encode_multipart(BOUNDARY, {"file": io.BytesIO(gone)})
    assert problem(api.post(IMPORT, data, content_type=kind), 400)


def test_a_field_that_stands_there_twice_is_refused(api: Api, gone: bytes):
    data = encode_multipart(BOUNDARY, {"file": io.BytesIO(gone), "onConflict": ["keep", "copy"]})
    assert (
        problem(api.post(IMPORT, data, content_type=MULTIPART_CONTENT), 400)["code"]
        == "parse_error"
    )


@pytest.mark.parametrize("size", [10 * MEGABYTE + 1, 11 * MEGABYTE, 50 * MEGABYTE])
def test_a_package_that_is_too_large_is_refused_with_the_limit(api: Api, size: int):
    found = problem(sent(api, bytes(size)), 413)
    assert (found["code"], found["detail"]) == ("too_large", "A package has at most 10 MB.")


# Over a running server


def pieces(size: int, taken: list[int]) -> Iterator[bytes]:
    """A form with a file of this many bytes, and how many of them were asked for."""
    yield (
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="a.zip"\r\n\r\n'
    ).encode()
    for _ in range(size // MEGABYTE):
        taken.append(MEGABYTE)
        yield bytes(MEGABYTE)
    yield f"\r\n--{BOUNDARY}--\r\n".encode()


@pytest.mark.parametrize("path", ["/api/v1/packages/import", "/packages/import/"])
@pytest.mark.parametrize("told", [True, False], ids=["length", "chunked"])
def test_fifty_megabytes_are_refused_while_they_arrive(served: Served, path: str, told: bool):
    where, taken = urlsplit(served.url), []
    connection = HTTPConnection(where.hostname or "", where.port, timeout=60)
    headers = {"Authorization": f"Bearer {served.token}", "Content-Type": MULTIPART_CONTENT}
    body: Any = pieces(50 * MEGABYTE, taken)
    if told:
        body = b"".join(body)
    connection.request("POST", path, body, headers, encode_chunked=not told)
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    assert answer.status == 413 and "at most 10 MB" in text
    assert ("application/problem+json" in answer.headers["Content-Type"]) == path.startswith("/api")
    assert served.ask("GET", "/connections?take=1")["total"] >= 1


def test_a_client_that_waits_for_permission_is_refused_before_it_sends(served: Served):
    where = urlsplit(served.url)
    connection = HTTPConnection(where.hostname or "", where.port, timeout=30)
    connection.putrequest("POST", "/api/v1/packages/import")
    for name, value in (
        ("Content-Length", str(50 * MEGABYTE)),
        ("Content-Type", MULTIPART_CONTENT),
        ("Expect", "100-continue"),
    ):
        connection.putheader(name, value)
    connection.endheaders()
    assert connection.getresponse().status == 413
    connection.close()


def test_a_package_without_a_length_is_read(served: Served):
    body = json.dumps({"connections": ["rehearsal"]}).encode()
    headers = {"Authorization": f"Bearer {served.token}", "Content-Type": "application/json"}
    with urllib.request.urlopen(
        urllib.request.Request(f"{served.url}/api/v1{EXPORT}", body, headers), timeout=30
    ) as answer:
        content = answer.read()
    data = encode_multipart(BOUNDARY, {"file": io.BytesIO(content)})
    where = urlsplit(served.url)
    connection = HTTPConnection(where.hostname or "", where.port, timeout=30)
    connection.request(
        "POST",
        f"/api/v1{IMPORT}",
        iter([data]),
        headers | {"Content-Type": MULTIPART_CONTENT},
        encode_chunked=True,
    )
    answer = connection.getresponse()
    assert (answer.status, json.load(answer)["isNoop"]) == (200, True)
    connection.close()

"""The OpenAPI document is valid, complete and true, and its page needs nothing from elsewhere."""

import json
import re
from types import SimpleNamespace
from typing import Any

import jsonschema
import pytest
from django.contrib.auth.models import AnonymousUser, Group
from django.utils import timezone
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.validation import validate_schema
from rest_framework.test import APIClient

from backoffice.audit import api as audit_urls
from backoffice.people.service_accounts import api as account_urls
from backoffice.people.service_accounts.services import add_service_account
from connections import services
from connections.api import urls
from connections.api.camelcase import camel
from connections.api.components import told_providers
from connections.api.openapi import TEXTS, described_operations, operations_of, read_data
from connections.api.settings_schema import settings_schema
from connections.history.api import urls as history_urls
from connections.models import AuditEvent, Connection, KeyReplacement
from connections.packages.api import urls as package_urls
from connections.replacement.api import urls as replacement_urls
from connections.schedule.api import urls as schedule_urls
from connections.types.services import install_type
from connections.workloads.api import urls as workload_urls
from connections.workloads.services import create_issuer, create_rule
from gateway.api import urls as gateway_urls
from gateway.doors.operations import ONE_MODEL, OPENAI
from gateway.models import NoticeTarget
from gateway.notices.services import create_target
from providers.core.registry import all_providers
from providers.core.schema import secret_names
from tests.connections.types.manifests import document as acme_document

OPERATIONS = sorted(described_operations())
V1 = {"createChatCompletion", "createEmbedding", "listModels", "retrieveModel"}
PROVIDERS = {provider.id: provider for provider in all_providers()}


@pytest.fixture(scope="module")
def rendered() -> tuple[dict[str, Any], bool]:
    """The document as it is served, through JSON, and whether rendering it warned of something."""
    GENERATOR_STATS.reset()
    schema = SchemaGenerator().get_schema(request=None, public=True)
    return json.loads(json.dumps(schema, default=str)), bool(GENERATOR_STATS)


@pytest.fixture(scope="module")
def document(rendered: tuple[dict[str, Any], bool]) -> dict[str, Any]:
    return rendered[0]


@pytest.fixture
def client(administrator) -> APIClient:
    """An administrator's token, and rows of the names that the examples use."""
    openai = services.create_connection(
        "openai",
        actor=administrator,
        name="OpenAI production",
        alias="openai-production",
        settings={"api_key": "sk-example-not-a-key"},
    ).row
    KeyReplacement.objects.create(
        connection=openai,
        state=KeyReplacement.State.DONE,
        fields=["api_key"],
        settings_version=1,
        tests={
            name: {"success": True, "code": "ok", "message": ""} for name in ("next", "current")
        },
        due=0,
        until=timezone.now(),
    )
    address = "http://127.0.0.1:9/hook"
    target, _ = create_target("webhook", address, actor=administrator, name="On call")
    NoticeTarget.objects.filter(pk=target.pk).update(id="9a51cf0e-0b5c-4f0e-8d0a-3d5f6e7c8b9a")
    services.create_team("Research", actor=None)
    for name, alias in (("Support", "support-answers"), ("Reserve", "reserve")):
        services.create_profile(
            openai, actor=administrator, capability="Chat", name=name, alias=alias, model="gpt-4o"
        )
    echo = services.create_connection("echo", actor=administrator, name="Echo", alias="echo").row
    services.create_profile(
        echo,
        actor=administrator,
        capability="Chat",
        name="Content writer",
        alias="content-writer",
        model="echo-1",
    )
    account = {"role": Group.objects.get(name="Viewers"), "contact": "Platform team"}
    deploys = add_service_account("ci-deploy", actor=administrator, **account)
    _trust("github-actions", deploys)
    _, token = services.create_token(
        "examples", user=administrator, actor=administrator, scopes=["admin"]
    )
    plain = AuditEvent.objects.filter(mentions=None).latest("pk")
    AuditEvent.objects.filter(pk=plain.pk).update(id=4711)
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    return client


def _trust(name: str, account: Any) -> None:
    """A trusted issuer with one rule; nothing answers at its address."""
    address = "https://127.0.0.1:9/issuer"
    row = create_issuer(actor=None, name=name, issuer=address, audiences=["us"])
    conditions, scopes = {"repository": "acme/app"}, ["gateway:use"]
    create_rule(
        row, actor=None, name="deploy", conditions=conditions, account=account, scopes=scopes
    )


def operation_of(document: dict[str, Any], name: str) -> tuple[str, str, dict[str, Any]]:
    return next(found for found in operations_of(document) if found[2]["operationId"] == name)


def misfits(document: dict[str, Any], value: Any, schema: dict[str, Any]) -> list[str]:
    """What does not fit this schema, which refers to components of the document."""
    whole = schema | {"components": document["components"]}
    return [one.message for one in jsonschema.Draft202012Validator(whole).iter_errors(value)]


def test_document_is_valid_openapi_3_1(document):
    validate_schema(document)
    assert document["openapi"].startswith("3.1")


def test_every_component_is_a_valid_json_schema(document):
    for schema in document["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)


def test_rendering_warns_of_nothing(rendered):
    assert rendered[1] is False


def test_every_operation_is_described_and_names_the_rights_it_needs(document):
    operations = {one["operationId"]: one["description"] for *_, one in operations_of(document)}
    assert min(len(text) for text in operations.values()) > 60
    assert operations["getAllConnections"].endswith(
        "A token needs the scope `connections:read`; whoever calls needs the permission "
        "`connections.view_connection`."
    )


def test_every_parameter_and_every_field_is_described(document):
    parameters = [one for *_, op in operations_of(document) for one in op.get("parameters", ())]
    schemas = document["components"]["schemas"].values()
    fields = [one for schema in schemas for one in schema.get("properties", {}).values()]
    assert all(one["description"] for one in parameters)
    assert all(one.get("description") or "$ref" in one for one in fields)


def test_no_text_of_a_field_is_left_over(document):
    texts = read_data(TEXTS)["fields"].values()
    schemas = document["components"]["schemas"].values()
    fields = [one for schema in schemas for one in schema.get("properties", {}).values()]
    assert set(texts) <= {one.get("description") for one in fields}


def test_every_subject_is_described_and_used(document):
    used = {tag for *_, one in operations_of(document) for tag in one["tags"]}
    assert [one["name"] for one in document["tags"] if one["description"]][:2] == [
        "connections",
        "providers",
    ]
    assert {one["name"] for one in document["tags"]} == used


def test_every_address_is_described(document):
    rooms = (urls, package_urls, schedule_urls, replacement_urls, workload_urls, gateway_urls)
    rooms += (account_urls, history_urls, audit_urls)
    patterns = [pattern for room in rooms for pattern in room.urlpatterns]
    known = {
        f"/api/v1/{pattern.pattern}"
        for pattern in patterns
        if pattern.name not in ("api-schema", "api-docs")
    }
    known.remove("/api/v1/connections/capabilities/<str:capability>")  # its view says why
    described = {re.sub(r"\{\w+\}", "{}", path) for path in document["paths"]}
    served = {re.sub("<.*?>", "{}", path) for path in known}
    assert described == served | {*OPENAI, f"{ONE_MODEL}{{}}"}


def test_operations_have_names_of_their_own(document):
    names = [operation["operationId"] for _, _, operation in operations_of(document)]
    assert sorted({*names} - V1) == OPERATIONS
    assert len(names) == len({*names})


def test_all_that_is_said_of_operations_is_read():
    read = {"summary", "description", "path", "request", "answer", "responses", "headers"}
    assert {name for said in described_operations().values() for name in said} == read


def test_every_body_has_an_example(document):
    for _, _, operation in operations_of(document):
        for media in operation.get("requestBody", {}).get("content", {}).values():
            assert media["examples"], operation["operationId"]


def test_examples_fit_their_schema(document):
    for name in OPERATIONS:
        _, _, operation = operation_of(document, name)
        for part in (operation.get("requestBody", {}), *operation["responses"].values()):
            for media in part.get("content", {}).values():
                for one in media.get("examples", {}).values():
                    assert misfits(document, one["value"], media["schema"]) == [], name


@pytest.mark.parametrize(
    "name", [one for one in OPERATIONS if one.startswith(("create", "update", "patch", "test"))]
)
def test_examples_of_bodies_are_accepted(document, client, name):
    path, method, operation = operation_of(document, name)
    known = (
        {one["name"]: one["example"] for one in operation["parameters"] if one["in"] == "path"}
        if "parameters" in operation
        else {}
    )
    for media, body in operation.get("requestBody", {"content": {"": {}}})["content"].items():
        for one in body.get("examples", {"": {"value": None}}).values():
            answer = client.generic(
                method.upper(),
                path.format(**known),
                as_stored(one["value"]),
                content_type=media or "application/json",
            )
            assert answer.status_code in (200, 201), answer.content


def as_stored(body: Any) -> str:
    """The example with the ids of the rows that this test has; a created alias is a new one."""
    openai = Connection.objects.get(alias="openai-production")
    reserve = str(openai.profiles.get(alias="reserve").pk)
    rows = {"defaultChatProfileId": reserve}
    if body is None:
        return ""
    new = {"alias": f"{body['alias']}-new"} if "alias" in body else {}
    return json.dumps(body | new | {name: value for name, value in rows.items() if name in body})


def test_answers_fit_the_document(document, client):
    for name in OPERATIONS:
        if name.startswith("get"):
            assert misfits(document, *answered(document, client, name)) == [], name


def answered(document: dict[str, Any], client: APIClient, name: str) -> tuple[Any, dict[str, Any]]:
    """What an operation answers, and the schema of that."""
    path, _, operation = operation_of(document, name)
    parameters = [one for one in operation.get("parameters", []) if one.get("required")]
    known = {one["name"]: one["example"] for one in parameters if one["in"] == "path"}
    query = {
        one["name"]: next(iter(one["examples"].values()))["value"]
        for one in parameters
        if one["in"] == "query"
    }
    answer = client.get(path.format(**known), query)
    media = (
        "application/problem+json" if answer.status_code in (404, 502) else "application/json"
    )  # nobody answers for OpenAI here, and no request was made
    assert str(answer.status_code) in operation["responses"], (name, answer.content)
    schema = operation["responses"][str(answer.status_code)]["content"][media]["schema"]
    return json.loads(answer.content), schema


def test_secrets_are_write_only(document):
    for provider_id, provider in PROVIDERS.items():
        stem = "".join(part.capitalize() for part in provider_id.split("-"))
        secrets = {camel(name) for name in secret_names(provider)}
        described = document["components"]["schemas"][f"{stem}Settings"]
        for schema in (described, settings_schema(provider)):
            hidden = {name for name, one in schema["properties"].items() if one.get("writeOnly")}
            assert hidden == secrets, provider_id


def test_new_connection_is_told_apart_by_its_provider(document):
    create = document["components"]["schemas"]["ConnectionCreate"]
    assert set(create["discriminator"]["mapping"]) == set(PROVIDERS)
    assert [one["$ref"] for one in create["oneOf"]] == list(
        create["discriminator"]["mapping"].values()
    )


@pytest.mark.django_db
def test_strangers_are_told_nothing_of_own_types(administrator):
    install_type(acme_document(), actor=administrator)
    asks = SimpleNamespace(auth=None, user=administrator)
    assert "acme.helpdesk" in {one.id for one in told_providers(asks)}
    asks.user = AnonymousUser()
    assert "acme.helpdesk" not in {one.id for one in told_providers(asks)}


@pytest.mark.parametrize(
    "accept", ["application/vnd.oai.openapi+json", "application/vnd.oai.openapi", "*/*"]
)
def test_document_is_served_to_everybody(client, accept):
    client.credentials()
    answer = client.get("/api/v1/schema", HTTP_ACCEPT=accept)
    assert answer.status_code == 200


# The page


@pytest.mark.django_db
def test_page_names_no_other_host():
    page = APIClient().get("/api/v1/docs")
    text = page.content.decode()
    assert 'data-schema="/api/v1/schema"' in text and "<h1>The API</h1>" in text
    assert "//" not in " ".join(re.findall(r"(?:src|href|url)\s*[=:]\s*[\"']([^\"']*)", text))
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "http" not in policy

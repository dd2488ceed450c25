"""`/connections...`: what is read, written and refused."""

import uuid
from typing import Any

import pytest

from connections import services
from connections.api.camelcase import camel
from connections.models import Connection, ConnectionCheck
from providers.core.base import Capability
from providers.core.errors import ProviderError
from providers.core.registry import all_providers
from providers.core.schema import secret_names, settings_fields
from tests.fakes import OLDER_KEY, OTHER_SECRET, SECRET, connect, fake_provider, profile_of, reload
from tests.httpserver import authority
from tests.providers.samples import of_each_kind

from .calls import MERGE, Api, errors, every_setting, problem

pytestmark = pytest.mark.django_db
PROVIDERS = {provider.id: provider for provider in all_providers()}
ONE = "/connections/production"
ELSEWHERE = "https://elsewhere.example.com/v1"
NEW = {"alias": "fresh", "name": "Fresh", "providerId": "fake", "settings": {"apiKey": SECRET}}


def secret_of(row: Connection, name: str = "api_key") -> Any:
    """The secret that is stored now."""
    return dict(reload(row).credentials or {}).get(name)


@pytest.fixture
def lost(connection: Connection, settings: Any) -> Connection:
    """A connection whose key is gone."""
    settings.FERNET_KEYS = [OLDER_KEY]
    return connection


@pytest.fixture
def orphan(api: Api) -> Connection:
    """A connection whose provider was uninstalled."""
    with fake_provider(id="gone"):
        return connect("gone", name="Orphan", settings={"api_key": SECRET, "organization": "org-1"})


# Reading


def test_a_connection_is_read_by_id_and_by_alias(api: Api, connection: Connection):
    assert api.read(f"/connections/{connection.pk}") == api.read(ONE)


def test_an_id_may_be_written_in_capitals_and_without_hyphens(api: Api, connection: Connection):
    assert (
        api.read(f"/connections/{connection.pk.hex}")["alias"]
        == api.read(f"/connections/{str(connection.pk).upper()}")["alias"]
    )


OWN = {"id", "alias", "providerId", "version", "dateCreated", "dateModified", "health", "keyEndsAt"}
OWN |= {"team"}
IN_A_LIST = OWN | {camel(column) for column in Connection.editable_columns}


def test_a_connection_shows_every_setting_and_masks_its_secrets(api: Api, connection: Connection):
    shown = api.read(ONE)
    assert shown["settings"]["apiKey"] == "sk-***" and shown["settings"]["organization"] is None
    assert set(shown) == {*IN_A_LIST, "settings"}


@pytest.mark.parametrize(
    "name",
    ["nothing", "0b9d9f3a-52d4-4b4e-8c3a-5f6e7d8c9b21", "Ünïcödé", "a%00b", "%ff", "x" * 5000],
)
def test_an_unknown_id_or_alias_is_not_found(api: Api, connection: Connection, name: str):
    for method, path in [
        ("GET", ""),
        ("DELETE", ""),
        ("POST", "/test"),
        ("GET", "/models"),
        ("GET", "/references"),
        ("GET", "/usages"),
    ]:
        assert problem(api(method, f"/connections/{name}{path}"), 404)["code"] == "not_found"


# Lists


@pytest.fixture
def several(fake: Any) -> list[Connection]:
    """Four connections that differ in everything a list filters by."""
    given = [
        ("Berlin", ["eu", "a b"], True),
        ("amsterdam", ["eu"], False),
        ("Chicago 100%", ["us"], True),
    ]
    rows = [connect(name=name, tags=tags, is_active=active) for name, tags, active in given]
    return [*rows, connect("echo", name="Echo", settings={})]


@pytest.mark.server
@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("filter=BER", ["Berlin"]),
        ("filter=%25", ["Chicago 100%"]),
        ("filter=nothing", []),
        ("filter=", ["Berlin", "Chicago 100%", "Echo", "amsterdam"]),
        ("providerId=echo", ["Echo"]),
        ("providerId=", ["Berlin", "Chicago 100%", "Echo", "amsterdam"]),
        ("providerId=unknown", []),
        ("isActive=false", ["amsterdam"]),
        ("isActive=True&tag=eu", ["Berlin"]),
        ("tag=a%20b", ["Berlin"]),
        ("tag=e", []),
        ("capability=Chat&filter=echo", ["Echo"]),
        ("capability=chat&providerId=fake&isActive=true", ["Berlin", "Chicago 100%"]),
    ],
)
def test_a_list_is_filtered(api: Api, several: Any, query: str, names: list[str]):
    shown = api.read(f"/connections?{query}")
    assert sorted(one["name"] for one in shown["items"]) == names
    assert shown["total"] == len(names)


def test_a_list_item_has_no_settings(api: Api, several: Any):
    item = api.read("/connections")["items"][0]
    assert set(item) == IN_A_LIST


def test_a_list_without_rows_is_empty(api: Api):
    assert api.read("/connections") == {"total": 0, "items": []}


@pytest.mark.server
@pytest.mark.parametrize(
    "order",
    ["name", "alias", "providerId", "isActive", "dateCreated", "dateModified", "NAME"],
    ids=lambda order: f"by {order}",
)
def test_a_list_is_sorted_both_ways(api: Api, several: Any, order: str):
    up = api.names(f"/connections?orderBy={order}&orderDirection=ascending")
    assert (
        up
        == api.names(f"/connections?orderBy={order}&orderDirection=asc")
        == api.names(f"/connections?orderBy={order}")
    )
    down = [
        api.names(f"/connections?orderBy={order}&orderDirection={word}")
        for word in ("descending", "desc")
    ]
    assert down == [up[::-1], up[::-1]] and len(up) == 4


@pytest.mark.server
def test_a_list_is_paged_and_its_total_counts_everything(api: Api, several: Any):
    names = api.names("/connections?orderBy=alias")
    pages = [
        api.read(f"/connections?orderBy=alias&skip={skip}&take=3") for skip in (0, 3, 4, 2147483647)
    ]
    assert [[one["name"] for one in page["items"]] for page in pages] == [
        names[:3],
        names[3:],
        [],
        [],
    ]
    assert {page["total"] for page in pages} == {4}


BAD_QUERIES = [
    *(
        "skip=-1",
        "skip=x",
        "skip=",
        "skip=1.5",
        "skip=%D9%A1",
        "skip=2147483648",
        "skip=000000000009999999999999999999999999",
    ),
    *("take=0", "take=-1", "take=1001", "take=ten", "take=", "take=0000000000099", "skip=%00"),
    *(
        "isActive=yes",
        "isActive=",
        "capability=Singing",
        "orderBy=credentials",
        "orderDirection=up",
    ),
    *("filter=%00", "tag=%00", "providerId=a%00"),
]


@pytest.mark.parametrize("query", BAD_QUERIES)
def test_a_senseless_query_is_refused_at_its_name(api: Api, query: str):
    assert errors(api.get(f"/connections?{query}")) == {f"/{query.split('=')[0]}": "invalid"}


def test_a_thousand_may_be_taken(api: Api):
    assert api.read("/connections?take=1000") == {"total": 0, "items": []}


# Creating


def test_creating_answers_with_the_object_and_where_it_is(api: Api, fake: Any, administrator: Any):
    response = api.post("/connections", NEW)
    made = response.json()
    assert (response.status_code, response["Location"], response["ETag"]) == (
        201,
        f"/api/v1/connections/{made['id']}",
        '"1"',
    )
    assert (
        made == api.read("/connections/fresh") and made["isActive"] is True and made["tags"] == []
    )
    assert Connection.objects.get().created_by == administrator


def test_settings_may_be_left_out_or_null(api: Api):
    made = [
        api.post("/connections", {"alias": alias, "name": "E", "providerId": "echo", **more})
        for alias, more in MAY_LACK.items()
    ]
    assert [response.status_code for response in made] == [201, 201, 201]


MAY_LACK: dict[str, dict[str, Any]] = {
    "without": {},
    "null": {"settings": None},
    "empty": {"settings": {}},
}


def test_what_the_server_decides_is_ignored(api: Api, fake: Any):
    sent = NEW | {
        "id": str(uuid.uuid4()),
        "version": 7,
        "dateCreated": "2020-01-01T00:00:00Z",
        "dateModified": "no date",
    }
    made = api.post("/connections", sent).json()
    assert (
        made["id"] != sent["id"]
        and made["version"] == 1
        and not made["dateCreated"].startswith("2020")
    )


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"alias": "Upper"}, {"/alias": "invalid"}),
        ({"alias": ""}, {"/alias": "blank"}),
        ({"alias": "x" * 101}, {"/alias": "max_length"}),
        ({"alias": "capabilities"}, {"/alias": "reserved"}),
        ({"alias": "test"}, {"/alias": "reserved"}),
        ({"alias": "0b9d9f3a-52d4-4b4e-8c3a-5f6e7d8c9b21"}, {"/alias": "reserved"}),
        ({"alias": "fresh\n"}, {"/alias": "invalid"}),
        ({"alias": None}, {"/alias": "null"}),
        ({"alias": 5}, {"/alias": "invalid"}),
        ({"name": " "}, {"/name": "blank"}),
        ({"name": "x" * 256}, {"/name": "max_length"}),
        ({"name": "a\0"}, {"/name": "null_character"}),
        ({"providerId": "unheard-of"}, {"/providerId": "unknown_provider"}),
        ({"isActive": "yes"}, {"/isActive": "invalid"}),
        ({"isActive": None}, {"/isActive": "null"}),
        ({"tags": "eu"}, {"/tags": "not_a_list"}),
        ({"tags": ["a,b"]}, {"/tags": "invalid"}),
        ({"tags": ["x" * 51]}, {"/tags/0": "max_length"}),
        ({"tags": ["ok", 1]}, {"/tags/1": "invalid"}),
        ({"settings": []}, {"/settings": "not_a_dict"}),
        ({"settings": {}}, {"/settings/apiKey": "required"}),
        ({"settings": {"apiKey": SECRET, "samples": "3"}}, {"/settings/samples": "type"}),
        ({"settings": {"apiKey": SECRET, "samples": 10}}, {"/settings/samples": "less_than_equal"}),
        ({"settings": {"apiKey": SECRET, "samples": True}}, {"/settings/samples": "type"}),
        ({"settings": {"apiKey": SECRET, "fast": "true"}}, {"/settings/fast": "type"}),
        ({"settings": {"apiKey": SECRET, "region": "mars"}}, {"/settings/region": "literal_error"}),
        ({"settings": {"apiKey": SECRET, "baseUrl": "ftp://x"}}, {"/settings/baseUrl": "url"}),
        (
            {"settings": {"apiKey": SECRET, "organization": ["list"]}},
            {"/settings/organization": "string_type"},
        ),
        (
            {"settings": {"apiKey": SECRET, "organization": "$Fake:ApiKey"}},
            {"/settings/organization": "denied_reference"},
        ),
        ({"settings": {"apiKey": "$Env:PATH"}}, {"/settings/apiKey": "denied_reference"}),
        ({"settings": {"apiKey": "sk-***"}}, {"/settings/apiKey": "masked_value"}),
        ({"colour": "red"}, {"/colour": "unknown_field"}),
        ({"is_active": True}, {"/is_active": "unknown_field"}),
        (
            {"settings": {"apiKey": SECRET, "colour": "red"}},
            {"/settings/colour": "unknown_field"},
        ),
        ({"settings": {"api_key": SECRET}}, {"/settings/api_key": "unknown_field"}),
    ],
    ids=repr,
)
def test_a_wrong_field_is_pointed_at(
    api: Api, fake: Any, changes: dict[str, Any], found: dict[str, str]
):
    assert errors(api.post("/connections", NEW | changes)) == found
    assert not Connection.objects.exists()


def test_missing_fields_are_all_named(api: Api):
    assert errors(api.post("/connections", {})) == dict.fromkeys(
        ["/alias", "/name", "/providerId"], "required"
    )


def test_a_taken_alias_is_a_conflict(api: Api, connection: Connection):
    assert errors(api.post("/connections", NEW | {"alias": "production"}), 409) == {
        "/alias": "unique"
    }


def test_a_missing_reference_can_be_saved(api: Api, fake: Any):
    response = api.post("/connections", NEW | {"settings": {"apiKey": "$Fake:ApiKey"}})
    assert response.status_code == 201 and response.json()["settings"]["apiKey"] == "$Fake:ApiKey"


# Changing


def test_put_replaces_the_plain_settings(api: Api, fake: Any):
    row = connect(settings={"api_key": SECRET, "organization": "org-1", "samples": 3})
    shown = api.put(ONE, {"name": "Renamed", "settings": {"samples": 4}}).json()
    assert (shown["name"], shown["settings"]["samples"], shown["settings"]["organization"]) == (
        "Renamed",
        4,
        None,
    )
    assert (shown["version"], secret_of(row)) == (2, SECRET)


def test_put_without_state_tags_and_settings_keeps_them(api: Api, fake: Any):
    row = connect(is_active=False, tags=["eu"], settings={"api_key": SECRET, "samples": 3})
    assert api.put(ONE, {"name": "Renamed"}).status_code == 200
    row = reload(row)
    assert (row.is_active, row.tags, row.settings, secret_of(row)) == (
        False,
        ["eu"],
        {"samples": 3},
        SECRET,
    )


def test_put_needs_a_name(api: Api, connection: Connection):
    assert errors(api.put(ONE, {"isActive": False})) == {"/name": "required"}


@pytest.mark.parametrize("content_type", [MERGE, "application/json"])
def test_patch_changes_what_it_names_and_takes_away_what_is_null(
    api: Api, fake: Any, content_type: str
):
    row = connect(settings={"api_key": SECRET, "organization": "org-1", "samples": 3}, tags=["eu"])
    shown = api.patch(ONE, {"settings": {"organization": None, "fast": True}}, content_type).json()
    assert (
        shown["settings"]["organization"],
        shown["settings"]["samples"],
        shown["settings"]["fast"],
    ) == (None, 3, True)
    assert (shown["name"], shown["tags"], secret_of(row)) == ("Production", ["eu"], SECRET)


def test_an_empty_patch_changes_nothing(api: Api, connection: Connection):
    assert api.patch(ONE, {}).json()["version"] == 1


@pytest.mark.parametrize("name", ["name", "isActive", "tags", "settings"])
def test_what_must_be_there_cannot_be_patched_away(api: Api, connection: Connection, name: str):
    assert errors(api.patch(ONE, {name: None})) == {f"/{name}": "null"}


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
@pytest.mark.parametrize(("name", "value"), [("alias", "another"), ("providerId", "echo")])
def test_alias_and_provider_are_fixed(
    api: Api, connection: Connection, method: str, name: str, value: str
):
    assert errors(api(method, ONE, {"name": "N", name: value})) == {f"/{name}": "immutable"}
    assert (
        api(method, ONE, {"name": "N", "alias": "production", "providerId": "fake"}).status_code
        == 200
    )


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_unknown_fields_are_refused_and_nothing_is_saved(
    api: Api, connection: Connection, method: str
):
    assert errors(api(method, ONE, {"name": "N", "isactive": False})) == {
        "/isactive": "unknown_field"
    }
    assert errors(api(method, ONE, {"name": "N", "settings": {"base_url": "x"}})) == {
        "/settings/base_url": "unknown_field"
    }
    assert reload(connection).version == 1


def test_names_of_fields_are_said_as_the_api_writes_them(api: Api, connection: Connection):
    detail = problem(api.patch(ONE, {"settings": {"colour": "red"}}), 400)["errors"][0]["detail"]
    assert "apiKey" in detail and "api_key" not in detail


# The write rule for secrets

KEPT: list[Any] = [{}, {"apiKey": ""}, {"apiKey": "  "}, {"apiKey": "sk-***"}]


@pytest.mark.parametrize("sent", KEPT, ids=repr)
@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_absent_empty_and_the_exact_mask_keep_a_secret(
    api: Api, connection: Connection, method: str, sent: dict[str, Any]
):
    shown = api(method, ONE, {"name": "N", "settings": sent}).json()
    assert (shown["settings"]["apiKey"], secret_of(connection)) == ("sk-***", SECRET)


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_null_clears_a_secret(api: Api, fake: Any, method: str):
    row = connect(settings={"api_key": SECRET, "spare_key": OTHER_SECRET})
    shown = api(method, ONE, {"name": "N", "settings": {"spareKey": None}}).json()
    assert shown["settings"]["spareKey"] is None and (
        secret_of(row),
        secret_of(row, "spare_key"),
    ) == (SECRET, None)


def test_a_required_secret_cannot_be_cleared(api: Api, connection: Connection):
    assert errors(api.patch(ONE, {"settings": {"apiKey": None}})) == {
        "/settings/apiKey": "required"
    }
    assert secret_of(connection) == SECRET


@pytest.mark.parametrize(
    "mask", ["***", "pk-***", "sk-secret***", "********", "••••", SECRET + "***"]
)
@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_what_looks_like_another_mask_is_refused(
    api: Api, connection: Connection, method: str, mask: str
):
    assert errors(api(method, ONE, {"name": "N", "settings": {"apiKey": mask}})) == {
        "/settings/apiKey": "masked_value"
    }
    assert secret_of(connection) == SECRET


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_another_text_replaces_a_secret(api: Api, connection: Connection, method: str):
    assert (
        api(method, ONE, {"name": "N", "settings": {"apiKey": OTHER_SECRET}}).json()["version"] == 2
    )
    assert secret_of(connection) == OTHER_SECRET


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_a_reference_replaces_a_secret_and_comes_back_as_typed(
    api: Api, connection: Connection, method: str
):
    shown = api(method, ONE, {"name": "N", "settings": {"apiKey": "$Fake:ApiKey"}}).json()
    assert shown["settings"]["apiKey"] == "$Fake:ApiKey" and secret_of(connection) is None


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_an_address_does_not_take_a_stored_secret_along(
    api: Api, connection: Connection, method: str
):
    moved = {"name": "N", "settings": {"baseUrl": ELSEWHERE}}
    assert errors(api(method, ONE, moved)) == {"/settings/apiKey": "secret_required"}
    moved["settings"] = {"baseUrl": ELSEWHERE, "apiKey": "sk-***"}
    assert errors(api(method, ONE, moved)) == {"/settings/apiKey": "secret_required"}
    moved["settings"] = {"baseUrl": ELSEWHERE, "apiKey": OTHER_SECRET}
    assert api(method, ONE, moved).json()["settings"]["baseUrl"] == ELSEWHERE


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
@pytest.mark.parametrize(
    "own", [{"caCertificate": authority()[0]}, {"proxy": "http://proxy.example.com:3128"}]
)
def test_neither_an_authority_nor_a_proxy_of_ones_own_takes_a_stored_secret_along(
    api: Api, connection: Connection, own: dict[str, str], method: str
):
    changed = {"name": "N", "settings": own}
    assert errors(api(method, ONE, changed)) == {"/settings/apiKey": "secret_required"}
    changed["settings"] = {**own, "apiKey": OTHER_SECRET}
    assert api(method, ONE, changed).status_code == 200


def test_a_proxy_is_taken_out_without_the_secret(api: Api, fake: Any):
    connect(settings={"api_key": SECRET, "proxy": "http://proxy.example.com"})
    assert api.patch(ONE, {"settings": {"proxy": None}}).status_code == 200


def test_a_proxys_password_is_entered_again_for_another_proxy_alone(api: Api, fake: Any):
    proxy, password = "http://proxy.example.com", "pw-of-the-proxy-7391"
    own = {"proxy": proxy, "proxy_user": "me", "proxy_password": password}
    connect(settings={"api_key": SECRET, **own})
    moved = {"baseUrl": ELSEWHERE, "apiKey": OTHER_SECRET, "proxyUser": "you"}
    assert password not in api.patch(ONE, {"settings": moved}).content.decode()
    assert api.patch(ONE, {"settings": {"proxy": None, "apiKey": OTHER_SECRET}}).status_code == 200
    for there in ("http://elsewhere.example", proxy):
        found = errors(api.patch(ONE, {"settings": {"proxy": there, "apiKey": OTHER_SECRET}}))
        assert found == {"/settings/proxyPassword": "secret_required"}
    own = {"proxy": proxy, "apiKey": OTHER_SECRET, "proxyPassword": "another-pw-7391"}
    assert api.patch(ONE, {"settings": own}).json()["settings"]["proxyPassword"] == "another-***"


def test_leaving_an_address_out_of_put_is_a_change_of_it(api: Api, fake: Any):
    connect(settings={"api_key": SECRET, "base_url": ELSEWHERE})
    assert errors(api.put(ONE, {"name": "N", "settings": {}})) == {
        "/settings/apiKey": "secret_required"
    }


# Sent back as it came


@pytest.mark.parametrize("provider_id", of_each_kind(PROVIDERS))
def test_get_then_put_of_the_unchanged_body_changes_nothing(api: Api, provider_id: str):
    provider = PROVIDERS[provider_id]
    row = connect(provider_id, name="Production", tags=["eu"], settings=every_setting(provider))
    shown = api.read(ONE)
    assert all(value is not None for value in shown["settings"].values()) and len(
        shown["settings"]
    ) == len(settings_fields(provider))
    before = (dict(row.credentials or {}), row.settings)
    for method in ("PUT", "PATCH"):
        response = api(method, ONE, shown, if_match='"1"')
        assert (response.status_code, response["ETag"], response.json()) == (200, '"1"', shown)
    assert (dict(reload(row).credentials or {}), reload(row).settings) == before


@pytest.mark.parametrize("provider_id", of_each_kind(PROVIDERS))
def test_get_then_put_keeps_references_in_every_field(api: Api, settings: Any, provider_id: str):
    provider = PROVIDERS[provider_id]
    settings.CONNECTIONS_REFERENCE_SECTIONS = ["Mine"]
    settings.CONNECTIONS_REFERENCE_PUBLIC = ["Mine:*"]
    given: dict[str, Any] = {}
    for place, (name, one) in enumerate(settings_fields(provider).items()):
        reference = f"$Mine:{'Api' if name in secret_names(provider) else 'Plain'}{place}"
        given[name] = {f"an_entry-{place}": reference} if one.is_map else reference
    connect(provider_id, settings=given)
    shown = api.read(ONE)
    assert sorted(map(str, shown["settings"].values())) == sorted(map(str, given.values()))
    assert api.put(ONE, shown).json() == shown


@pytest.mark.parametrize("provider_id", of_each_kind(PROVIDERS))
def test_get_then_put_of_a_connection_with_defaults_changes_nothing(api: Api, provider_id: str):
    provider = PROVIDERS[provider_id]
    required = {
        name
        for name, one in settings_fields(provider).items()
        if one.required or one.required_when_shown or one.is_map
    }
    connect(
        provider_id,
        settings={
            name: value for name, value in every_setting(provider).items() if name in required
        },
    )
    shown = api.read(ONE)
    assert api.put(ONE, shown).json() == shown


def test_get_then_post_under_another_alias_needs_the_secret(api: Api, connection: Connection):
    assert errors(api.post("/connections", api.read(ONE) | {"alias": "copy"})) == {
        "/settings/apiKey": "masked_value"
    }


# ETag and If-Match


def test_an_etag_is_the_version(api: Api, connection: Connection):
    assert api.get(ONE)["ETag"] == '"1"'
    assert api.patch(ONE, {"name": "N"})["ETag"] == '"2"' == api.get(ONE)["ETag"]


@pytest.mark.parametrize("header", ['"1"', "*", " * ", '"7", "1"', '"1","2"', 'W/"1", "1"'])
@pytest.mark.parametrize(("method", "status"), [("PUT", 200), ("PATCH", 200), ("DELETE", 204)])
def test_a_matching_if_match_lets_pass(
    api: Api, connection: Connection, method: str, status: int, header: str
):
    assert api(method, ONE, {"name": "N"}, if_match=header).status_code == status


@pytest.mark.parametrize(
    "header",
    ['"2"', '"01"', "1", 'W/"1"', '"7", "8"', "garbage", '"', '""', ",,,", "'1'", '"1', "*x"],
)
@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_another_if_match_stops(api: Api, connection: Connection, method: str, header: str):
    assert problem(api(method, ONE, {"name": "N"}, if_match=header), 412)["code"] == "stale"
    assert reload(connection).name == "Production"


# Deleting


def test_deleting_answers_with_nothing(api: Api, connection: Connection):
    response = api.delete(f"/connections/{connection.pk}")
    assert (response.status_code, response.content) == (204, b"")
    assert api.get(ONE).status_code == 404


def test_a_connection_in_use_is_not_deleted_and_its_profiles_are_named(
    api: Api, connection: Connection
):
    profile = profile_of(connection)
    found = problem(api.delete(ONE), 409)
    assert found["code"] == "in_use" and "Answers" in found["detail"]
    assert found["dependents"] == [
        {"id": str(profile.pk), "type": "profile", "alias": "answers", "name": "Answers"}
    ]


# Testing

PASSED = {"success": True, "errorMessage": None, "code": "ok"}


def test_a_test_says_how_it_went_and_is_recorded(
    api: Api, connection: Connection, administrator: Any
):
    found = api.post(f"{ONE}/test").json()
    check = ConnectionCheck.objects.get()
    assert found | PASSED == found and (found["modelCount"], found["connectionVersion"]) == (2, 1)
    assert (
        (check.checked_by, check.success) == (administrator, True)
        and isinstance(found["latencyMs"], int)
        and found["checkedAt"]
    )


def test_a_failed_test_is_200_too(api: Api, connection: Connection, fake: Any):
    fake.answer = ProviderError("fake.example.com does not accept it.", "unauthorized", True)
    response = api.post(f"{ONE}/test")
    assert response.status_code == 200
    assert (
        response.json()
        | {
            "success": False,
            "errorMessage": "fake.example.com does not accept it.",
            "code": "unauthorized",
        }
        == response.json()
    )


def test_testing_a_missing_reference_names_the_key(api: Api, fake: Any):
    connect(settings={"api_key": "$Fake:ApiKey"})
    found = api.post(f"{ONE}/test").json()
    assert (found["success"], found["code"]) == (
        False,
        "unresolved_reference",
    ) and "Fake:ApiKey" in found["errorMessage"]


def test_unsaved_settings_are_tested_and_nothing_is_kept(api: Api, fake: Any):
    found = api.post(
        "/connections/test", {"providerId": "fake", "settings": {"apiKey": SECRET}}
    ).json()
    assert found | PASSED == found and found["connectionVersion"] is None
    assert not Connection.objects.exists() and not ConnectionCheck.objects.exists()


@pytest.mark.parametrize("sent", KEPT, ids=repr)
@pytest.mark.parametrize("by", ["alias", "pk"])
def test_a_test_of_changes_uses_the_stored_secret(
    api: Api, connection: Connection, fake: Any, by: str, sent: dict[str, Any]
):
    assert api.post(
        "/connections/test",
        {"id": str(getattr(connection, by)), "settings": {**sent, "samples": 5}},
    ).json()["success"]
    assert (fake.asked[0].api_key.get_secret_value(), fake.asked[0].samples) == (SECRET, 5)


def test_a_test_does_not_send_a_stored_secret_elsewhere(
    api: Api, connection: Connection, fake: Any
):
    sent = {"id": "production", "settings": {"baseUrl": ELSEWHERE}}
    assert errors(api.post("/connections/test", sent)) == {"/settings/apiKey": "secret_required"}
    assert fake.asked == []


@pytest.mark.parametrize(
    ("body", "status", "pointers"),
    [
        ({}, 400, ["/providerId"]),
        ({"providerId": "unheard-of"}, 400, ["/providerId"]),
        ({"providerId": "fake"}, 400, ["/settings/apiKey"]),
        ({"providerId": "fake", "settings": {"apiKey": "***"}}, 400, ["/settings/apiKey"]),
        ({"id": "production", "providerId": "echo"}, 400, ["/providerId"]),
        ({"id": "", "providerId": "fake"}, 400, ["/id"]),
        ({"providerId": "fake", "name": "N"}, 400, ["/name"]),
    ],
    ids=repr,
)
def test_what_cannot_be_tested_is_pointed_at(
    api: Api, connection: Connection, body: Any, status: int, pointers: list[str]
):
    assert list(errors(api.post("/connections/test", body), status)) == pointers


def test_testing_changes_of_an_unknown_connection_is_not_found(api: Api):
    problem(api.post("/connections/test", {"id": "nothing", "settings": {}}), 404)


# Models


def test_models_are_answered_in_both_shapes(api: Api, connection: Connection):
    first, second = api.read(f"{ONE}/models")["items"]
    assert first == {
        "id": "fake-chat",
        "name": "Fake Chat",
        "capabilities": ["Chat"],
        "model": {"providerId": "fake", "modelId": "fake-chat"},
        "contextTokens": None,
        "inputPrice": None,
        "outputPrice": None,
    }
    assert (second["id"], second["capabilities"]) == ("fake-any", [])


def test_models_are_remembered_until_the_connection_changes(
    api: Api, connection: Connection, fake: Any
):
    api.read(f"{ONE}/models")
    api.read(f"{ONE}/models?refresh=false")
    assert len(fake.asked) == 1
    api.patch(ONE, {"name": "N"})
    api.read(f"{ONE}/models")
    assert len(fake.asked) == 2


def test_refresh_goes_past_the_memory_and_renews_it(api: Api, connection: Connection, fake: Any):
    api.read(f"{ONE}/models")
    fake.answer = []
    assert [
        len(api.read(f"{ONE}/models{query}")["items"]) for query in ("", "?refresh=true", "")
    ] == [2, 0, 0]


def test_models_are_filtered_by_capability(api: Api, connection: Connection):
    found = {
        word: [one["id"] for one in api.read(f"{ONE}/models?capability={word}")["items"]]
        for word in ("chat", "Embedding")
    }
    assert found == {"chat": ["fake-chat", "fake-any"], "Embedding": ["fake-any"]}


@pytest.mark.parametrize("query", ["refresh=1", "refresh=", "capability=Singing"])
def test_a_senseless_question_for_models_is_refused(api: Api, connection: Connection, query: str):
    assert errors(api.get(f"{ONE}/models?{query}")) == {f"/{query.split('=')[0]}": "invalid"}


def test_a_provider_that_fails_is_a_bad_gateway(api: Api, connection: Connection, fake: Any):
    fake.answer = ProviderError("fake.example.com takes too long.", "timeout", False)
    found = problem(api.get(f"{ONE}/models"), 502)
    assert (found["code"], found["detail"]) == ("timeout", "fake.example.com takes too long.")


def test_models_of_an_inactive_connection_are_listed(api: Api, connection: Connection):
    api.patch(ONE, {"isActive": False})
    assert api.get(f"{ONE}/models").status_code == 200


def test_models_need_their_references(api: Api, fake: Any):
    connect(settings={"api_key": "$Fake:ApiKey"})
    assert problem(api.get(f"{ONE}/models"), 409)["code"] == "unresolved_reference"


# References, usages, capabilities, exists


def test_references_say_their_state_and_source_and_never_a_value(
    api: Api, fake: Any, settings: Any
):
    settings.CONNECTIONS_CONFIG = {"Fake": {"ApiKey": SECRET, "Org": "org-9"}}
    settings.CONNECTIONS_REFERENCE_PUBLIC = ["Fake:Org"]
    connect(
        settings={
            "api_key": "$Fake:ApiKey",
            "spare_key": "$Fake:Spare",
            "organization": "$Fake:Org",
        }
    )
    response = api.get(f"{ONE}/references")
    found = {
        one["field"]: (one["reference"], one["state"], bool(one["source"]))
        for one in response.json()["items"]
    }
    assert found == {
        "apiKey": ("$Fake:ApiKey", "resolved", True),
        "spareKey": ("$Fake:Spare", "missing", False),
        "organization": ("$Fake:Org", "resolved", True),
    }
    assert (
        response.json()["total"] == 3
        and SECRET not in response.text
        and "org-9" not in response.text
    )


def test_a_connection_of_literals_has_no_references(api: Api, connection: Connection):
    assert api.read(f"{ONE}/references") == {"total": 0, "items": []}


@pytest.mark.server
def test_usages_name_profiles_and_which_are_defaults(api: Api, connection: Connection):
    first, second = profile_of(connection, name="A"), profile_of(connection, name="B")
    services.set_default_profiles({"Chat": second}, actor=None)
    found = api.read(f"{ONE}/usages")
    assert [
        (one["id"], one["type"], one["alias"], one["name"], one["isDefault"])
        for one in found["items"]
    ] == [
        (str(first.pk), "profile", "a", "A", False),
        (str(second.pk), "profile", "b", "B", True),
    ]
    assert api.read(f"{ONE}/usages?skip=1&take=1") == {"total": 2, "items": found["items"][1:]}


def test_capabilities_are_those_of_all_connections(api: Api, fake: Any):
    assert api.read("/connections/capabilities") == {"items": []}
    connect(is_active=False)
    assert api.read("/connections/capabilities") == {"items": ["Chat", "Embedding"]}


@pytest.mark.server
@pytest.mark.parametrize("word", [*map(str, Capability), "chat"])
def test_connections_are_listed_by_capability(api: Api, several: Any, word: str):
    with fake_provider(id="deaf", capabilities=()):
        connect("deaf", name="Deaf")
        found = api.read(f"/connections/capabilities/{word}")
    assert found["total"] == 4 and "Deaf" not in [one["name"] for one in found["items"]]
    assert len(api.read(f"/connections/capabilities/{word}?skip=3")["items"]) == 1


def test_an_unknown_capability_is_not_found(api: Api):
    problem(api.get("/connections/capabilities/Singing"), 404)


def test_exists_is_a_bare_boolean_and_can_leave_one_out(api: Api, connection: Connection):
    other = uuid.uuid4()
    questions = [
        "production",
        "nothing",
        "a%00b",
        f"production?excludeId={connection.pk}",
        f"production?excludeId={other}",
    ]
    found = [
        api.read("/connections/" + one.replace("?", "/exists?") + ("" if "?" in one else "/exists"))
        for one in questions
    ]
    assert found == [True, False, False, False, True]


@pytest.mark.parametrize("wrong", ["x", "", "production"])
def test_exists_refuses_what_is_no_id(api: Api, connection: Connection, wrong: str):
    assert errors(api.get(f"{ONE}/exists?excludeId={wrong}")) == {"/excludeId": "invalid"}


# A provider that is gone


def test_a_connection_of_an_unknown_provider_is_read_without_its_secret(
    api: Api, orphan: Connection
):
    shown = api.read("/connections/orphan")
    assert (shown["providerId"], shown["settings"]["organization"]) == (
        "gone",
        "org-1",
    ) and SECRET not in str(shown)
    assert api.names("/connections") == ["Orphan"] and api.read("/connections/capabilities") == {
        "items": []
    }


def test_a_connection_of_an_unknown_provider_can_be_switched_renamed_and_deleted(
    api: Api, orphan: Connection
):
    assert (
        api.patch("/connections/orphan", {"isActive": False, "name": "Old"}).json()["isActive"]
        is False
    )
    assert api.put("/connections/orphan", {"name": "Older"}).json()["name"] == "Older"
    assert secret_of(orphan) == SECRET and api.delete("/connections/orphan").status_code == 204


def test_a_connection_of_an_unknown_provider_says_so_when_it_is_used(api: Api, orphan: Connection):
    assert api.post("/connections/orphan/test").json()["code"] == "unknown_provider"
    assert problem(api.get("/connections/orphan/models"), 409)["code"] == "unknown_provider"
    assert errors(api.patch("/connections/orphan", {"settings": {"organization": "x"}})) == {
        "/providerId": "unknown_provider"
    }
    assert api.read("/connections/orphan/references")["total"] == 0


# A key that is lost


def test_an_undecryptable_connection_is_listed_and_read(api: Api, lost: Connection):
    assert (
        api.names("/connections") == ["Production"] and api.read(ONE)["settings"]["apiKey"] == "***"
    )


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_other_fields_of_an_undecryptable_connection_can_be_saved(
    api: Api, lost: Connection, settings: Any, method: str
):
    shown = api(
        method, ONE, api.read(ONE) | {"name": "Renamed", "settings": {"organization": "org-2"}}
    )
    assert (shown.status_code, shown.json()["name"]) == (200, "Renamed")
    settings.FERNET_KEYS = [*settings.FERNET_KEYS, "newest-key-for-tests-only-0123456789abcdef"]
    assert secret_of(lost) == SECRET


def test_an_undecryptable_connection_sent_back_unchanged_is_unchanged(api: Api, lost: Connection):
    shown = api.read(ONE)
    assert api.put(ONE, shown).json() == shown


def test_an_undecryptable_connection_says_so_when_it_is_used(api: Api, lost: Connection):
    assert api.post(f"{ONE}/test").json()["code"] == "undecryptable"
    assert problem(api.get(f"{ONE}/models"), 409)["code"] == "undecryptable"


def test_a_new_secret_mends_an_undecryptable_connection(api: Api, lost: Connection):
    assert (
        api.patch(ONE, {"settings": {"apiKey": OTHER_SECRET}}).json()["settings"]["apiKey"]
        == "sk-***"
    )
    assert secret_of(lost) == OTHER_SECRET


def test_what_to_know_about_a_save_is_told_and_may_be_sent_back(api: Api, fake: Any):
    settings = {"apiKey": "Bearer sk-abc", "organization": "$Fake:Organization"}
    made = api.post(
        "/connections", {"alias": "b", "name": "B", "providerId": "fake"} | {"settings": settings}
    )
    said = {one["pointer"]: one["code"] for one in made.json()["warnings"]}
    assert said == {"/settings/apiKey": "bearer", "/settings/organization": "missing_reference"}
    assert "sk-abc" not in made.content.decode()
    assert api.put("/connections/b", made.json()).status_code == 200


def test_a_save_without_anything_to_know_tells_nothing(api: Api, fake: Any):
    body = {"alias": "b", "name": "B", "providerId": "fake", "settings": {"apiKey": SECRET}}
    assert "warnings" not in api.post("/connections", body).json()


def test_a_test_that_proves_nothing_says_so(api: Api):
    for alias, provider, settings, codes in (
        ("proved", "echo", {}, []),
        ("unproved", "custom", {"secrets": {"key": SECRET}}, ["not_proven"]),
    ):
        new = {"alias": alias, "name": alias, "providerId": provider, "settings": settings}
        assert api.post("/connections", new).status_code == 201
        found = api.post(f"/connections/{alias}/test").json()
        assert found["success"], found
        assert [one["code"] for one in found.get("warnings", ())] == codes

"""Settings that are free maps, through the API."""

from typing import Any

import jsonschema
import pytest

from connections.api.settings_schema import settings_schema
from connections.models import Connection
from providers.core.registry import get_provider
from tests.fakes import OTHER_SECRET, SECRET, connect, reload

from .calls import Api, errors

pytestmark = pytest.mark.django_db
ONE = "/connections/search"
GIVEN = {
    "configs": {"api_base": "https://a.example", "Zone": ""},
    "secrets": {"api-key": SECRET, "a_b": "$Custom:Token"},
}
NEW = {"alias": "search", "name": "Search", "providerId": "custom"}


@pytest.fixture
def row() -> Connection:
    return connect("custom", name="Search", settings=GIVEN)


def stored(row: Connection) -> dict[str, Any]:
    row = reload(row)
    return {**row.settings.get("secrets", {}), **(row.credentials or {}).get("secrets", {})}


@pytest.mark.server
def test_maps_are_created_and_read_with_masks_and_their_own_keys(api: Api):
    response = api.post("/connections", NEW | {"settings": GIVEN})
    shown = api.read(ONE)["settings"]
    assert response.status_code == 201 and SECRET not in response.content.decode()
    assert (
        shown["secrets"] == {"api-key": "sk-***", "a_b": "$Custom:Token"}
        and shown["configs"] == GIVEN["configs"]
    )
    assert (shown["customType"], shown["packageVersion"]) == (None, None)


def test_a_map_that_is_not_there_reads_as_null(api: Api):
    connect("custom", name="Search", settings={"secrets": {"a": SECRET}})
    assert api.read(ONE)["settings"]["configs"] is None


def test_put_replaces_configs_and_keeps_secrets_that_are_left_out(api: Api, row: Connection):
    api.put(
        ONE,
        {
            "name": "Search",
            "settings": {"configs": {"b": "1"}, "secrets": {"api-key": OTHER_SECRET}},
        },
    )
    assert reload(row).settings["configs"] == {"b": "1"} and stored(row) == {
        "api-key": OTHER_SECRET,
        "a_b": "$Custom:Token",
    }


@pytest.mark.server
def test_a_merge_patch_reaches_into_both(api: Api, row: Connection):
    api.patch(
        ONE,
        {
            "settings": {
                "configs": {"api_base": None, "new": "1"},
                "secrets": {"a_b": None, "api-key": "sk-***"},
            }
        },
    )
    assert reload(row).settings["configs"] == {"Zone": "", "new": "1"} and stored(row) == {
        "api-key": SECRET
    }


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_null_clears_all_secrets(api: Api, row: Connection, method: str):
    assert (
        api(
            method, ONE, {"name": "S", "settings": {"configs": {"a": "1"}, "secrets": None}}
        ).status_code
        == 200
    )
    assert stored(row) == {} and reload(row).credentials is None


WRONG = {
    "a number": ({"configs": {"a_b": 5}}, {"/settings/configs/a_b": "string_type"}),
    "an object": ({"secrets": {"a": {"b": "c"}}}, {"/settings/secrets/a": "string_type"}),
    "odd keys": (
        {"configs": {"a/b~c.d_e": True}},
        {"/settings/configs/a~1b~0c.d_e": "string_type"},
    ),
    "a mask": ({"secrets": {"new-key": "***"}}, {"/settings/secrets/new-key": "masked_value"}),
    "nothing to keep": ({"secrets": {"new": ""}}, {"/settings/secrets/new": "required"}),
    "a bad key": ({"configs": {" a": "1"}}, {"/settings/configs": "entry_key"}),
    "a secret of a config": (
        {"configs": {"a": "$Custom:Password"}},
        {"/settings/configs/a": "denied_reference"},
    ),
    "one key in both": ({"configs": {"api-key": "1"}}, {"/settings/secrets": "duplicate_key"}),
    "a list": ({"configs": ["a"]}, {"/settings/configs": "type"}),
    "a reference for all": ({"secrets": "$Custom:Token"}, {"/settings/secrets": "type"}),
}


@pytest.mark.parametrize(("sent", "found"), WRONG.values(), ids=list(WRONG))
def test_what_is_wrong_is_pointed_at(api: Api, row: Connection, sent: Any, found: dict[str, str]):
    assert errors(api.patch(ONE, {"settings": sent})) == found and stored(row)["api-key"] == SECRET


def test_references_are_listed_with_the_key_as_it_is(api: Api, row: Connection):
    assert [one["field"] for one in api.read(f"{ONE}/references")["items"]] == ["secrets.a_b"]


def test_no_models_are_listed_and_a_test_passes(api: Api, settings: Any, row: Connection):
    settings.CONNECTIONS_CONFIG = {"Custom": {"Token": OTHER_SECRET}}
    assert (
        api.read(f"{ONE}/models") == {"items": []}
        and api.post(f"{ONE}/test").json()["success"] is True
    )


def test_settings_are_tested_before_they_are_saved(api: Api, row: Connection):
    body = {"id": "search", "settings": {"configs": {"a": "1"}, "secrets": {"a_b": None}}}
    assert api.post("/connections/test", body).json()["success"] is True
    assert (
        api.post(
            "/connections/test", {"providerId": "custom", "settings": {"secrets": {"a": SECRET}}}
        ).json()["success"]
        is True
    )


def test_the_provider_tells_what_its_maps_are(api: Api):
    fields = {one["key"]: one for one in api.read("/providers/custom")["settingsSchema"]["fields"]}
    assert (fields["configs"]["type"], fields["configs"]["isSensitive"]) == ("map", False)
    assert (
        fields["secrets"]["type"],
        fields["secrets"]["isSensitive"],
        fields["secrets"]["defaultValue"],
    ) == ("secret_map", True, None)


SCHEMA = jsonschema.Draft202012Validator(settings_schema(get_provider("custom")))
FITS = [
    *(
        {"configs": {"a": value}}
        for value in (
            "",
            "x",
            " x ",
            "a\nb",
            "$$x",
            "  $$x",
            "$Custom:Configs:Name",
            "äöü",
            "*",
            "***",
        )
    ),
    *(
        {"secrets": {"a": value}}
        for value in (
            "x",
            " x ",
            "a\nb",
            "$$x",
            "$Custom:Token",
            "ä",
            "x**",
            "*x",
            "a **",
            "•x",
            None,
        )
    ),
]
FITS_NOT = [
    *({"configs": {"a": value}} for value in (5, True, ["x"], "$x", " $x", "a\x00b", "$")),
    *({"secrets": {"a": value}} for value in (5, "", " ", "***", "*", "••", "$x", "a\x00b", "$")),
    *({"configs": {key: "x"}} for key in ("", " a", "a ", "a\tb", "x" * 201, "\x85")),
    *({"configs": one} for one in ("x", ["x"], 5, {str(number): "x" for number in range(201)})),
]


@pytest.mark.parametrize("sent", FITS, ids=repr)
def test_what_the_schema_allows_is_taken(api: Api, sent: dict[str, Any]):
    given = {"configs": {"always": "x"}} | sent
    assert (
        SCHEMA.is_valid(given)
        and api.post("/connections", NEW | {"settings": given}).status_code == 201
    )


@pytest.mark.parametrize("sent", FITS_NOT, ids=range(len(FITS_NOT)))
def test_what_the_schema_refuses_is_refused(api: Api, sent: dict[str, Any]):
    given = {"configs": {"always": "x"}} | sent
    assert (
        not SCHEMA.is_valid(given)
        and api.post("/connections", NEW | {"settings": given}).status_code == 400
    )

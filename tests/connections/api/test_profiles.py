"""`/profiles...`: what is read, written and refused."""

import uuid
from typing import Any

import pytest

from connections import services
from connections.api.camelcase import camel
from connections.models import Connection, Profile
from connections.profile_settings import profile_fields
from tests.fakes import connect, fake_provider, profile_of, reload

from .calls import MERGE, Api, errors, problem

pytestmark = pytest.mark.django_db
ONE = "/profiles/answers"
CHAT = {"temperature": 0.5, "max_tokens": 100, "system_prompt_template": "Answer in {language}."}
NAMES = [camel(name) for name in profile_fields("Chat")]
SHOWN = {
    "$type": "chat",
    **dict.fromkeys(NAMES),
    "temperature": 0.5,
    "maxTokens": 100,
    "systemPromptTemplate": "Answer in {language}.",
}
EVERYTHING = {
    "$type": "chat",
    "temperature": 0.5,
    "topP": 0.9,
    "maxTokens": 100,
    "seed": -7,
    "presencePenalty": -1.5,
    "frequencyPenalty": 2,
    "stop": ["END", "\n\n"],
    "systemPromptTemplate": "Answer in {language}.",
    "leaveOutUnsupported": True,
    "maxTokensLimit": 200,
    "allowedOverrides": ["temperature", "max_tokens"],
    "fallbackOn": ["timeout", "error"],
}


@pytest.fixture
def profile(connection: Connection) -> Profile:
    return profile_of(connection, settings=CHAT, tags=["eu"])


def new(connection: Connection, **changes: Any) -> dict[str, Any]:
    """A body that creates a profile."""
    model = {"providerId": "fake", "modelId": "fake-chat"}
    return {
        "alias": "fresh",
        "name": "Fresh",
        "capability": "Chat",
        "connectionId": str(connection.pk),
        "model": model,
        **changes,
    }


def whole(profile: Profile, **changes: Any) -> dict[str, Any]:
    """A body that replaces a profile."""
    return {
        name: value
        for name, value in new(profile.connection).items()
        if name not in ("alias", "capability")
    } | changes


def test_a_profile_is_read_by_id_and_by_alias(api: Api, profile: Profile, connection: Connection):
    shown = api.read(ONE)
    assert shown == api.read(f"/profiles/{profile.pk}")
    assert (shown["settings"], shown["model"]) == (
        SHOWN,
        {"providerId": "fake", "modelId": "fake-chat"},
    )
    assert (shown["connectionId"], shown["capability"], shown["tags"], shown["version"]) == (
        str(connection.pk),
        "Chat",
        ["eu"],
        1,
    )


@pytest.mark.server
def test_an_alias_is_found_in_any_letter_case(api: Api, profile: Profile):
    assert (
        api.read("/profiles/ANSWERS")["id"]
        == api.read("/connections/Production/usages")["items"][0]["id"]
    )


@pytest.mark.parametrize("name", ["nothing", "0b9d9f3a-52d4-4b4e-8c3a-5f6e7d8c9b21", "a%00b"])
def test_an_unknown_profile_is_not_found(api: Api, name: str):
    for method in ("GET", "DELETE", "PUT", "PATCH"):
        assert problem(api(method, f"/profiles/{name}", {}), 404)["code"] == "not_found"


@pytest.fixture
def several(connection: Connection) -> list[Profile]:
    rows = [
        profile_of(connection, name="Berlin", tags=["eu"]),
        profile_of(connection, name="amsterdam", is_active=False),
    ]
    other = connect("echo", name="Echo", settings={})
    return [
        *rows,
        profile_of(
            other, name="Chicago", model="echo-embedding-1", capability="Embedding", tags=["us"]
        ),
    ]


@pytest.mark.server
@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("filter=BER", ["Berlin"]),
        ("capability=embedding", ["Chicago"]),
        ("connection=production", ["Berlin", "amsterdam"]),
        ("connection=nothing", []),
        ("providerId=echo", ["Chicago"]),
        ("providerId=fake&filter=am", ["amsterdam"]),
        ("isActive=false", ["amsterdam"]),
        ("tag=us", ["Chicago"]),
        ("orderBy=alias&orderDirection=desc", ["Chicago", "Berlin", "amsterdam"]),
        ("orderBy=capability&take=1&skip=2", ["Chicago"]),
        ("orderBy=dateCreated", ["Berlin", "amsterdam", "Chicago"]),
    ],
)
def test_a_list_is_filtered_and_sorted(api: Api, several: Any, query: str, names: list[str]):
    found = api.names(f"/profiles?{query}")
    assert (found if "orderBy" in query else sorted(found)) == names


@pytest.mark.parametrize(
    "query",
    [
        "skip=-1",
        "take=1001",
        "capability=Singing",
        "isActive=1",
        "orderBy=model",
        "connection=%00",
        "tag=%00",
    ],
)
def test_a_senseless_query_is_refused_at_its_name(api: Api, query: str):
    assert errors(api.get(f"/profiles?{query}")) == {f"/{query.split('=')[0]}": "invalid"}


def test_creating_answers_with_the_object_and_where_it_is(api: Api, connection: Connection):
    response = api.post("/profiles", new(connection, settings=SHOWN))
    made = response.json()
    assert (response.status_code, response["Location"], response["ETag"]) == (
        201,
        f"/api/v1/profiles/{made['id']}",
        '"1"',
    )
    assert (
        made == api.read("/profiles/fresh")
        and made["settings"] == SHOWN
        and made["isActive"] is True
    )


@pytest.mark.parametrize(
    ("changes", "status", "found"),
    [
        ({"alias": "answers"}, 409, {"/alias": "unique"}),
        ({"alias": "No"}, 400, {"/alias": "invalid"}),
        ({"capability": "Singing"}, 400, {"/capability": "invalid_choice"}),
        ({"connectionId": str(uuid.UUID(int=1))}, 400, {"/connectionId": "not_found"}),
        ({"connectionId": "nowhere"}, 400, {"/connectionId": "not_found"}),
        ({"model": {"providerId": "echo", "modelId": "x"}}, 400, {"/model/providerId": "mismatch"}),
        ({"model": {"providerId": "fake", "modelId": " "}}, 400, {"/model/modelId": "blank"}),
        ({"model": {"providerId": "fake"}}, 400, {"/model/modelId": "required"}),
        ({"model": "fake-chat"}, 400, {"/model": "invalid"}),
        ({"settings": {"temperature": 3}}, 400, {"/settings/temperature": "less_than_equal"}),
        ({"settings": {"temperature": "1"}}, 400, {"/settings/temperature": "type"}),
        ({"settings": {"maxTokens": 1.5}}, 400, {"/settings/maxTokens": "int_from_float"}),
        ({"settings": {"max_tokens": 1}}, 400, {"/settings/max_tokens": "unknown_field"}),
        ({"settings": {"dimensions": 1}}, 400, {"/settings/dimensions": "unknown_field"}),
        (
            {"settings": {"systemPromptTemplate": "{"}},
            400,
            {"/settings/systemPromptTemplate": "template"},
        ),
        ({"settings": {"stop": "END"}}, 400, {"/settings/stop": "type"}),
        ({"settings": {"stop": []}}, 400, {"/settings/stop": "too_short"}),
        ({"settings": {"stop": [1]}}, 400, {"/settings/stop": "string_type"}),
        (
            {"settings": {"allowedOverrides": ["maxTokens"]}},
            400,
            {"/settings/allowedOverrides": "literal_error"},
        ),
        ({"settings": {"allowedOverrides": {}}}, 400, {"/settings/allowedOverrides": "type"}),
        (
            {"settings": {"fallbackOn": ["bad_request"]}},
            400,
            {"/settings/fallbackOn": "literal_error"},
        ),
        (
            {"settings": {"maxTokens": 2, "maxTokensLimit": 1}},
            400,
            {"/settings/maxTokensLimit": "below_max_tokens"},
        ),
        (
            {"fallbackProfileIds": [str(uuid.UUID(int=1))]},
            400,
            {"/fallbackProfileIds": "not_found"},
        ),
        ({"fallbackProfileIds": ["nowhere"]}, 400, {"/fallbackProfileIds": "not_found"}),
        ({"fallbackProfileIds": "answers"}, 400, {"/fallbackProfileIds": "not_a_list"}),
        (
            {"fallbackProfileIds": [str(uuid.UUID(int=1))] * 11},
            400,
            {"/fallbackProfileIds": "max_length"},
        ),
        ({"settings": {"$type": "embedding"}}, 400, {"/settings/$type": "mismatch"}),
        ({"colour": "red"}, 400, {"/colour": "unknown_field"}),
        (
            {"model": {"providerId": "fake", "modelId": "m", "x": 1}},
            400,
            {"/model/x": "unknown_field"},
        ),
    ],
    ids=repr,
)
def test_a_wrong_field_is_pointed_at(
    api: Api, profile: Profile, changes: dict[str, Any], status: int, found: dict[str, str]
):
    assert errors(api.post("/profiles", new(profile.connection, **changes)), status) == found
    assert Profile.objects.count() == 1


def test_a_connection_that_lacks_the_capability_is_pointed_at(api: Api):
    with fake_provider(id="deaf", capabilities=()):
        body = new(connect("deaf"), model={"providerId": "deaf", "modelId": "m"})
        assert errors(api.post("/profiles", body)) == {"/connectionId": "capability"}


def test_a_connection_whose_provider_is_gone_is_pointed_at(api: Api):
    with fake_provider(id="gone"):
        row = connect("gone")
    assert errors(
        api.post("/profiles", new(row, model={"providerId": "gone", "modelId": "m"}))
    ) == {"/connectionId": "unknown_provider"}


def test_get_then_put_of_the_unchanged_body_changes_nothing(api: Api, profile: Profile):
    shown = api.read(ONE)
    for method in ("PUT", "PATCH"):
        assert api(method, ONE, shown, if_match='"1"').json() == shown


def test_put_replaces_the_settings_and_keeps_what_it_may_leave_out(api: Api, profile: Profile):
    shown = api.put(ONE, whole(profile, settings={"maxTokens": 7})).json()
    assert shown["settings"] == {"$type": "chat", **dict.fromkeys(NAMES), "maxTokens": 7}
    assert (shown["name"], shown["tags"], shown["isActive"], shown["version"]) == (
        "Fresh",
        ["eu"],
        True,
        2,
    )
    assert api.put(ONE, whole(profile)).json()["settings"]["maxTokens"] == 7


@pytest.fixture
def chain(connection: Connection) -> list[str]:
    """The ids of two profiles that can stand in."""
    return [str(profile_of(connection, name=name).pk) for name in ("Zebra", "Ape")]


@pytest.fixture
def full(api: Api, connection: Connection, chain: list[str]) -> dict[str, Any]:
    """A profile with everything filled, as it is read."""
    api.post(
        "/profiles",
        new(
            connection, alias="answers", settings=EVERYTHING, fallbackProfileIds=chain, tags=["eu"]
        ),
    )
    return api.read(ONE)


def test_every_setting_there_is_is_filled_above():
    assert set(EVERYTHING) == {"$type", *NAMES} and None not in EVERYTHING.values()


@pytest.mark.server
def test_everything_is_read_as_it_was_written(full: dict[str, Any], chain: list[str]):
    assert (full["settings"], full["fallbackProfileIds"], full["tags"]) == (
        EVERYTHING,
        chain,
        ["eu"],
    )


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_get_then_put_of_a_full_profile_changes_nothing(
    api: Api, full: dict[str, Any], method: str
):
    assert api(method, ONE, full, if_match='"1"').json() == full


def test_fallbacks_are_put_in_another_order(api: Api, full: dict[str, Any], chain: list[str]):
    shown = api.put(ONE, full | {"fallbackProfileIds": chain[::-1]}).json()
    assert (shown["fallbackProfileIds"], shown["version"]) == (chain[::-1], 2)


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
@pytest.mark.parametrize("nothing", [None, []])
def test_null_and_an_empty_list_take_the_fallbacks_away(
    api: Api, full: dict[str, Any], method: str, nothing: Any
):
    assert (
        api(method, ONE, full | {"fallbackProfileIds": nothing}).json()["fallbackProfileIds"] == []
    )


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_fallbacks_that_are_not_named_stay(
    api: Api, full: dict[str, Any], chain: list[str], method: str
):
    body = {name: value for name, value in full.items() if name != "fallbackProfileIds"} | {
        "name": "Renamed"
    }
    assert api(method, ONE, body).json()["fallbackProfileIds"] == chain


def test_fallbacks_that_make_no_sense_are_pointed_at(
    api: Api, full: dict[str, Any], connection: Connection, chain: list[str]
):
    vectors = str(profile_of(connection, name="Vectors", capability="Embedding").pk)
    for ids, code in (
        ([full["id"]], "itself"),
        ([vectors], "capability"),
        ([chain[0]] * 2, "duplicate"),
    ):
        assert errors(api.patch(ONE, {"fallbackProfileIds": ids})) == {"/fallbackProfileIds": code}


def test_an_empty_list_of_overrides_is_not_null(api: Api, full: dict[str, Any]):
    for value in ([], None):
        shown = api.patch(
            ONE, {"settings": {"allowedOverrides": value, "fallbackOn": value}}
        ).json()["settings"]
        assert shown == EVERYTHING | {"allowedOverrides": value, "fallbackOn": value}


def test_a_fallback_cannot_be_deleted_and_says_whose_it_is(api: Api, full: dict[str, Any]):
    found = problem(api.delete("/profiles/zebra"), 409)
    assert found["dependents"] == [
        {"id": full["id"], "type": "profile", "alias": "answers", "name": "Fresh"}
    ]


def test_put_needs_name_model_and_connection(api: Api, profile: Profile):
    assert errors(api.put(ONE, {})) == dict.fromkeys(
        ["/name", "/model", "/connectionId"], "required"
    )


@pytest.mark.parametrize("content_type", [MERGE, "application/json"])
def test_patch_changes_what_it_names_and_takes_away_what_is_null(
    api: Api, profile: Profile, content_type: str
):
    shown = api.patch(ONE, {"settings": {"temperature": None, "maxTokens": 7}}, content_type).json()
    assert (
        shown["settings"] == SHOWN | {"temperature": None, "maxTokens": 7}
        and shown["name"] == "Answers"
    )


def test_a_profile_moves_to_another_connection(api: Api, profile: Profile):
    other = connect("echo", name="Echo", settings={})
    moved = {"connectionId": str(other.pk), "model": {"providerId": "echo", "modelId": "echo-1"}}
    assert api.patch(ONE, moved).json()["model"]["providerId"] == "echo"
    assert errors(api.patch(ONE, {"model": {"providerId": "fake", "modelId": "m"}})) == {
        "/model/providerId": "mismatch"
    }


def test_alias_and_capability_are_fixed(api: Api, profile: Profile):
    assert errors(api.patch(ONE, {"alias": "another"})) == {"/alias": "immutable"}
    assert errors(api.patch(ONE, {"capability": "Embedding"})) == {"/capability": "immutable"}
    assert api.patch(ONE, {"alias": "answers", "capability": "Chat"}).status_code == 200


@pytest.mark.server
@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_if_match_lets_pass_or_stops(api: Api, profile: Profile, method: str):
    for header in ('"2"', 'W/"1"', "garbage"):
        assert problem(api(method, ONE, whole(profile), if_match=header), 412)["code"] == "stale"
    assert api(method, ONE, whole(profile), if_match='"9", "1"').status_code in (200, 204)


@pytest.mark.server
def test_deleting_answers_with_nothing_but_a_default_stays(api: Api, profile: Profile):
    services.set_default_profiles({"Chat": profile}, actor=None)
    found = problem(api.delete(ONE), 409)
    assert found["code"] == "in_use" and found["dependents"] == [
        {"id": "Chat", "type": "defaultProfile"}
    ]
    services.set_default_profiles({"Chat": None}, actor=None)
    response = api.delete(ONE)
    assert (response.status_code, response.content) == (204, b"") and not Profile.objects.exists()


def test_exists_is_a_bare_boolean_and_can_leave_one_out(api: Api, profile: Profile):
    assert api.read(f"{ONE}/exists") is True
    assert api.read(f"{ONE}/exists?excludeId={profile.pk}") is False
    assert api.read("/profiles/nothing/exists") is False
    assert errors(api.get(f"{ONE}/exists?excludeId=x")) == {"/excludeId": "invalid"}


def test_a_profile_of_an_undecryptable_connection_can_be_read_and_saved(
    api: Api, profile: Profile, settings: Any
):
    settings.FERNET_KEYS = ["another-key-for-tests-only-0123456789abcdef"]
    assert api.patch(ONE, {"name": "Renamed"}).status_code == 200 and api.names("/profiles") == [
        "Renamed"
    ]
    assert reload(profile).version == 2


def test_connection_and_fallbacks_are_named_by_alias_too(api: Api, connection: Connection):
    spare = profile_of(connection, name="Spare")
    body = new(connection, connectionId="Production", fallbackProfileIds=[spare.alias])
    made = api.post("/profiles", body)
    assert made.status_code == 201, made.content
    assert made.json()["connectionId"] == str(connection.pk)
    assert made.json()["fallbackProfileIds"] == [str(spare.pk)]

"""The clients against a running server: every method, synchronous and asynchronous."""

import logging
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from switchboard import (
    AzureOpenAIConnection,
    Client,
    ConflictError,
    Connection,
    ConnectionNameNotSetError,
    ConnectionNotFoundError,
    CustomConnection,
    InvalidError,
    OpenAIConnection,
    PermissionDenied,
    ProfileNotFoundError,
    ProviderConnection,
    ServerError,
    ServerUnreachable,
    StaleError,
    Unauthorized,
)
from tests.connections.api.serving import Served
from tests.upstreams import Upstream

from .conftest import everything, row
from .samples import EACH, KEY, PLACE, one_of_each
from .test_types import Shop


@pytest.mark.parametrize("position", range(len(EACH)), ids=EACH)
def test_every_type_reads_back_as_it_was_saved(sync_client: Client, name: str, position: int):
    made = one_of_each(name)[position]
    sync_client.connections.create_or_update(made)
    found = sync_client.connections.get(name)
    assert type(found) is type(made) and found.to_dict() == made.to_dict()


@pytest.mark.parametrize("position", range(len(EACH)), ids=EACH)
def test_saving_what_was_read_keeps_every_secret(
    sync_client: Client, served: Served, name: str, position: int
):
    sync_client.connections.create_or_update(one_of_each(name)[position])
    before = row(served, name)
    sync_client.connections.create_or_update(sync_client.connections.get(name))
    assert row(served, name) == before


@pytest.mark.parametrize("position", range(len(EACH)), ids=EACH)
def test_no_object_of_the_server_has_a_secret(sync_client: Client, name: str, position: int):
    sync_client.connections.create_or_update(one_of_each(name)[position])
    assert set(sync_client.connections.get(name).secrets.values()) == {"******"}


def test_saving_answers_what_is_stored(client: Any, name: str):
    saved = client.connections.create_or_update(OpenAIConnection(KEY, name=name))
    assert (saved.name, saved.api_key, saved.alias, saved.is_active) == (
        name,
        "******",
        name.replace("_", "-"),
        True,
    )


def test_saving_under_a_name_that_is_there_changes_it(client: Any, name: str):
    first = client.connections.create_or_update(OpenAIConnection(KEY, name=name))
    second = client.connections.create_or_update(
        OpenAIConnection(KEY, name=name, organization="org-2")
    )
    assert (second.id, second.organization, second.created_date) == (
        first.id,
        "org-2",
        first.created_date,
    )


@pytest.mark.parametrize("mask", ["******", "*", "", "<no-change>", None])
def test_a_mask_over_a_connection_that_is_there_keeps_its_secret(
    sync_client: Client, served: Served, name: str, mask: Any
):
    sync_client.connections.create_or_update(OpenAIConnection(KEY, name=name))
    sync_client.connections.create_or_update(
        OpenAIConnection(mask, name=name, organization="org-2")
    )
    assert row(served, name)["settings"]["apiKey"] == "sk-***"


def test_a_text_replaces_the_secret(client: Any, served: Served, name: str):
    client.connections.create_or_update(OpenAIConnection(KEY, name=name))
    found = client.connections.get(name)
    found.api_key = "pk-another-key-that-is-long"
    client.connections.update(found)
    assert row(served, name)["settings"]["apiKey"] == "pk-***"


def test_a_reference_is_stored_as_a_reference(client: Any, name: str):
    assert (
        client.connections.create(OpenAIConnection("$OpenAI:ApiKey", name=name)).api_key
        == "$OpenAI:ApiKey"
    )


def test_an_address_that_changes_wants_the_secret_again(client: Any, name: str):
    client.connections.create(OpenAIConnection(KEY, name=name))
    with pytest.raises(InvalidError, match="again") as refused:
        client.connections.create_or_update(OpenAIConnection("******", name=name, base_url=PLACE))
    assert [one.pointer for one in refused.value.errors] == ["/settings/apiKey"]


def test_what_promptflow_has_no_name_for_stays(client: Any, served: Served, name: str):
    saved = client.connections.create(OpenAIConnection(KEY, name=name))
    served.ask(
        "PATCH",
        f"/connections/{saved.id}",
        {"settings": {"timeout": 5, "project": "proj"}, "tags": ["team"]},
    )
    client.connections.create_or_update(OpenAIConnection(KEY, name=name))
    assert (row(served, name)["settings"]["timeout"], row(served, name)["tags"]) == (5, ["team"])


def test_the_end_of_a_key_is_kept_changed_and_taken_away(client: Any, name: str):
    saved = client.connections.create(OpenAIConnection(KEY, name=name, expires_at="2031-02-03"))
    seen = [saved.expires_at]
    for expires_at in (None, "2031-03-04", ""):
        changed = OpenAIConnection(KEY, name=name, expires_at=expires_at)
        seen.append(client.connections.create_or_update(changed).expires_at)
    assert seen == ["2031-02-03", "2031-02-03", "2031-03-04", None]


def test_who_is_not_checked_by_itself_stays_so_until_that_is_changed(client: Any, name: str):
    seen = []
    for is_checked in (False, None, True):
        made = OpenAIConnection(KEY, name=name, is_checked=is_checked)
        seen.append(client.connections.create_or_update(made).is_checked)
    assert seen == [False, False, True]


def test_a_key_is_replaced_gone_back_from_and_forgotten(client: Any, name: str):
    following = f"{KEY}-next"
    with Upstream(keys={KEY, following}) as upstream:
        at = f"{upstream.url}/v1"
        client.connections.create(OpenAIConnection(KEY, name=name, base_url=at))
        assert client.replacements.get(name) is None
        done = client.replacements.replace_key(name, {"apiKey": following})
    assert (done.state, done.settings, done.is_previous_kept) == ("watching", ["apiKey"], True)
    assert client.replacements.get(name) == done
    assert client.replacements.go_back(name).state == "gone_back"
    client.replacements.forget(name)
    assert not client.replacements.get(name).is_previous_kept


def test_switching_to_entra_id_takes_the_key_away(client: Any, served: Served, name: str):
    client.connections.create(AzureOpenAIConnection(PLACE, KEY, name=name))
    client.connections.create_or_update(
        AzureOpenAIConnection(PLACE, name=name, auth_mode="meid_token")
    )
    assert row(served, name)["settings"]["apiKey"] is None


def test_entries_of_a_custom_connection_come_and_go(client: Any, served: Served, name: str):
    client.connections.create(
        CustomConnection({"a": "1", "b": "2"}, {"x": "1", "y": "2"}, name=name)
    )
    found = client.connections.get(name)
    del found.secrets["a"], found.configs["x"]
    found.secrets["c"], found.configs["z"] = "3", "3"
    client.connections.create_or_update(found)
    settings = row(served, name)["settings"]
    assert (settings["secrets"], settings["configs"]) == (
        {"b": "***", "c": "***"},
        {"y": "2", "z": "3"},
    )


def test_a_new_object_replaces_all_entries_of_a_custom_connection(
    client: Any, served: Served, name: str
):
    client.connections.create(CustomConnection({"a": "1", "b": "2"}, {"x": "1"}, name=name))
    client.connections.create_or_update(CustomConnection({"b": "******"}, {"y": "2"}, name=name))
    settings = row(served, name)["settings"]
    assert (settings["secrets"], settings["configs"]) == ({"b": "***"}, {"y": "2"})


def test_a_strong_type_is_stored_with_its_class(client: Any, name: str):
    client.connections.create(
        Shop(
            {"api_key": KEY},
            {"api_base": PLACE},
            name=name,
            package="shop",
            package_version="0.0.2",
        )
    )
    found = client.connections.get(name)
    assert isinstance(found, CustomConnection) and (found.custom_type, found.module) == (
        "Shop",
        Shop.__module__,
    )
    assert found.convert_to(Shop).to_dict() == found.to_dict()


def test_other_providers_have_connections_too(client: Any, name: str):
    client.connections.create(ProviderConnection("anthropic", {"apiKey": KEY}, name=name))
    found = client.connections.get(name)
    found.settings["maxRetries"] = 1
    saved = client.connections.create_or_update(found)
    assert (saved.provider_id, saved.settings["apiKey"], saved.settings["maxRetries"]) == (
        "anthropic",
        "sk-***",
        1,
    )


# Names


@pytest.mark.parametrize(
    "text", ["Team A / {}?", "Ünïcode {} & 表", "test {} #1", "{}%2F..", " {} "]
)
def test_names_need_no_rule(sync_client: Client, text: str):
    name = text.format(uuid4().hex[:8])
    sync_client.connections.create(OpenAIConnection(KEY, name=name))
    assert sync_client.connections.get(name).name == name.strip()


@pytest.mark.parametrize("word", ["capabilities", "test", "models", "connection"])
def test_a_word_of_the_api_can_be_a_name(sync_client: Client, word: str):
    saved = sync_client.connections.create_or_update(OpenAIConnection(KEY, name=word))
    again = sync_client.connections.create_or_update(OpenAIConnection(KEY, name=word))
    sync_client.connections.delete(word)
    assert saved.id == again.id and sync_client.connections.get(word, raise_error=False) is None


def test_a_connection_is_found_by_name_alias_and_id(client: Any, name: str):
    saved = client.connections.create(OpenAIConnection(KEY, name=name))
    assert {client.connections.get(one).id for one in (name, saved.alias, saved.id)} == {saved.id}


def test_letter_case_tells_names_apart(client: Any, name: str):
    first = client.connections.create(OpenAIConnection(KEY, name=name))
    second = client.connections.create(OpenAIConnection(KEY, name=name.upper()))
    assert first.id != second.id and client.connections.get(name.upper()).id == second.id


def test_names_whose_aliases_are_alike_get_different_ones(client: Any, name: str):
    first = client.connections.create(OpenAIConnection(KEY, name=name))
    second = client.connections.create(OpenAIConnection(KEY, name=name.replace("_", " ")))
    assert second.alias == f"{first.alias}-2"


@pytest.mark.parametrize("how", ["create_or_update", "create", "update"])
def test_what_is_called_as_an_alias_is_not_saved_over_its_connection(
    sync_client: Client, served: Served, name: str, how: str
):
    saved = sync_client.connections.create(OpenAIConnection(KEY, name=name))
    alike = OpenAIConnection(KEY, name=saved.alias, organization="org-3")
    with pytest.raises(ConflictError) as refused:
        getattr(sync_client.connections, how)(alike)
    assert repr(name) in str(refused.value) and repr(saved.alias) in str(refused.value)
    assert row(served, name)["settings"]["organization"] is None


def test_what_was_got_by_alias_is_saved(client: Any, served: Served, name: str):
    client.connections.create(OpenAIConnection(KEY, name=name))
    found = client.connections.get(name.replace("_", "-"))
    found.organization = "org-3"
    client.connections.create_or_update(found)
    assert row(served, name)["settings"]["organization"] == "org-3"


def test_an_alias_that_is_the_name_of_another_is_not_deleted(
    client: Any, served: Served, name: str
):
    saved = client.connections.create(OpenAIConnection(KEY, name=name))
    alike = {"name": saved.alias, "alias": f"{saved.alias}-x", "providerId": "openai"}
    served.ask("POST", "/connections", {**alike, "settings": {"apiKey": KEY}})
    with pytest.raises(ConflictError, match="only the alias of the connection"):
        client.connections.delete(saved.alias)
    assert client.connections.get(name).id == saved.id


def test_names_that_only_look_alike_are_connections_of_their_own(client: Any, name: str):
    stem = name.replace("_", "-")
    spelled = [stem, name, name.replace("_", " "), name.replace("_", "  "), name.upper()]
    for _ in range(2):
        for number, one in enumerate(spelled):
            settled = client.connections.create_or_update(
                OpenAIConnection(KEY, name=one, organization=f"org-{number}")
            )
            assert settled.name == one
    found = [client.connections.get(one) for one in spelled]
    assert [one.organization for one in found] == [f"org-{number}" for number in range(5)]
    client.connections.delete(name.upper())
    assert client.connections.get(name).organization == "org-1"


def test_a_name_of_several_connections_is_refused_with_their_aliases(
    client: Any, served: Served, name: str
):
    for alias in (f"a-{uuid4().hex[:8]}", f"b-{uuid4().hex[:8]}"):
        body = {"name": name, "alias": alias, "providerId": "openai", "settings": {"apiKey": KEY}}
        served.ask("POST", "/connections", body)
    with pytest.raises(ConflictError, match="alias"):
        client.connections.get(name)


def test_an_object_of_the_server_with_another_name_is_renamed_by_update(client: Any, name: str):
    found = client.connections.create(OpenAIConnection(KEY, name=name))
    found.name = f"{name}_new"
    renamed = client.connections.update(found)
    assert (renamed.id, renamed.name) == (found.id, f"{name}_new")


def test_an_explicit_alias_is_taken(client: Any, name: str):
    alias = f"chosen-{uuid4().hex[:8]}"
    assert client.connections.create(OpenAIConnection(KEY, name=name, alias=alias)).alias == alias


# Create, update, list, delete, test, switch


def test_create_refuses_a_name_that_is_there(client: Any, name: str):
    client.connections.create(OpenAIConnection(KEY, name=name))
    with pytest.raises(ConflictError, match="already"):
        client.connections.create(OpenAIConnection(KEY, name=name))


def test_update_refuses_a_name_that_is_not_there(client: Any, name: str):
    with pytest.raises(ConnectionNotFoundError, match=name):
        client.connections.update(OpenAIConnection(KEY, name=name))


def test_the_type_of_a_connection_cannot_change(client: Any, name: str):
    client.connections.create(OpenAIConnection(KEY, name=name))
    with pytest.raises(ConflictError, match=r"openai.*cannot change.*azure-openai"):
        client.connections.create_or_update(AzureOpenAIConnection(PLACE, KEY, name=name))


def test_a_missing_connection_is_an_error_or_none(client: Any, name: str):
    with pytest.raises(ConnectionNotFoundError, match=f"'{name}' is not found"):
        client.connections.get(name)
    assert client.connections.get(name, raise_error=False) is None


def test_a_list_has_whole_objects_in_the_order_they_were_made(client: Any, name: str):
    for one in one_of_each(name)[:3]:
        client.connections.create(type(one)(**{**one, "name": f"{name}-{one.type}"}))
    found = [one for one in client.connections.list(all_results=True) if one.name.startswith(name)]
    assert [one.type for one in found] == ["AzureOpenAI", "OpenAI", "AzureAIServices"] and found[
        1
    ].organization == "org-1"


def test_no_object_of_a_list_has_a_secret(client: Any, name: str):
    client.connections.create(CustomConnection({"k": KEY}, name=name))
    found = next(one for one in client.connections.list(all_results=True) if one.name == name)
    assert found.secrets["k"] == "******" and KEY not in str(found)


@pytest.mark.parametrize(
    ("asked", "all_results", "least", "most"),
    [
        (2, False, 2, 2),
        (0, False, 0, 0),
        (-1, False, 3, 10_000),
        (None, False, 3, 10_000),
        (1, True, 3, 10_000),
    ],
)
def test_a_list_has_as_many_as_asked_for(
    sync_client: Client, asked: Any, all_results: bool, least: int, most: int
):
    for _ in range(3):
        sync_client.connections.create(OpenAIConnection(KEY, name=uuid4().hex))
    assert least <= len(sync_client.connections.list(asked, all_results)) <= most


def test_deleting_is_silent_about_what_is_missing_unless_asked(client: Any, name: str):
    client.connections.create(OpenAIConnection(KEY, name=name))
    client.connections.delete(name)
    client.connections.delete(name)
    with pytest.raises(ConnectionNotFoundError):
        client.connections.delete(name, raise_error=True)


def test_what_profiles_need_is_not_deleted_and_they_are_named(client: Any):
    with pytest.raises(ConflictError) as refused:
        client.connections.delete("rehearsal")
    assert {one["alias"] for one in refused.value.dependents} == {"rehearsal", "rehearsal-search"}


def test_a_stored_connection_is_tested(client: Any):
    result = client.connections.test("rehearsal")
    assert result and (result.success, result.code, result.message) == (True, "ok", None)


def test_a_failed_test_says_why(client: Any, name: str):
    client.connections.create(OpenAIConnection(KEY, name=name, base_url="http://127.0.0.1:9/v1"))
    result = client.connections.test(name)
    assert not result and result.code == "refused" and KEY not in f"{result}"


def test_an_unsaved_object_is_tested_with_what_it_holds(client: Any, name: str):
    with Upstream(keys={KEY}) as upstream:
        result = client.connections.test(
            OpenAIConnection(KEY, name=name, base_url=f"{upstream.url}/v1")
        )
    assert result.success and result.model_count


def test_a_stored_object_is_tested_with_its_stored_secret(client: Any, name: str):
    found = client.connections.create(
        OpenAIConnection(KEY, name=name, base_url="http://127.0.0.1:9/v1")
    )
    assert client.connections.test(found).code == "refused"


def test_a_connection_is_switched_off_and_on(client: Any, name: str):
    client.connections.create(OpenAIConnection(KEY, name=name))
    assert [client.connections.set_active(name, one).is_active for one in (False, True)] == [
        False,
        True,
    ]


def test_profiles_are_listed_and_read(client: Any):
    listed = {one.alias: one for one in client.profiles.list()}
    found = client.profiles.get("support-answers")
    assert (found.model, found.capability, found.provider_id, listed["support-answers"].id) == (
        "gpt-4o",
        "Chat",
        "openai",
        found.id,
    )


def test_a_missing_profile_is_an_error_or_none(client: Any):
    with pytest.raises(ProfileNotFoundError, match="no/pe"):
        client.profiles.get("no/pe")
    assert client.profiles.get("nope", raise_error=False) is None


# Two writers


def test_the_second_of_two_writers_is_told(client: Any, served: Served, name: str):
    client.connections.create(OpenAIConnection(KEY, name=name))
    mine, theirs = client.connections.get(name), client.connections.get(name)
    theirs.organization = "theirs"
    client.connections.create_or_update(theirs)
    mine.organization = "mine"
    with pytest.raises(StaleError) as stale:
        client.connections.create_or_update(mine)
    assert stale.value.status == 412 and row(served, name)["settings"]["organization"] == "theirs"


def test_many_who_save_one_new_name_at_once_make_one_connection(served: Served, name: str):
    with Client(served.url, served.token) as client, ThreadPoolExecutor(6) as pool:
        saved = list(
            pool.map(
                lambda number: client.connections.create_or_update(
                    OpenAIConnection(KEY, f"org-{number}", name=name)
                ),
                range(6),
            )
        )
    assert len({one.id for one in saved}) == 1


def test_an_object_can_be_saved_again_and_again(client: Any, served: Served, name: str):
    made = OpenAIConnection(KEY, name=name)
    for organization in ("org-1", "org-2", "org-3"):
        made.organization = organization
        client.connections.create_or_update(made)
    assert row(served, name)["settings"]["organization"] == "org-3"


def test_an_object_whose_row_was_deleted_is_made_anew_if_its_secret_is_known(
    client: Any, name: str
):
    made = OpenAIConnection(KEY, name=name)
    client.connections.create(made)
    client.connections.delete(name)
    assert client.connections.create_or_update(made).id == made.id


def test_an_object_whose_row_was_deleted_cannot_be_made_of_a_mask(client: Any, name: str):
    found = client.connections.create(OpenAIConnection(KEY, name=name))
    client.connections.delete(name)
    with pytest.raises(InvalidError, match=r"\['api_key'\] value invalid"):
        client.connections.create_or_update(found)


# What is refused


@pytest.mark.parametrize("empty", [None, "", "  "])
def test_a_connection_without_a_name_is_not_saved(sync_client: Client, empty: Any):
    with pytest.raises(
        ConnectionNameNotSetError, match=r"Name is required to create or update connection\."
    ):
        sync_client.connections.create_or_update(OpenAIConnection(KEY, name=empty))


@pytest.mark.parametrize(
    "value",
    [
        "******",
        "",
        "<no-change>",
        "<user-input>",
        "<to-be-replaced>",
        "<your-api-key>",
        "to_replace_with_key",
    ],
)
def test_a_mask_or_a_placeholder_is_no_secret_of_a_new_connection(
    sync_client: Client, name: str, value: str
):
    with pytest.raises(InvalidError, match=f"Connection '{name}' secrets") as refused:
        sync_client.connections.create_or_update(CustomConnection({"api/key": value}, name=name))
    assert [one.pointer for one in refused.value.errors] == ["/settings/secrets/api~1key"]


def test_a_placeholder_is_no_config_either(client: Any, name: str):
    with pytest.raises(InvalidError, match="api_base"):
        client.connections.create_or_update(
            AzureOpenAIConnection("<your-endpoint>", KEY, name=name)
        )


def test_what_the_server_refuses_carries_its_problem(client: Any, name: str):
    with pytest.raises(InvalidError) as refused:
        client.connections.create_or_update(AzureOpenAIConnection("no address", KEY, name=name))
    assert [(one.pointer, one.code) for one in refused.value.errors] == [
        ("/settings/endpoint", "url")
    ]
    assert (refused.value.status, refused.value.problem["title"]) == (
        400,
        "Bad Request",
    ) and KEY not in everything(refused.value)


def test_a_key_of_none_is_asked_for(client: Any, name: str):
    with pytest.raises(InvalidError, match="Required"):
        client.connections.create_or_update(AzureOpenAIConnection(PLACE, name=name))


# The way there


def test_a_wrong_token_is_named_without_its_text(kind: Any, served: Served):
    with (
        kind(served.url, "sb_a-token-nobody-has") as client,
        pytest.raises(Unauthorized, match="Tokens page") as refused,
    ):
        client.connections.list()
    assert refused.value.status == 401 and "nobody-has" not in everything(refused.value)


def test_a_token_that_may_not_is_told_the_scope(kind: Any, served: Served, reader: str, name: str):
    with (
        kind(served.url, reader) as client,
        pytest.raises(PermissionDenied, match="connections:write"),
    ):
        client.connections.create(OpenAIConnection(KEY, name=name))


def test_a_server_that_is_down_is_told_without_token_and_key(kind: Any, name: str):
    with (
        kind("http://127.0.0.1:9", "sb_secret-token") as client,
        pytest.raises(ServerUnreachable, match=r"127.0.0.1:9.*Check") as failed,
    ):
        client.connections.create(OpenAIConnection(KEY, name=name))
    told = everything(failed.value)
    assert KEY not in told and "secret-token" not in told and failed.value.__context__ is None


def test_a_slow_server_is_given_up(kind: Any):
    told = pytest.raises(ServerUnreachable, match=r"0\.2 seconds")
    with Upstream("hang") as upstream, kind(upstream.url, "sb_x", timeout=0.2) as client, told:
        client.connections.list()


def test_a_certificate_that_nobody_trusts_is_told_with_the_cure(kind: Any):
    told = pytest.raises(ServerUnreachable, match="verify=")
    with Upstream("self_signed") as upstream, kind(upstream.url, "sb_x") as client, told:
        client.connections.list()


def test_a_certificate_can_be_left_unchecked(kind: Any):
    with (
        Upstream("self_signed") as upstream,
        kind(upstream.url, "sb_x", verify=False) as client,
        pytest.raises(ServerError),
    ):
        client.connections.list()


@pytest.mark.parametrize(
    "mode", ["html", "404", "500", "json_object", "json_list", "json_null", "json_rows"]
)
def test_an_answer_of_something_else_is_told(kind: Any, mode: str):
    with (
        Upstream(mode) as upstream,
        kind(upstream.url, "sb_x") as client,
        pytest.raises(ServerError, match="Check the address"),
    ):
        client.connections.list()


@pytest.mark.parametrize("mode", ["json_object", "json_null", "json_list"])
def test_an_answer_of_another_shape_is_told_for_one_connection(kind: Any, mode: str):
    with (
        Upstream(mode) as upstream,
        kind(upstream.url, "sb_x") as client,
        pytest.raises(ServerError, match="Check the address"),
    ):
        client.connections.set_active("x", True)


def test_a_token_does_not_follow_a_redirect(kind: Any):
    told = pytest.raises(ServerError, match="Use that address")
    with (
        Upstream() as other,
        Upstream("redirect_away", target=other.url) as first,
        kind(first.url, "sb_x") as client,
        told,
    ):
        client.connections.list()
    assert other.requests == []


@pytest.mark.parametrize(
    "url",
    [
        "",
        "switchboard",
        "ftp://example.com",
        "https://",
        "https://ada:pw@example.com",
        "https://example.com/?a=b",
    ],
)
def test_what_is_no_address_is_refused_at_once(kind: Any, url: str):
    with pytest.raises(ValueError, match="url"):
        kind(url, "sb_x")


@pytest.mark.parametrize("token", ["", " ", "sb_a b", "sb_é", "sb_\nx"])
def test_what_is_no_token_is_refused_without_its_text(kind: Any, token: str):
    with pytest.raises(ValueError, match="token") as refused:
        kind("http://127.0.0.1:9", token)
    assert not token.strip() or token not in everything(refused.value)


@pytest.mark.parametrize("path", ["/", "/api/v1", "/api/v1/"])
def test_the_address_may_be_written_with_the_path_of_the_api(kind: Any, served: Served, path: str):
    with kind(served.url + path, served.token) as client:
        assert client.connections.get("rehearsal").provider_id == "echo"


def test_neither_token_nor_key_is_logged(
    client: Any, served: Served, name: str, caplog: pytest.LogCaptureFixture
):
    for logger in ("", "httpx2", "httpcore2"):
        caplog.set_level(logging.DEBUG, logger)
    client.connections.create(OpenAIConnection(KEY, name=name))
    assert (
        "/api/v1/connections" in caplog.text
        and KEY not in caplog.text
        and served.token not in caplog.text
    )


def test_a_client_shows_its_address_and_no_token(served: Served):
    with Client(served.url, served.token) as client:
        assert served.url in repr(client) and served.token not in f"{client!r}{vars(client)}"


def test_a_token_that_is_replaced_is_asked_for_each_request(served: Served):
    texts = ["sb_another", f"{served.token}\n", " "]
    with Client(served.url, lambda: texts.pop(0)) as client:
        with pytest.raises(Unauthorized):
            client.profiles.list()
        client.profiles.list()
        with pytest.raises(ValueError, match="token is empty"):
            client.profiles.list()


def test_many_connections_come_in_several_pages(client: Any, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("switchboard.calls.PAGE", 2)
    for _ in range(3):
        client.connections.create(OpenAIConnection(KEY, name=uuid4().hex))
    listed: list[Connection] = client.connections.list(all_results=True)
    assert len({one.id for one in listed}) == len(listed) >= 5


def test_the_package_works_alone(tmp_path: Path):
    shutil.copytree(Path(__file__).parents[2] / "switchboard", tmp_path / "switchboard")
    code = (
        "import sys, switchboard; print([name for name in ('django', 'connections', 'providers', "
        "'pydantic') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"

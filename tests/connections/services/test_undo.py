"""The way back from the last act of a person."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.utils import timezone

from connections import services
from connections.models import (
    ApiToken,
    Connection,
    ConnectionCheck,
    FormerAlias,
    HostApproval,
    Profile,
    RevealToken,
    UndoStep,
)
from connections.promptflow import services as promptflow
from connections.services import NotUndone, last_step, undo_last_act
from tests.fakes import NEWEST_KEY, OLDER_KEY, OTHER_SECRET, SECRET, connect, profile_of, reload

pytestmark = pytest.mark.django_db
ELSEWHERE = "https://elsewhere.example/v1"


def change(row: Connection, actor: Any, **changes: Any) -> Any:
    return services.update_connection(row, actor=actor, **changes)


@pytest.mark.server
def test_what_was_switched_together_is_switched_back_together(fake: Any, operator: Any):
    on, off = connect(name="One"), connect(name="Two", is_active=False)
    services.switch([(on, False), (off, True)], actor=operator)
    assert undo_last_act(operator).said == "2 are as before."
    assert reload(on).is_active and not reload(off).is_active
    assert reload(on).history.first().history_change_reason == "undone"


def test_a_switch_that_changes_nothing_is_no_act(connection: Connection, operator: Any):
    first = services.set_active(connection, False, actor=operator)
    again = services.set_active(connection, False, actor=operator)
    assert first.step and again.step is None
    assert undo_last_act(operator).said == "Production is active again."


@pytest.mark.server
def test_a_replaced_secret_comes_back_and_its_endpoint_with_it(
    connection: Connection, operator: Any
):
    given = {"api_key": OTHER_SECRET, "base_url": ELSEWHERE}
    change(connection, operator, settings=given, name="Renamed")
    undo_last_act(operator)
    row = reload(connection)
    assert (row.credentials, row.name) == ({"api_key": SECRET}, "Production")
    assert row.settings == connection.settings
    assert (row.version, row.settings_version) == (3, 3)


def test_a_note_holds_no_secret(connection: Connection, operator: Any, administrator: Any):
    services.record_check(
        connection, services.CheckResult(False, "unauthorized", "Refused."), actor=operator
    )
    change(connection, operator, settings={"api_key": OTHER_SECRET})
    notes = [*UndoStep.objects.values()]
    services.delete_connection(connection, actor=administrator)
    notes += [*UndoStep.objects.values()]
    text = json.dumps(notes, default=str)
    assert SECRET not in text and OTHER_SECRET not in text


@pytest.mark.server
def test_a_profile_gets_its_connection_and_fallbacks_back(connection: Connection, operator: Any):
    spare = profile_of(connection, name="Spare")
    row = profile_of(connection, fallbacks=[spare])
    other = connect(name="Other")
    services.update_profile(
        row, actor=operator, connection=other, fallbacks=[], settings={"temperature": 1.5}
    )
    undo_last_act(operator)
    row = reload(row)
    assert (row.connection, row.settings) == (connection, {})
    assert list(row.fallbacks.all()) == [spare]


@pytest.mark.server
def test_moved_profiles_go_back_together(connection: Connection, operator: Any):
    profiles, other = [profile_of(connection), profile_of(connection)], connect(name="Other")
    assert services.move_profiles(connection, other, actor=operator).step
    assert undo_last_act(operator).said == "2 profiles are at Production again."
    assert {reload(one).connection for one in profiles} == {connection}
    assert reload(profiles[0]).history.first().history_change_reason == "undone"


def test_moved_profiles_stay_where_one_was_changed_or_the_source_is_gone(
    connection: Connection, operator: Any, administrator: Any
):
    profile, other = profile_of(connection), connect(name="Other")
    services.move_profiles(connection, other, actor=operator)
    services.delete_connection(connection, actor=administrator)
    with pytest.raises(NotUndone, match="came from was deleted"):
        undo_last_act(operator)
    assert reload(profile).connection == other


@pytest.mark.server
def test_default_profiles_are_as_before(connection: Connection, administrator: Any):
    first, second = profile_of(connection), profile_of(connection)
    services.set_default_profiles({"Chat": first}, actor=None)
    services.set_default_profiles({"Chat": second, "Embedding": None}, actor=administrator)
    assert last_step(administrator).names == ["Chat"]
    assert undo_last_act(administrator).said == "The default profiles are as before."
    assert services.default_profiles()["Chat"] == first
    services.set_default_profiles({"Chat": None}, actor=administrator)
    services.set_default_profiles({"Chat": second}, actor=None)
    with pytest.raises(NotUndone, match="another default for Chat"):
        undo_last_act(administrator)


@pytest.mark.server
def test_only_the_last_act_is_undone_and_once(connection: Connection, operator: Any):
    first = services.set_active(connection, False, actor=operator).step
    change(reload(connection), operator, name="Renamed")
    with pytest.raises(NotUndone, match="something else"):
        undo_last_act(operator, first.key)
    undo_last_act(operator)
    assert (reload(connection).name, reload(connection).is_active) == ("Production", False)
    with pytest.raises(NotUndone, match="nothing to undo"):
        undo_last_act(operator)


def test_everybody_has_a_last_act_of_their_own(fake: Any, operator: Any, administrator: Any):
    one, two = connect(name="One"), connect(name="Two")
    services.set_active(one, False, actor=operator)
    services.set_active(two, False, actor=administrator)
    undo_last_act(operator)
    assert reload(one).is_active and not reload(two).is_active
    undo_last_act(administrator)
    assert reload(two).is_active


def test_what_somebody_changed_since_stays(
    connection: Connection, operator: Any, administrator: Any
):
    services.set_active(connection, False, actor=operator)
    change(reload(connection), administrator, name="Renamed")
    with pytest.raises(NotUndone, match="ada changed Renamed since; it is at version 3"):
        undo_last_act(operator)
    assert not reload(connection).is_active


def test_an_act_can_be_undone_for_some_minutes(
    connection: Connection, operator: Any, settings: Any
):
    services.set_active(connection, False, actor=operator)
    UndoStep.objects.update(until=timezone.now() - timedelta(seconds=1))
    assert last_step(operator) is None
    with pytest.raises(NotUndone, match="within 10 minutes"):
        undo_last_act(operator)
    settings.CONNECTIONS_UNDO_MINUTES = 0
    assert services.set_active(connection, True, actor=operator).step is None


def test_who_lost_the_right_undoes_nothing(connection: Connection, operator: Any):
    services.set_active(connection, False, actor=operator)
    operator.groups.clear()
    for cached in ("_perm_cache", "_user_perm_cache", "_group_perm_cache"):
        operator.__dict__.pop(cached, None)
    with pytest.raises(PermissionDenied, match="may not switch a connection on or off"):
        undo_last_act(operator)
    assert not reload(connection).is_active and last_step(operator)


def deleted(row: Any, actor: Any) -> None:
    delete = services.delete_profile if isinstance(row, Profile) else services.delete_connection
    delete(row, actor=actor)


@pytest.mark.server
def test_a_deleted_connection_is_back_with_all_that_was_its_own(
    connection: Connection, administrator: Any, operator: Any
):
    services.record_check(connection, services.CheckResult(True, "ok", "It works."), actor=operator)
    services.change_alias(connection, "new-name", actor=administrator)
    approval = HostApproval.objects.create(section="x", host="https://x.y", connection=connection)
    token, _ = promptflow.create_reveal_token(
        "Flows", user=administrator, actor=administrator, connections=["new-name"]
    )
    before = reload(connection)
    deleted(before, administrator)
    assert not Connection.objects.exists() and not FormerAlias.objects.exists()
    undone = undo_last_act(administrator)
    row = reload(connection)
    assert (undone.said, undone.notices) == ("Production is back.", [])
    assert (row.alias, row.credentials, row.version) == ("new-name", {"api_key": SECRET}, 3)
    assert (row.date_created, row.asked_at.date()) == (
        before.date_created,
        before.asked_at.date(),
    )
    assert row.last_check == ConnectionCheck.objects.get() and row.last_check.success
    assert [one.alias for one in row.former_aliases.all()] == ["production"]
    assert reload(approval).connection == row and list(token.connections.all()) == [row]
    assert [one.number for one in services.versions(row)] == [3, 2, 1]


@pytest.mark.server
def test_a_deleted_profile_is_back_with_its_links(connection: Connection, administrator: Any):
    spare, gone = profile_of(connection, name="Spare"), profile_of(connection, name="Gone")
    row = profile_of(connection, fallbacks=[gone, spare])
    services.create_token(
        "CI", user=administrator, actor=None, scopes=["gateway:use"], profiles=[row.alias]
    )
    deleted(row.__class__.objects.get(pk=row.pk), administrator)
    services.delete_profile(gone, actor=None)
    undone = undo_last_act(administrator)
    assert [one.message for one in undone.notices] == [
        "A fallback was deleted meanwhile and is left out."
    ]
    assert list(reload(row).fallbacks.all()) == [spare]
    assert list(ApiToken.objects.get().profiles.all()) == [row]


@pytest.mark.server
def test_a_row_whose_alias_was_taken_stays_away(connection: Connection, administrator: Any):
    deleted(connection, administrator)
    connect(name="Another", alias="production")
    with pytest.raises(NotUndone, match="The alias production is taken"):
        undo_last_act(administrator)
    assert Connection.objects.get().name == "Another"


@pytest.mark.server
def test_a_former_alias_that_was_taken_stays_away(connection: Connection, administrator: Any):
    services.change_alias(connection, "new-name", actor=None)
    deleted(reload(connection), administrator)
    connect(name="Another", alias="production")
    undone = undo_last_act(administrator)
    assert [one.message for one in undone.notices] == [
        "The former alias production was taken meanwhile."
    ]
    assert not FormerAlias.objects.exists()


def test_a_profile_needs_its_connection_again(connection: Connection, administrator: Any):
    row = profile_of(connection)
    deleted(row, administrator)
    services.delete_connection(connection, actor=None)
    with pytest.raises(NotUndone, match="connection it had was deleted"):
        undo_last_act(administrator)


def test_a_secret_that_no_key_opens_does_not_replace_one(
    connection: Connection, operator: Any, settings: Any
):
    settings.FERNET_KEYS = [OLDER_KEY, NEWEST_KEY]
    change(connection, operator, settings={"api_key": OTHER_SECRET})
    settings.FERNET_KEYS = [OLDER_KEY]
    with pytest.raises(NotUndone, match="no key of FERNET_KEYS"):
        undo_last_act(operator)
    assert reload(connection).credentials == {"api_key": OTHER_SECRET}


def test_a_deleted_connection_that_no_key_opens_is_back_and_says_so(
    connection: Connection, administrator: Any, settings: Any
):
    deleted(connection, administrator)
    settings.FERNET_KEYS = [OLDER_KEY]
    assert "no key of FERNET_KEYS" in undo_last_act(administrator).notices[0].message
    settings.FERNET_KEYS = [NEWEST_KEY]
    assert reload(connection).credentials == {"api_key": SECRET}


@pytest.fixture
def referring(fake: Any, administrator: Any, settings: Any) -> Connection:
    """A connection whose referenced secret goes to a host that an administrator approved."""
    settings.CONNECTIONS_CONFIG = {"TeamB": {"ApiKey": "sk-of-team-b-0001"}}
    given = {"api_key": "$TeamB:ApiKey", "base_url": ELSEWHERE}
    return connect("openai-compatible", actor=administrator, name="Team B", settings=given)


def test_an_endpoint_comes_back_while_its_host_is_approved(referring: Connection, operator: Any):
    given = {"api_key": "typed", "base_url": "https://third.example"}
    change(referring, operator, settings=given)
    undo_last_act(operator)
    assert reload(referring).settings["base_url"] == ELSEWHERE


def test_no_secret_goes_back_to_a_host_that_is_not_approved_any_more(
    referring: Connection, operator: Any, administrator: Any
):
    given = {"api_key": "typed", "base_url": "https://third.example"}
    change(referring, operator, settings=given)
    services.decide_host(HostApproval.objects.get(), "refused", actor=administrator, team=None)
    with pytest.raises(NotUndone, match="may not be sent to https://elsewhere"):
        undo_last_act(operator)
    assert reload(referring).settings["base_url"] == "https://third.example"


def test_a_secret_does_not_come_back_to_flows_that_were_let_in_since(
    connection: Connection, operator: Any, administrator: Any
):
    change(connection, operator, settings={"api_key": OTHER_SECRET})
    promptflow.create_reveal_token(
        "Flows", user=administrator, actor=administrator, connections=["production"]
    )
    with pytest.raises(NotUndone, match="token for flows"):
        undo_last_act(operator)
    assert reload(connection).credentials == {"api_key": OTHER_SECRET}


@pytest.mark.server
@pytest.mark.parametrize("kind", [ApiToken, RevealToken])
def test_a_revoked_token_is_valid_again(
    connection: Connection, administrator: Any, operator: Any, kind: Any
):
    if kind is ApiToken:
        row, _ = services.create_token("CI", user=administrator, actor=None, scopes=["gateway:use"])
    else:
        row, _ = promptflow.create_reveal_token(
            "CI", user=administrator, actor=None, connections=["production"]
        )
    assert services.revoke_token(row, actor=administrator)
    UndoStep.objects.update(user=operator)  # who may not revoke it
    with pytest.raises(PermissionDenied):
        undo_last_act(operator)
    UndoStep.objects.update(user=administrator)
    assert undo_last_act(administrator).said.endswith("is valid again.")
    assert reload(row).state == "active"


def test_a_token_that_ended_already_leaves_no_way_back(administrator: Any):
    row, _ = services.create_token("CI", user=administrator, actor=None, scopes=["gateway:use"])
    services.revoke_token(row, actor=None)
    assert services.revoke_token(row, actor=administrator) is None


@pytest.mark.server
def test_notes_that_are_too_old_are_deleted(connection: Connection, operator: Any):
    services.set_active(connection, False, actor=operator)
    assert services.prune_undo_steps() == 0
    UndoStep.objects.update(until=timezone.now())
    assert services.prune_undo_steps() == 1

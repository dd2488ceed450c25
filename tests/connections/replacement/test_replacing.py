"""Replacing a key: tested beside the current one, switched, watched, gone back, forgotten."""

import threading
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.test import override_settings

from connections import services
from connections.change_counter import read_change_counter
from connections.errors import Invalid, Unusable
from connections.models import Connection, KeyReplacement, ScheduleLease
from connections.replacement.services import (
    begin_replacement,
    find_key,
    forget_other,
    go_back,
    go_back_by_itself,
    replace_key,
    replacement_of,
    run_replacements,
    switch_key,
)
from providers.core.errors import ProviderError
from tests.fakes import OLDER_KEY, SECRET, reload

from .conftest import NEXT

pytestmark = pytest.mark.django_db
State = KeyReplacement.State
GIVEN = {"api_key": NEXT}


def key_of(connection: Connection) -> str:
    return reload(connection).credentials["api_key"]


def pass_time(seconds: float) -> None:
    """Moves the schedule's clock on."""
    row, _ = ScheduleLease.objects.get_or_create(pk=1)
    row.seconds += seconds
    row.save()


def history_keys(connection: Connection) -> set[str]:
    rows: Any = Connection.history.filter(id=connection.pk)
    return {row.credentials["api_key"] for row in rows if row.credentials}


def test_the_next_key_is_tested_beside_the_current_one(connection, taken, operator):
    taken.discard(SECRET)
    replacement = begin_replacement(connection, GIVEN, actor=operator)
    assert replacement.tests["next"]["success"] and replacement.tests["current"]["code"] == (
        "unauthorized"
    )
    assert key_of(connection) == SECRET and replacement.is_open


@pytest.mark.server
def test_switching_puts_the_next_key_in_place_and_says_so_in_the_history(connection, taken):
    replacement = replace_key(connection, GIVEN, actor=None)
    assert key_of(connection) == NEXT and replacement.state == State.WATCHING
    assert "The key was replaced." in " ".join(services.versions(reload(connection))[0].changes)


def test_a_next_key_that_is_refused_is_not_switched_even_anyway(connection, taken):
    with pytest.raises(Unusable) as refused:
        replace_key(connection, {"api_key": "sk-wrong-00112233"}, actor=None, anyway=True)
    assert refused.value.code == "unauthorized" and key_of(connection) == SECRET
    assert replacement_of(connection).state == State.GIVEN_UP


def test_a_service_that_is_away_is_no_refusal(connection, taken):
    taken.add("away")
    replacement = begin_replacement(connection, GIVEN, actor=None)
    with pytest.raises(Unusable) as refused:
        switch_key(replacement, actor=None)
    assert refused.value.code == "not_tested"
    assert switch_key(replacement, actor=None, anyway=True).state == State.WATCHING
    run_replacements()
    assert key_of(connection) == NEXT  # not gone back


@pytest.mark.server
def test_a_second_person_gets_a_conflict_that_names_the_first(connection, taken, operator):
    begin_replacement(connection, GIVEN, actor=operator)
    with pytest.raises(Unusable, match="olaf began to replace this key"):
        begin_replacement(connection, {"api_key": "sk-third-00112233"}, actor=None)


@pytest.mark.server
def test_the_second_hears_of_the_first_while_that_still_tests(
    connection, taken, operator, fake, monkeypatch
):
    told, list_models = [], fake.list_models

    def slow(self):
        if self.settings.api_key.get_secret_value() == NEXT:
            with pytest.raises(Unusable, match="olaf began to replace this key") as refused:
                begin_replacement(connection, {"api_key": "sk-third-00112233"}, actor=None)
            told.append(refused.value.code)
        return list_models(self)

    monkeypatch.setattr(fake, "list_models", slow)
    assert begin_replacement(connection, GIVEN, actor=operator).tests["next"]["success"]
    assert told == ["replacement_open"]


def test_a_test_that_is_not_made_leaves_nothing_begun(connection, taken, fake, monkeypatch):
    def broken(_self):
        raise ZeroDivisionError

    monkeypatch.setattr(fake, "check", broken)
    with pytest.raises(ZeroDivisionError):
        begin_replacement(connection, GIVEN, actor=None)
    assert replacement_of(connection) is None


def test_both_keys_are_tested_at_the_same_time(connection, taken, fake, monkeypatch):
    both = threading.Barrier(2, timeout=10)

    def list_models(_self):
        both.wait()
        return []

    monkeypatch.setattr(fake, "list_models", list_models)
    tests = begin_replacement(connection, GIVEN, actor=None).tests
    assert [tests[one]["success"] for one in ("next", "current")] == [True, True]


def test_a_key_that_is_there_already_is_no_next_key(connection, taken):
    with pytest.raises(Invalid, match="stored already"):
        begin_replacement(connection, {"api_key": SECRET}, actor=None)


@pytest.mark.parametrize("given", [{}, {"api_key": ""}, {"base_url": "https://evil.example.com"}])
def test_only_settings_of_the_key_are_replaced(connection, taken, given):
    with pytest.raises(Invalid, match="Enter the next value"):
        begin_replacement(connection, given, actor=None)


def test_a_viewer_may_not_begin(connection, taken, viewer):
    with pytest.raises(PermissionDenied):
        begin_replacement(connection, GIVEN, actor=viewer)


def test_a_refused_new_key_goes_back_by_itself(connection, taken):
    replace_key(connection, GIVEN, actor=None)
    taken.discard(NEXT)
    run_replacements()
    row = replacement_of(connection)
    assert key_of(connection) == SECRET
    assert (row.state, row.is_by_itself) == (State.GONE_BACK, True)
    assert "by itself" in " ".join(services.versions(reload(connection))[0].changes)


def refuse(fake, monkeypatch, codes: dict[str, str]) -> None:
    """Lets the service end a check with this code, by key."""

    def list_models(self):
        if code := codes.get(self.settings.api_key.get_secret_value()):
            raise ProviderError("No.", code)
        return []

    monkeypatch.setattr(fake, "list_models", list_models)


@pytest.mark.server
@pytest.mark.parametrize(
    ("new", "previous", "state"),
    [
        ("forbidden", "", State.GONE_BACK),
        ("forbidden", "forbidden", State.WATCHING),
        ("unauthorized", "timeout", State.WATCHING),
        ("timeout", "", State.WATCHING),
        ("quota", "", State.WATCHING),
    ],
)
def test_only_what_names_the_key_goes_back(
    connection, taken, fake, monkeypatch, new, previous, state
):
    replace_key(connection, GIVEN, actor=None)
    refuse(fake, monkeypatch, {NEXT: new, SECRET: previous})
    run_replacements()
    row = replacement_of(connection)
    assert (row.state, row.is_both_refused) == (state, False)


def test_a_key_that_was_switched_without_rights_stays(connection, taken, fake, monkeypatch):
    refuse(fake, monkeypatch, {NEXT: "forbidden"})
    replace_key(connection, GIVEN, actor=None, anyway=True)
    run_replacements()
    assert replacement_of(connection).is_watching


def test_a_watch_whose_encryption_key_is_lost_stays_as_it_is(connection, taken):
    replacement = replace_key(connection, GIVEN, actor=None)
    taken.discard(NEXT)
    with override_settings(FERNET_KEYS=[OLDER_KEY]):
        run_replacements()
        assert replacement_of(connection).is_watching
        assert not go_back_by_itself(replacement.pk)
    run_replacements()
    assert replacement_of(connection).state == State.GONE_BACK


@pytest.mark.server
def test_going_back_happens_once(connection, taken):
    replacement = replace_key(connection, GIVEN, actor=None)
    assert [go_back_by_itself(replacement.pk) for _ in range(2)] == [True, False]
    assert reload(connection).version == 3


def test_where_both_keys_are_refused_nothing_goes_to_and_fro(connection, taken):
    replace_key(connection, GIVEN, actor=None)
    taken.clear()
    for _ in range(2):
        run_replacements()
    row = replacement_of(connection)
    assert row.is_both_refused and row.is_watching and "and the one before" in row.said
    assert key_of(connection) == NEXT


def test_a_connection_that_was_edited_ends_the_watch_and_keeps_the_slot(connection, taken):
    replacement = replace_key(connection, GIVEN, actor=None)
    settings = {"api_key": "sk-hand-00112233", "base_url": "https://other.example.com"}
    services.update_connection(reload(connection), actor=None, settings=settings, merge=True)
    assert not go_back_by_itself(replacement.pk)
    run_replacements()
    row = replacement_of(connection)
    assert row.state == State.DONE and row.has_other


def test_the_previous_key_does_not_come_back_beside_another_address(connection, taken, operator):
    """It would be sent to a host that somebody chose after it was entered."""
    replacement = replace_key(connection, GIVEN, actor=None)
    settings = {"api_key": "sk-hand-00112233", "base_url": "https://evil.example.com"}
    services.update_connection(reload(connection), actor=operator, settings=settings, merge=True)
    with pytest.raises(Unusable) as refused:
        go_back(replacement, actor=operator)
    assert refused.value.code == "stale"


def test_a_rename_does_not_end_the_watch(connection, taken):
    replacement = replace_key(connection, GIVEN, actor=None)
    services.update_connection(reload(connection), actor=None, name="Renamed")
    assert go_back(replacement, actor=None).state == State.GONE_BACK
    assert key_of(connection) == SECRET


def test_a_key_is_not_switched_into_a_connection_that_changed_since_the_test(connection, taken):
    replacement = begin_replacement(connection, GIVEN, actor=None)
    settings = {"samples": 3}
    services.update_connection(reload(connection), actor=None, settings=settings, merge=True)
    with pytest.raises(Unusable, match="were changed since"):
        switch_key(replacement, actor=None)


def test_the_watch_ends_by_the_clock_of_the_schedule(connection, taken):
    replace_key(connection, GIVEN, actor=None)
    KeyReplacement.objects.update(until="2001-01-01T00:00:00Z")  # the machine's clock jumped
    run_replacements()
    assert replacement_of(connection).is_watching
    pass_time(601)
    run_replacements()
    assert replacement_of(connection).state == State.DONE


@pytest.mark.server
def test_the_previous_key_is_purged_after_its_time_from_the_history_too(connection, taken):
    replace_key(connection, GIVEN, actor=None)
    pass_time(601)
    run_replacements()
    assert history_keys(connection) == {SECRET, NEXT}
    pass_time(24 * 3600)
    run_replacements()
    assert history_keys(connection) == {NEXT}
    assert not replacement_of(connection).has_other and find_key(SECRET, actor=None) == []


def test_forgetting_the_old_key_ends_the_watch(connection, taken):
    replacement = replace_key(connection, GIVEN, actor=None)
    forget_other(replacement, actor=None)
    assert replacement_of(connection).state == State.DONE
    assert history_keys(connection) == {NEXT}


@pytest.mark.server
def test_a_next_key_that_nobody_switched_is_given_up(connection, taken):
    begin_replacement(connection, GIVEN, actor=None)
    pass_time(24 * 3600 + 1)
    run_replacements()
    row = replacement_of(connection)
    assert (row.state, row.credentials) == (State.GIVEN_UP, None)


def test_a_lost_key_is_replaced_without_a_previous_slot(connection, taken):
    Connection.objects.update(credentials_key="lost")
    with override_settings(FERNET_KEYS=[OLDER_KEY]):
        row = reload(connection)
        replacement = begin_replacement(row, GIVEN, actor=None)
        switched = switch_key(replacement, actor=None)
        assert (switched.state, switched.has_other) == (State.DONE, False)
        assert key_of(connection) == NEXT


@pytest.mark.server
def test_a_deleted_connection_still_loses_its_old_key_from_the_history(connection, taken):
    pk = connection.pk
    replace_key(connection, GIVEN, actor=None)
    services.delete_connection(reload(connection), actor=None)
    run_replacements()
    pass_time(24 * 3600 + 1)
    run_replacements()
    rows: Any = Connection.history.filter(id=pk)
    assert {row.credentials["api_key"] for row in rows if row.credentials} == {NEXT}


def test_a_connection_that_is_off_is_not_asked(connection, taken, fake):
    replace_key(connection, GIVEN, actor=None)
    services.set_active(reload(connection), False, actor=None)
    taken.discard(NEXT)
    run_replacements()
    assert replacement_of(connection).is_watching


@pytest.mark.server
def test_rotation_encrypts_the_slots_anew(connection, taken, settings):
    replacement = replace_key(connection, GIVEN, actor=None)
    settings.FERNET_KEYS = [OLDER_KEY, *settings.FERNET_KEYS]
    assert services.rotate_credentials() >= 3
    settings.FERNET_KEYS = [OLDER_KEY]
    assert reload(replacement).credentials["credentials"] == {"api_key": SECRET}


def test_forgetting_tells_the_workers(connection, taken):
    replacement = replace_key(connection, GIVEN, actor=None)
    before = read_change_counter()
    forget_other(replacement, actor=None)
    assert read_change_counter() > before


def test_a_reference_to_another_host_waits_for_an_administrator(connection, taken, operator):
    """Whoever may write a connection could else send any section's key to a host of their own."""
    settings = {"base_url": "https://mine.example.com", "api_key": SECRET}
    services.update_connection(connection, actor=None, settings=settings, merge=True)
    replacement = begin_replacement(
        reload(connection), {"api_key": "$Fake:ApiKeyNext"}, actor=operator
    )
    assert replacement.tests["next"]["code"] == "host_not_approved"
    with pytest.raises(Unusable):
        switch_key(replacement, actor=operator, anyway=True)

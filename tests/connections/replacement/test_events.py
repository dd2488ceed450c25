"""What is done with keys leaves events, and so does what is refused. No event has a key."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied

from connections.errors import Throttled, Unusable
from connections.models import AuditEvent, Connection, KeyReplacement
from connections.replacement import services
from tests.events import body_of, left_by, told
from tests.fakes import SECRET, connect, reload

from .conftest import NEXT
from .test_replacing import GIVEN, pass_time

pytestmark = [pytest.mark.django_db, pytest.mark.server]

# What the door offers, and the action of the event that a call leaves
ACTIONS = {
    "begin_replacement": "replacement.begin",
    "find_key": "leaked_key.search",
    "forget_other": "replacement.end",
    "go_back": "replacement.take_back",
    "replace_key": "replacement.carry_out",
    "report_leak": "leak.report",
    "switch_key": "replacement.carry_out",
    "test_again": "replacement.test",
}
BY_ITSELF = {"go_back_by_itself", "purge", "run_replacements"}
READERS = frozenset(
    {"are_both_refused", "can_revoke", "declare_jobs", "is_refusal", "is_untouched", "kept_time"}
    | {"key_fields", "keys_page", "may_switch_anyway", "news_of", "previous_connection"}
    | {"refuse_untested", "refused_replacements", "replacement_of", "same_key", "schedule_clock"}
    | {"watch_time"}
    | {"note_both_refused", "refresh_fingerprints"}  # what was found, and what only helps
)

Call = Callable[[Any], Any]


def open_one(row: Connection) -> KeyReplacement:
    return services.begin_replacement(row, GIVEN, actor=None)


def call_of(name: str, row: Connection) -> Call:
    """One of the door, with what it needs."""
    if name in ("begin_replacement", "replace_key"):
        return lambda who: getattr(services, name)(row, GIVEN, actor=who)
    if name == "find_key":
        return lambda who: services.find_key(SECRET, actor=who)
    if name == "report_leak":
        return lambda who: services.report_leak(row, actor=who, revoke=True)
    if name == "go_back":
        replacement = services.replace_key(row, GIVEN, actor=None)
    else:
        replacement = open_one(row)
    return lambda who: getattr(services, name)(replacement, actor=who)


@pytest.mark.parametrize("name", ACTIONS)
def test_what_is_done_and_what_is_refused_leaves_one_event(
    connection: Connection, taken: Any, name: str, operator: Any, viewer: Any
):
    call, action = call_of(name, connection), ACTIONS[name]
    [refused] = left_by(lambda: call(viewer), PermissionDenied)
    assert (refused.action, refused.outcome, refused.actor_name) == (action, "refused", "vera")
    [done] = left_by(lambda: call(operator))
    assert (done.action, done.outcome, done.actor_name) == (action, "done", "olaf")
    on = ("", "") if name == "find_key" else ("connection", str(connection.pk))
    assert (done.object_kind, done.object_id) == on
    assert (refused.object_kind, refused.object_id) == on
    rows = repr(list(AuditEvent.objects.values()))
    assert SECRET not in rows and NEXT not in rows


def test_every_act_of_the_door_is_in_the_table():
    acts = {one for one in services.__all__ if one[0].islower()}
    assert acts == {*ACTIONS, *BY_ITSELF, *READERS}


def test_what_is_begun_says_which_settings_and_what_the_tests_said(connection, taken, operator):
    taken.discard(SECRET)
    [event] = left_by(lambda: services.begin_replacement(connection, GIVEN, actor=operator))
    said = {"settings": ["api_key"], "next": "ok", "current": "unauthorized"}
    assert body_of(event)["detail"] == said


def test_a_replaced_key_is_told_by_fingerprints(connection, taken, operator):
    [event] = left_by(lambda: services.replace_key(connection, GIVEN, actor=operator))
    [[name, before, after]] = body_of(event)["changes"]
    assert name == "api_key" and before != after and "others" not in body_of(event)
    assert before.startswith("secret ") and after.startswith("secret ")


def test_a_key_that_is_not_switched_is_one_refusal(connection, taken, operator):
    wrong = {"api_key": "sk-wrong-00112233"}
    found = told(lambda: services.replace_key(connection, wrong, actor=operator), Unusable)
    assert found == [("replacement.carry_out", "refused", "unauthorized")]


def test_what_the_watch_does_by_itself_is_an_act_of_the_schedule(connection, taken):
    services.replace_key(connection, GIVEN, actor=None)
    taken.discard(NEXT)
    [back] = left_by(services.run_replacements)
    assert (back.action, back.surface) == ("replacement.take_back", "schedule")
    assert (back.actor_kind, back.actor_name) == ("schedule", "watch-keys")
    pass_time(10**7)
    [forgotten] = left_by(services.run_replacements)
    assert (forgotten.action, forgotten.object_id) == ("replacement.purge", str(connection.pk))
    assert left_by(services.run_replacements) == []


def test_the_end_of_a_watch_is_one_event(connection, taken):
    services.replace_key(connection, GIVEN, actor=None)
    pass_time(services.watch_time().total_seconds() + 1)
    assert told(services.run_replacements) == [("replacement.end", "done", "")]


def test_what_is_forgotten_already_leaves_no_event(connection, taken, operator):
    replacement = open_one(connection)
    services.forget_other(replacement, actor=operator)
    assert left_by(lambda: services.forget_other(replacement, actor=operator)) == []


def test_a_search_is_told_without_the_key(connection, operator):
    [event] = left_by(lambda: services.find_key(SECRET, actor=operator))
    assert body_of(event) == {"detail": {"places": 1}}
    [none] = left_by(lambda: services.find_key("sk-of-nobody", actor=operator))
    assert body_of(none) == {"detail": {"places": 0}} and "nobody" not in none.body


def test_too_many_searches_are_one_refusal_a_minute(connection, operator, monkeypatch):
    monkeypatch.setattr(services.leaks, "SEARCHES", 1)
    services.find_key("x", actor=operator)
    events = []
    for _ in range(5):
        events += told(lambda: services.find_key("x", actor=operator), Throttled)
    # a minute may end meanwhile: then one of them is let through
    assert [one for one in events if one[1] == "refused"] == [
        ("leaked_key.search", "refused", "throttled")
    ]


def test_a_leaked_key_is_one_event_with_the_switch(connection, operator):
    [event] = left_by(lambda: services.report_leak(connection, actor=operator, revoke=False))
    assert event.action == "leak.report" and not reload(connection).is_active
    assert event.object_name == connection.alias


def test_a_key_that_is_ended_at_its_service_is_an_event_of_its_own(monkeypatch, fake, operator):
    monkeypatch.setattr(fake, "can_revoke", classmethod(lambda _cls, _settings: True))
    monkeypatch.setattr(fake, "revoke", lambda _self: "Revoked.", raising=False)
    row = connect()
    found = told(lambda: services.report_leak(row, actor=operator, revoke=True))
    assert found == [("leak.report", "done", ""), ("leak.revoke", "done", "")]

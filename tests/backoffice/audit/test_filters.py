"""What of the events filters leave, page by page."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from connections.audit import selectors
from connections.audit.services import BadFilter, BadPlace, batches, event, find
from connections.models import AuditEvent, AuditMention

pytestmark = [pytest.mark.django_db, pytest.mark.server]
AT = datetime(2026, 11, 20, 12, tzinfo=UTC)
ROW, OTHER, TEAM = str(UUID(int=1)), str(UUID(int=2)), str(UUID(int=3))


def made(action: str, minutes: int = 0, **columns: Any) -> AuditEvent:
    given: dict[str, Any] = {
        "chain": uuid4(),
        "number": 1,
        "at": AT + timedelta(minutes=minutes),
        "surface": "page",
        "actor_kind": "person",
        "action": action,
        "outcome": "done",
        "digest": "",
    }
    return AuditEvent.objects.create(**given | columns)


@pytest.fixture
def events() -> dict[str, AuditEvent]:
    found = {
        "rename": made(
            "connection.update", 1, actor_id="7", actor_name="ann", object_kind="connection",
            object_id=ROW, object_name="openai-eu", team_id=TEAM, address="10.1.2.3",
        ),
        "sign in": made("person.sign_in", 2, actor_kind="nobody", outcome="refused", address="::1"),
        "command": made(
            "profile.update", 3, actor_kind="command", actor_name="sh: profile", surface="command",
            object_kind="profile", object_id=OTHER, object_name="chat-eu",
        ),
        "token": made(
            "connection.test", 4, actor_kind="service_account", actor_id="9", actor_name="deploy",
            token_kind="api_token", token_id=ROW, token_name="nightly", request_id="abc",
            address="10.9.0.1", outcome="failed",
        ),
    }  # fmt: skip
    AuditMention.objects.create(event=found["command"], kind="connection", object_id=ROW)
    return found


TABLE: list[tuple[dict[str, str], list[str]]] = [
    ({}, ["token", "command", "sign in", "rename"]),
    ({"actor": "7"}, ["rename"]),
    ({"actor": "sh: profile"}, ["command"]),
    ({"by": "command"}, ["command"]),
    ({"by": "service_account"}, ["token"]),
    ({"token": ROW}, ["token"]),
    ({"kind": "connection"}, ["token", "rename"]),
    ({"verb": "update"}, ["command", "rename"]),
    ({"kind": "connection", "verb": "update"}, ["rename"]),
    ({"action": "profile.update"}, ["command"]),
    ({"object": f"connection:{ROW}"}, ["command", "rename"]),
    ({"object": ROW}, ["command", "rename"]),
    ({"object": f"profile:{ROW}"}, []),
    ({"outcome": "refused"}, ["sign in"]),
    ({"address": "10.1.2.3"}, ["rename"]),
    ({"address": "10.0.0.0/8"}, ["token", "rename"]),
    ({"address": "10.1.0.0/17"}, ["rename"]),
    ({"address": "::/0"}, ["sign in"]),
    ({"address": "192.0.2.0/24"}, []),
    ({"team": TEAM}, ["rename"]),
    ({"team": "none"}, ["token", "command", "sign in"]),
    ({"request": "abc"}, ["token"]),
    ({"from": "2026-11-20T12:03:00Z"}, ["token", "command"]),
    ({"to": "2026-11-20T12:02:00Z"}, ["sign in", "rename"]),
    ({"from": "2026-11-20", "to": "2026-11-20"}, ["token", "command", "sign in", "rename"]),
    ({"to": "2026-11-19"}, []),
    ({"q": "EU"}, ["command", "rename"]),
    ({"q": "eu ann"}, ["rename"]),
    ({"q": "night"}, ["token"]),
    ({"kind": "connection", "outcome": "failed", "q": "deploy"}, ["token"]),
    ({"actor": "7", "verb": "test"}, []),
]


@pytest.mark.parametrize("few", [0, selectors.FEW])
def test_filters_leave_what_they_say(events: dict[str, AuditEvent], few: int, monkeypatch: Any):
    monkeypatch.setattr(selectors, "FEW", few)
    names = {one.pk: name for name, one in events.items()}
    for filters, expected in TABLE:
        found = [names[one.pk] for one in find(filters).rows]
        assert (filters, found) == (filters, expected)


@pytest.mark.parametrize(
    ("name", "value"),
    [("kind", "x"), ("verb", "x"), ("by", "x"), ("outcome", "x"), ("address", "x"), ("from", "x")],
)
def test_nonsense_is_refused_by_name(name: str, value: str):
    with pytest.raises(BadFilter) as refused:
        find({name: value})
    assert refused.value.name == name


def test_pages_follow_each_other_where_times_are_equal():
    rows = [made("connection.update") for _ in range(5)]
    first = find({}, size=2)
    second = find({}, first.behind or "", size=2)
    third = find({}, second.behind or "", size=2)
    found = [one.pk for page in (first, second, third) for one in page.rows]
    assert found == [one.pk for one in reversed(rows)] and third.behind is None


def test_a_page_goes_on_where_the_window_ended(monkeypatch: Any):
    monkeypatch.setattr(selectors, "WINDOW", 3)
    monkeypatch.setattr(selectors, "FEW", 0)
    old = made("profile.update", 0)
    for minute in range(1, 8):
        made("connection.update", minute)
    filters, behind, looked = {"kind": "profile"}, "", 0
    while True:
        found = find(filters, behind)
        looked += found.looked_to is not None
        if found.behind is None:
            break
        behind = found.behind
    assert ([one.pk for one in found.rows], looked) == ([old.pk], 2)
    assert [one.pk for batch in batches(filters) for one in batch] == [old.pk]


def test_counts_are_bounded(monkeypatch: Any):
    monkeypatch.setattr(selectors, "MOST_COUNTED", 3)
    for _ in range(5):
        made("connection.update")
    found = find({}, size=2)
    assert (found.number, found.is_counted) == (3, False)


def test_what_is_no_place_is_refused():
    with pytest.raises(BadPlace):
        find({}, "nonsense")


def test_an_event_is_found_by_its_id():
    row = made("connection.update")
    assert event(row.pk) == row and event(row.pk + 1) is None and event(10**30) is None

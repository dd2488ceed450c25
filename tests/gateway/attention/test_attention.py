"""The list of faults: one line each, the worst first, with its cause and cure."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ObjectDoesNotExist
from django.db import connection as database
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from connections import services as connection_services
from connections.health.services import Call, note_calls
from connections.models import ApiToken, Connection, HostApproval, Profile, Snooze
from connections.references import Resolution, State
from connections.resolving import Resolver
from connections.services import Invalid
from connections.sources import Outage
from gateway.attention import services
from gateway.attention.lines import Line, lines
from gateway.models import UsageRecord
from tests.fakes import OLDER_KEY, SECRET, connect, profile_of, reload

pytestmark = pytest.mark.django_db


@pytest.fixture
def row(fake: Any) -> Connection:
    return connect(name="Main")


def fail(
    row: Connection, code: str = "unauthorized", model: str = "fake-chat", **more: Any
) -> None:
    """A call that failed just now."""
    version = reload(row).version
    now = timezone.now()
    message = "fake.example does not accept the credentials."
    note_calls([Call(row.pk, version, model, now, code, message=message, **more)])


def ask(profile: Profile, times: int = 1, token: Any = None) -> None:
    """Requests to a profile within the last hour."""
    for _ in range(times):
        UsageRecord.objects.create(
            started_at=timezone.now(),
            endpoint="v1",
            capability="Chat",
            profile_id=profile.pk,
            token_id=token,
            latency_ms=1,
            outcome="unauthorized",
        )


def shown(**filters: Any) -> list[Line]:
    return lines(services.attention(actor=None, **filters).rows)


def titles(**filters: Any) -> list[str]:
    return [one.told.title for one in shown(**filters)]


def actions(line: Line) -> list[str]:
    return [one.action for one in line.cures]


def test_a_refused_key_is_one_line_with_cause_hit_and_cure(row: Connection):
    ask(profile_of(row), 3, uuid4())
    fail(row)
    (line,) = shown()
    hit = line.ranked.hit
    assert (line.told.title, line.label, line.tone) == ("Main", "Failing", "bad")
    assert "does not accept the credentials." in line.told.cause and line.ranked.fault.since
    assert (hit.requests, hit.profiles, hit.tokens) == (3, 1, 1)
    assert actions(line) == ["test", "enter_key"]


def test_a_missing_reference_that_hits_five_is_one_line(row: Connection):
    for number in range(7):
        connect(name=f"Behind {number}", settings={"api_key": "$Fake:Missing"})
    off = connect(name="Off", settings={"api_key": "$Fake:Another"})
    connection_services.set_active(off, False, actor=None)
    (line,) = shown()
    assert (line.told.title, line.label) == ("$Fake:Missing", "Reference missing")
    assert (len(line.connections), line.more, actions(line)) == (5, 2, ["open_reference"])
    assert "Fake__Missing" in line.told.cause


def test_a_refused_key_behind_a_reference_says_where_it_came_from(
    fake: Any, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("Fake__ApiKey", SECRET)
    for name in ("One", "Two"):
        fail(connect(name=name, settings={"api_key": "$Fake:ApiKey"}))
    (line,) = shown()
    assert line.told.title == "$Fake:ApiKey is refused" and len(line.connections) == 2
    assert "from environment (Fake__ApiKey), as this process got it" in line.told.cause
    assert "needs a restart" in line.told.cause and SECRET not in repr(line)
    assert actions(line) == ["open_reference", "test"]


def test_the_worst_come_first(row: Connection):
    busy, quiet, many = (connect(name=name) for name in ("Busy", "Quiet", "Many"))
    for name in "ab":
        profile_of(many, name=f"Many {name}")
    ask(profile_of(busy, name="Busy"), 2)
    ask(profile_of(row, name="Main"), 5)
    fail(quiet), fail(busy), fail(many), fail(row)
    ApiToken.objects.create(
        name="Ends",
        user=_somebody(),
        prefix="sb_ends",
        digest="x",
        expires_at=timezone.now() + timedelta(days=9),
    )
    assert titles() == ["Main", "Busy", "Many", "Quiet", "Ends (sb_ends…)"]


def _somebody() -> Any:
    return User.objects.create(username="somebody")


def test_a_degraded_connection_hits_those_of_its_model(row: Connection):
    ask(profile_of(row, name="Ill", model="ill"), 2)
    ask(profile_of(row, name="Well", model="well"), 9)
    now = timezone.now()
    note_calls([Call(row.pk, row.version, "well", now)])
    fail(row, "not_found", "ill")
    (line,) = shown()
    assert (line.ranked.fault.kind, line.ranked.hit.requests) == ("degraded", 2)


def test_a_cool_down_is_a_line_until_it_ends(row: Connection):
    fail(row, "timeout", rests_until=timezone.now() + timedelta(seconds=30))
    (line,) = shown()
    assert (line.label, actions(line)) == ("Resting", ["test", "edit"])


def test_a_lost_key_and_a_provider_that_is_gone_are_one_line_each(fake: Any, settings: Any):
    for number in range(3):
        connect(name=f"Lost {number}")
        gone = connect(name=f"Gone {number}")
        Connection.objects.filter(pk=gone.pk).update(provider_id="retired")
    settings.FERNET_KEYS = [OLDER_KEY]
    assert sorted((one.label, one.told.title) for one in shown()) == [
        ("Cannot decrypt", "3 connections"),
        ("Unknown provider", "3 connections"),
    ]


def test_a_host_that_waits_is_approved_beside_it(row: Connection):
    HostApproval.objects.create(section="fake", host="https://gateway.example", connection=row)
    (line,) = shown()
    assert (line.label, actions(line)) == ("Asks for a host", ["approve", "open_hosts"])


def test_what_its_fallback_can_replace_is_switched_off(row: Connection):
    spare = profile_of(connect(name="Other"), name="Spare")
    profile_of(row, name="Main", fallbacks=[spare])
    fail(row)
    (line,) = shown()
    assert actions(line) == ["test", "switch_to_fallback", "enter_key"]
    profile_of(row, name="Alone")
    assert actions(shown()[0]) == ["test", "enter_key"]


def test_unused_connections_are_one_line_of_low_rank(row: Connection):
    Connection.objects.update(asked_at=timezone.now() - timedelta(days=100))
    ill = connect(name="Ill")
    fail(ill)
    assert titles() == ["Ill", "1 unused connection"]


def test_a_tag_and_a_kind_filter(row: Connection):
    mine = connect(name="Mine", tags=["team a"])
    fail(row), fail(mine, "timeout")
    assert titles(tag="Team A") == ["Mine"]
    assert {titles(kind=kind)[0] for kind in ("failing", "degraded")} == {"Main", "Mine"}


def snooze(key: str, **more: Any) -> Snooze:
    values = {"reason": "Known.", "until": timezone.now() + timedelta(hours=1), **more}
    return services.snooze(key, actor=None, **values)


def test_a_snoozed_fault_comes_back_at_its_end(row: Connection):
    fail(row)
    one = snooze(f"connection:{row.pk}")
    asleep = services.attention(actor=None)
    assert (len(asleep.rows), asleep.snoozed, titles(is_snoozed=True)) == (0, 1, ["Main"])
    Snooze.objects.filter(pk=one.pk).update(until=timezone.now())
    assert titles() == ["Main"]


def test_a_snoozed_fault_comes_back_when_it_changes(row: Connection):
    for name in ("One", "Two"):
        connect(name=name, settings={"api_key": "$Fake:Missing"})
    snooze("reference:$fake:missing")
    before = titles()
    connect(name="Three", settings={"api_key": "$Fake:Missing"})
    assert (before, titles()) == ([], ["$Fake:Missing"])


def test_more_failures_of_the_same_kind_wake_nothing(row: Connection):
    fail(row)
    snooze(f"connection:{row.pk}")
    fail(row)
    assert titles() == []


@pytest.mark.parametrize(
    "wrong", [{"reason": " "}, {"reason": "x" * 301}, {"until": timezone.now()}]
)
def test_a_snooze_needs_a_reason_and_an_end(row: Connection, wrong: dict[str, Any]):
    fail(row)
    with pytest.raises(Invalid):
        snooze(f"connection:{row.pk}", **wrong)


def test_what_is_no_fault_cannot_be_snoozed(row: Connection):
    with pytest.raises(ObjectDoesNotExist):
        snooze(f"connection:{row.pk}")


def test_tokens_are_told_to_those_who_may_see_them(
    row: Connection, operator: Any, administrator: Any
):
    ApiToken.objects.create(
        name="Ends", user=operator, prefix="sb_ends", digest="x", expires_at=timezone.now()
    )
    found = [len(services.attention(actor=one).rows) for one in (operator, administrator)]
    assert found == [0, 1]


def test_as_many_queries_for_one_fault_of_a_kind_as_for_many(fake: Any):
    def add(number: int) -> None:
        for kind, key in (("failing", SECRET), ("degraded", SECRET), ("missing", "$Fake:X")):
            one = connect(name=f"{kind} {number}", settings={"api_key": key})
            profile_of(one, name=one.name)
            if kind != "missing":
                fail(one, "unauthorized" if kind == "failing" else "timeout")

    add(0)
    with CaptureQueriesContext(database) as few:
        shown()
    for number in range(1, 12):
        add(number)
    with CaptureQueriesContext(database) as many:
        assert len(shown()) == 25  # twelve of both, and one reference
    assert len(few) == len(many)


def test_a_source_that_is_away_is_one_line_also_while_its_values_last(
    fake: Any, monkeypatch: pytest.MonkeyPatch
):
    for name in ("One", "Two"):
        connect(name=name, settings={"api_key": f"$Fake:{name}"})
    outage = Outage("the vault", timezone.now(), "The vault does not answer. Values last an hour.")
    away = Resolution("$Fake:One", State.AWAY, "the vault", message="The vault does not answer.")
    stale = Resolution("$Fake:One", State.RESOLVED, "the vault", (), outage.message, outage)
    found = []
    for resolution in (away, stale):
        monkeypatch.setattr(Resolver, "resolve", lambda *_, one=resolution: one)
        found += [(one.label, one.told.title, len(one.connections)) for one in shown()]
    assert found == [("Source away", "the vault", 2)] * 2

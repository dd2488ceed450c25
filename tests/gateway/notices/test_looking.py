"""What is told: each change once, grouped, and no storm of what changes to and fro."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from connections import services as connection_services
from connections.health.services import Call, forget_failures, note_calls
from connections.models import ApiToken, Connection, HostApproval
from gateway.attention.services import snooze
from gateway.models import Notice, NoticeDelivery, NoticeLook, NoticeState, TokenCount
from gateway.notices import services
from gateway.notices.services import looking
from gateway.notices.services.looking import look
from tests.fakes import connect

from ..attention.test_attention import fail
from .targets import target

pytestmark = [pytest.mark.django_db, pytest.mark.server]


def told() -> list[str]:
    """The headlines, oldest first."""
    return [
        services.headline(one.kind, one.event, one.items) for one in Notice.objects.order_by("pk")
    ]


def test_a_refused_key_is_told_at_the_first_look_and_once(row: Connection):
    fail(row)
    look(100.0)
    look(105.0)
    look(170.0)
    assert told() == ["Main fails"]
    assert "does not accept the credentials." in Notice.objects.get().items[0]["cause"]


def test_what_may_pass_must_last(row: Connection):
    for _ in range(3):
        fail(row, code="timeout")
    look(100.0)
    assert told() == []
    look(109.0)
    assert told() == ["Main fails"]


def test_that_it_is_over_is_told_after_a_minute(row: Connection):
    fail(row)
    look(100.0)
    forget_failures(row)
    look(110.0)
    look(165.0)
    assert told() == ["Main fails"]
    look(171.0)
    assert told() == ["Main fails", "Over: Main (Failing)"]


def test_what_changes_to_and_fro_is_told_a_few_times_and_then_summed_up(row: Connection):
    clock = 0.0
    for _ in range(60):  # half a minute each
        fail(row)
        look(clock := clock + 30)
        forget_failures(row)
        look(clock := clock + 30)
    assert told() == ["Main fails"]
    look(clock + 70)
    assert told() == ["Main fails", "Over: Main (Failing)"]
    assert Notice.objects.first().items[0]["changes"] > 100


def test_an_hour_has_room_for_four_notices_of_a_fault(row: Connection):
    clock = 0.0
    for _ in range(20):  # it is over for so long that it would be told each time
        fail(row)
        look(clock := clock + 10)
        forget_failures(row)
        look(clock := clock + 10)
        look(clock := clock + 61)
    assert len(told()) == 4
    fail(row)
    look(clock + 3600)
    look(clock + 3670)
    assert told()[4:] in (["Main fails"], ["Main changed 35 times (Failing, and over again)"])


def test_a_burst_of_800_failures_is_one_notice_and_one_message(fake: Any):
    rows = [
        Connection(name=f"Behind {number:03}", alias=f"behind-{number:03}", provider_id="fake")
        for number in range(800)
    ]
    Connection.objects.bulk_create(rows)
    now = timezone.now()
    note_calls([Call(row.pk, 1, "m", now, "unauthorized", message="No.") for row in rows])
    target()
    look(1.0)
    (headline,) = told()
    assert headline.startswith("800 connections fail: ") and headline.endswith(" and 797 more")
    assert len(Notice.objects.get().items) == 800 and NoticeDelivery.objects.count() == 1


def test_a_look_without_news_computes_no_faults(row: Connection, monkeypatch: Any):
    fail(row)
    look(100.0)
    monkeypatch.setattr(looking, "faults", lambda: pytest.fail("a whole look"))
    look(110.0)
    with pytest.raises(pytest.fail.Exception):
        look(161.0)


def test_a_process_that_looked_too_late_tells_nothing(row: Connection, monkeypatch: Any):
    fail(row)
    real = looking.faults

    def overtaken() -> Any:
        monkeypatch.setattr(looking, "faults", real)
        look(100.0)  # another process, in the meantime
        return real()

    monkeypatch.setattr(looking, "faults", overtaken)
    assert look(100.0) == 0
    assert told() == ["Main fails"] and NoticeLook.objects.get().number == 1


def test_a_clock_that_begins_anew_delays_nothing_for_long(row: Connection):
    look(50_000.0)
    for _ in range(3):
        fail(row, code="timeout")
    look(50_001.0)
    look(3.0)
    look(12.0)
    assert told() == ["Main fails"]


def test_what_is_snoozed_is_not_told(row: Connection):
    for _ in range(3):
        fail(row, code="timeout")
    key = f"connection:{row.pk}"
    snooze(key, reason="Known.", until=timezone.now() + timedelta(days=1), actor=None)
    look(1.0)
    look(20.0)
    forget_failures(row)
    look(30.0)
    look(100.0)
    assert told() == []


def test_a_host_that_waits_is_told_and_its_end_is_not(fake: Any, operator: Any):
    connect(name="Elsewhere", settings={"api_key": "$Fake:ApiKey", "base_url": "https://x.example"})
    waiting = HostApproval.objects.create(section="fake", host="x.example")
    look(1.0)
    connection_services.decide_host(waiting, "approved", actor=None, team=None)
    look(10.0)
    look(100.0)
    assert [one for one in told() if "x.example" in one] == ["fake to x.example waits for approval"]


def test_a_token_whose_day_is_used_up_is_told(administrator: Any):
    now = timezone.now()
    token = ApiToken.objects.create(
        name="Batch",
        user=administrator,
        prefix="sb_b",
        digest="x",
        tokens_per_day=100,
        expires_at=now + timedelta(days=60),
    )
    today = now.date().isoformat()
    count = TokenCount.objects.create(token_id=token.pk, window=today, count=150, reserved=60)
    look(1.0)
    assert told() == []
    TokenCount.objects.filter(pk=count.pk).update(count=160)
    look(70.0)
    assert told() == ["Batch (sb_b…) has reached its limit"]


def test_states_that_are_over_are_forgotten(row: Connection):
    fail(row)
    look(0.0)
    forget_failures(row)
    for clock in (10.0, 100.0, 4000.0):
        look(clock)
    assert not NoticeState.objects.exists()


def test_rules_say_which_target_is_told_of_what(row: Connection):
    connection_services.update_connection(row, actor=None, tags=["prod"])
    everything = target("All", minimum_severity="info")
    names = {
        "tag": target("Tag", tags=["prod"]),
        "other tag": target("Other tag", tags=["test"]),
        "kind": target("Kind", kinds=["failing"]),
        "other kind": target("Other kind", kinds=["token"]),
        "provider": target("Provider", providers=["fake"]),
        "other provider": target("Other provider", providers=["echo"]),
        "off": target("Off", is_active=False),
    }
    fail(row)
    look(1.0)
    asked = {one.target_id for one in NoticeDelivery.objects.all()}
    assert asked == {everything.pk} | {names[one].pk for one in ("tag", "kind", "provider")}


def test_recovery_is_left_out_where_a_target_does_not_want_it(row: Connection):
    target("All"), target("Begins", tells_recovery=False)
    fail(row)
    look(1.0)
    forget_failures(row)
    look(10.0), look(71.0)
    told_of = {one.target.name: len(one.parts) for one in NoticeDelivery.objects.all()}
    assert told_of == {"All": 2, "Begins": 1}

"""Each act in the gateway leaves exactly one event, done or refused. The table names every service
that changes something, the list every other one.
"""

import json
from dataclasses import dataclass
from datetime import timedelta
from importlib import import_module
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from connections.models import AuditEvent, Connection, Snooze
from gateway.attention import services as attention
from gateway.models import Notice, NoticeDelivery, NoticeTarget, UsageRecord
from gateway.notices import services as notices
from gateway.notices.services import outbox
from gateway.usage import deletion, retention
from tests.event_doors import Door, doors_of, judge, left_in
from tests.fakes import connect
from tests.gateway.attention.test_attention import fail
from tests.gateway.notices.targets import SECRET_PATH, target
from tests.gateway.records import used

TARGETS = import_module("gateway.notices.services.targets")  # its name is that of a service too

pytestmark = [pytest.mark.django_db, pytest.mark.server]


@dataclass
class World:
    """Who acts, a target, and a connection that fails."""

    ada: User
    vera: User
    hook: NoticeTarget
    ill: Connection


@pytest.fixture
def world(fake: Any, administrator: Any, viewer: Any, monkeypatch: pytest.MonkeyPatch) -> World:
    ill = connect(name="Ill")
    fail(ill)
    monkeypatch.setattr(TARGETS, "send_webhook", lambda *_anything: None)
    monkeypatch.setattr(outbox, "_start", outbox.deliver)
    return World(administrator, viewer, target(), ill)


def new_target(actor: Any, name: str = "New") -> Any:
    return notices.create_target(
        "webhook", f"http://127.0.0.1:9/{SECRET_PATH}", actor=actor, name=name
    )


def waiting(w: World) -> NoticeTarget:
    NoticeDelivery.objects.create(target=w.hook, parts=[], due=0.0)
    return w.hook


def old_notice() -> None:
    columns = {"kind": "failing", "event": "began", "severity": "critical", "items": []}
    Notice.objects.create(**columns)
    Notice.objects.update(at=timezone.now() - timedelta(days=4000))


def snooze(w: World, **more: Any) -> list[Snooze]:
    values = {"reason": "Known.", "until": timezone.now() + timedelta(hours=1), "actor": w.ada}
    return attention.snooze_several([f"connection:{w.ill.pk}"], **(values | more))


def asleep(w: World) -> Snooze:
    until = timezone.now() + timedelta(hours=1)
    return Snooze.objects.create(fault=f"connection:{w.ill.pk}", was="x", reason="x", until=until)


def old_usage() -> UsageRecord:
    used(started_at=timezone.now() - timedelta(days=4000))
    return UsageRecord.objects.latest("pk")


GATEWAY = {
    "notices.services.create_target": Door(
        "notice_target.create", lambda w: new_target(w.ada), lambda w: new_target(w.vera)
    ),
    "notices.services.update_target": Door(
        "notice_target.update",
        lambda w: notices.update_target(
            w.hook, {"name": "Other", "address": "https://example.com/a"}, actor=w.ada
        ),
        lambda w: notices.update_target(w.hook, {"name": ""}, actor=w.ada),
    ),
    "notices.services.delete_target": Door(
        "notice_target.delete",
        lambda w: notices.delete_target(w.hook, actor=w.ada),
        lambda w: notices.delete_target(w.hook, actor=w.vera),
    ),
    "notices.services.renew_secret": Door(
        "notice_key.renew",
        lambda w: notices.renew_secret(w.hook, actor=w.ada),
        lambda w: notices.renew_secret(w.hook, actor=w.vera),
    ),
    "notices.services.test_target": Door(
        "notice_target.test",
        lambda w: notices.test_target(w.hook, actor=w.ada),
        lambda w: notices.test_target(w.hook, actor=w.vera),
    ),
    "notices.services.retry_waiting": Door(
        "notices.retry",
        lambda w: notices.retry_waiting(waiting(w), actor=w.ada),
        lambda w: notices.retry_waiting(w.hook, actor=w.vera),
    ),
    "notices.services.prune": Door(
        "notices.prune", lambda _w: (old_notice(), notices.prune()), None
    ),
    "attention.services.snooze_several": Door(
        "snooze.create", snooze, lambda w: snooze(w, reason="")
    ),
    "attention.services.snooze": Door(
        "snooze.create",
        lambda w: attention.snooze(
            f"connection:{w.ill.pk}",
            reason="Known.",
            until=timezone.now() + timedelta(hours=1),
            actor=w.ada,
        ),
        lambda w: attention.snooze("x", reason="", until=timezone.now(), actor=w.vera),
    ),
    "attention.services.wake": Door(
        "snooze.end",
        lambda w: attention.wake(asleep(w), actor=w.ada),
        lambda w: attention.wake(asleep(w), actor=w.vera),
    ),
    "usage.retention.prune": Door(
        "usage.prune", lambda _w: (old_usage(), retention.prune(400, 400)), None
    ),
    "usage.retention.prune_by_settings": Door(
        "usage.prune", lambda _w: (old_usage(), retention.prune_by_settings()), None
    ),
    "usage.deletion.delete_record": Door(
        "usage.delete",
        lambda w: deletion.delete_record(old_usage(), actor=w.ada),
        lambda w: deletion.delete_record(old_usage(), actor=w.vera),
    ),
    "usage.deletion.clean_up": Door(
        "usage.prune",
        lambda w: (old_usage(), deletion.clean_up(actor=w.ada)),
        lambda w: deletion.clean_up(actor=w.vera),
    ),
}
# What tells, and what the machine does all the time: docs/audit.md
OTHERS = {
    *(f"notices.services.{one}" for one in ("targets", "team_for", "teams_for", "notices")),
    *(f"notices.services.{one}" for one in ("unread", "seen_to", "told_to", "waiting")),
    *(f"notices.services.{one}" for one in ("headline", "notice_data", "signature")),
    *(f"notices.services.{one}" for one in ("schedule_clock", "declare_jobs", "mark_seen")),
    *(f"notices.services.{one}" for one in ("look", "tell", "deliver", "send_due")),
    *("notices.services.wait_for_senders", "notices.services.send_webhook"),
    *("attention.services.attention", "attention.services.snoozes"),
    "usage.retention.keep_partitions",  # whose pruning is `prune_by_settings`
}


def test_every_service_is_in_the_table_or_among_the_others():
    assert doors_of((notices, attention, retention, deletion)) == {*GATEWAY, *OTHERS}


def test_each_act_leaves_one_event_done_or_refused(world: World):
    judge(GATEWAY, world)
    assert SECRET_PATH not in json.dumps([*AuditEvent.objects.values()], default=str)


def test_what_changes_nothing_leaves_no_event(world: World):
    acts = (
        lambda w: notices.update_target(w.hook, {"name": w.hook.name}, actor=w.ada),
        lambda w: notices.update_target(w.hook, {"address": w.hook.shown}, actor=w.ada),
        lambda w: notices.retry_waiting(w.hook, actor=w.ada),
        lambda _w: notices.prune(),
        lambda _w: retention.prune(400, 400),
        lambda w: deletion.clean_up(actor=w.ada),
        lambda _w: (old_usage(), retention.prune(400, 400, dry_run=True)),
        lambda w: notices.mark_seen(1, actor=w.ada),
    )
    for act in acts:
        assert left_in(act, world) == []


def test_another_address_is_told_without_it(world: World):
    [event] = left_in(
        lambda w: notices.update_target(
            w.hook, {"address": f"http://127.0.0.1:9/other-{SECRET_PATH}"}, actor=w.ada
        ),
        world,
    )
    assert SECRET_PATH not in event.body and "http://127.0.0.1/*** changed" in event.body


def test_a_test_that_does_not_arrive_has_failed(world: World, monkeypatch: pytest.MonkeyPatch):
    def refuse(*_anything: Any) -> None:
        raise notices.NotSent("It does not answer.")

    monkeypatch.setattr(TARGETS, "send_webhook", refuse)
    [event] = left_in(lambda w: notices.test_target(w.hook, actor=w.ada), world)
    assert (event.action, event.outcome, event.code) == ("notice_target.test", "failed", "not_sent")

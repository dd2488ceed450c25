"""What is due is done, once: checks, jobs, and what becomes of them."""

import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError
from django.utils import timezone

from connections import jobs, services
from connections.audit.services import record
from connections.health.services import Call, health, note_calls
from connections.jobs import Job
from connections.models import (
    Connection,
    ConnectionCheck,
    JobRun,
    Outlook,
    PlannedCheck,
    ScheduleLease,
)
from connections.schedule.services import due_checks, overdue, run_due_once, scheduler
from connections.schedule.services.scheduler import DueWork, Scheduler
from tests.events import left_by
from tests.fakes import REFUSED, SECRET, connect, fake_provider, reload

pytestmark = pytest.mark.django_db(transaction=True)  # it works in threads


@pytest.fixture(autouse=True)
def _no_jobs(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    """No job but those of a test."""
    monkeypatch.setattr(jobs, "_declared", {})
    settings.CONNECTIONS_CHECK_MINUTES = 15


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("run_due", "--once", *arguments, stdout=out)
    return out.getvalue()


def due_again(row: Connection) -> None:
    """An interval later."""
    PlannedCheck.objects.filter(pk=row.pk).update(due=0)


def test_a_quiet_connection_is_checked_once_and_its_health_is_known(fake: Any):
    row = connect()
    said = [run(), run()]
    check = ConnectionCheck.objects.get()
    assert said[0].endswith("Checks of connections: 1 made, 0 of them failed.\n")
    assert (check.is_scheduled, check.checked_by, len(fake.asked)) == (True, None, 1)
    assert health(reload(row)).state == "ok"
    assert ScheduleLease.objects.get().holder == ""


def test_a_revoked_key_is_seen_and_asked_for_less_often(fake: Any):
    row = connect()
    fake.answer = REFUSED
    waits = []
    for _ in range(3):
        run()
        plan, lease = PlannedCheck.objects.get(), ScheduleLease.objects.get()
        waits.append(round((plan.due - lease.seconds) / 900))
        due_again(row)
    assert health(reload(row)).code == "unauthorized"
    assert (waits, plan.failures) == ([1, 2, 4], 3)


def test_a_connection_that_answered_lately_is_not_asked(fake: Any):
    row = connect()
    run()
    note_calls([Call(row.pk, row.version, "m", timezone.now())])
    due_again(row)
    run()
    assert len(fake.asked) == 1


def test_one_that_answers_is_asked_once_a_day_when_its_key_and_models_end(fake: Any):
    row = connect()
    note_calls([Call(row.pk, row.version, "m", timezone.now())])
    run()
    asked = [len(fake.asked)]
    for age in (timedelta(hours=23), timedelta(hours=25)):
        Outlook.objects.update(looked_at=timezone.now() - age)
        due_again(row)
        run()
        asked.append(len(fake.asked))
    assert asked == [1, 1, 2]


@pytest.mark.parametrize("minutes", [-60, 16])  # a clock that was set back, an interval ago
def test_an_answer_of_another_time_says_nothing(fake: Any, minutes: int):
    row = connect()
    note_calls([Call(row.pk, row.version, "m", timezone.now() - timedelta(minutes=minutes))])
    run()
    assert len(fake.asked) == 1


def test_a_change_is_checked_although_it_answered_lately(fake: Any):
    row = connect()
    run()
    note_calls([Call(row.pk, row.version + 1, "m", timezone.now())])
    services.update_connection(row, actor=None, settings={"region": "us"}, merge=True)
    run()
    assert len(fake.asked) == 2


def test_what_a_look_finds_just_after_a_step_is_not_left_out(
    fake: Any, monkeypatch: pytest.MonkeyPatch
):
    connect()
    step = DueWork.step

    def slow_step(work: DueWork) -> bool:
        is_ours = step(work)
        while work._looking.is_busy:
            time.sleep(0.001)
        return is_ours

    monkeypatch.setattr(DueWork, "step", slow_step)
    run()
    assert len(fake.asked) == 1


def test_what_is_billed_or_asks_nobody_is_never_asked():
    asked: list[Any] = []
    with (
        fake_provider(id="billed", check_cost="billed", asked=asked),
        fake_provider(id="tiny", check_cost="tiny", asked=asked),
    ):
        for name in ("billed", "tiny"):
            connect(name, name=name)
        connect("custom", name="Custom", settings={"configs": {"a": "b"}})
        run()
    assert (asked, ConnectionCheck.objects.count()) == ([], 0)


def test_what_every_surface_shows_by_itself_is_not_recorded(fake: Any):
    connect(settings={"api_key": "$Fake:Missing"})
    run()
    assert (ConnectionCheck.objects.count(), PlannedCheck.objects.get().failures) == (0, 1)


def test_a_check_that_hangs_is_ended_and_blocks_nobody(fake: Any, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(due_checks, "MOST_SECONDS", 0.3)
    with fake_provider(id="hangs", list_models=lambda self: time.sleep(2) or []):
        hanging, other = connect("hangs", name="Hangs"), connect(name="Other")
        run()
        codes = {one.connection_id: one.code for one in ConnectionCheck.objects.all()}
    assert codes == {hanging.pk: "timeout", other.pk: "ok"}


def test_a_host_is_asked_by_few_at_a_time(settings: Any):
    settings.CONNECTIONS_CHECKS_PER_HOST = 2
    seen: list[int] = []
    now: list[int] = []

    def list_models(self: Any) -> list[Any]:
        now.append(1)
        seen.append(len(now))
        time.sleep(0.03)
        now.pop()
        return []

    with fake_provider(list_models=list_models):
        for number in range(7):
            connect(name=f"Row {number}")
        run()
    assert (len(seen), max(seen)) == (7, 2)


def test_a_claimed_check_is_nobody_elses(fake: Any):
    connect()
    first, second = DueWork(is_paced=False), DueWork(is_paced=False)
    first.lease.acquire()
    first._planner.look(first.lease.now)
    rows = list(PlannedCheck.objects.all()), list(PlannedCheck.objects.all())
    assert [len(due_checks._claimed(one, 5.0)) for one in rows] == [1, 0]
    assert second.step() is False


def test_a_fault_in_a_provider_ends_no_other_check(fake: Any):
    def broken(self: Any) -> Any:
        raise RuntimeError(SECRET)

    with fake_provider(id="broken", list_models=broken):
        connect("broken", name="Broken")
        connect()
        assert "1 made" in run()


# Jobs


def declare(name: str, act: Callable[[], str], **every: float) -> None:
    jobs.declare(Job(name, name.title(), timedelta(**(every or {"days": 1})), act))


def test_a_job_runs_once_in_its_time_and_says_what_it_did():
    ran: list[int] = []
    declare("count", lambda: f"Run {ran.append(1) or len(ran)}.")
    said = [run(), run()]
    row = JobRun.objects.get()
    assert ("Count: Run 1.\n" in said[0], "Count" in said[1], len(ran)) == (True, False, 1)
    assert (row.is_ok, row.said, row.started_at is not None) == (True, "Run 1.", True)


def test_a_job_that_fails_tells_no_secret_and_ends_the_command_with_1():
    def act() -> str:
        raise RuntimeError(SECRET)

    declare("broken", act)
    declare("works", lambda: "Done.")
    out = StringIO()
    with pytest.raises(CommandError, match="Failed: broken") as raised:
        call_command("run_due", "--once", stdout=out)
    assert ("Works: Done." in out.getvalue(), raised.value.returncode) == (True, 1)
    assert SECRET not in out.getvalue() + JobRun.objects.get(name="broken").said
    assert "Broken failed" in overdue()[0]


def test_what_a_job_does_is_an_act_of_the_schedule_and_says_which_job():
    declare("tidy", lambda: str(record(actor=None, action="flow_reads.prune")))
    [event] = left_by(run)
    assert (event.surface, event.actor_kind, event.actor_name) == ("schedule", "schedule", "tidy")


def test_checks_and_jobs_that_change_nothing_leave_no_event(fake: Any):
    connect()
    declare("count", lambda: "Done.")
    assert left_by(run) == []


def test_a_job_that_is_not_declared_any_more_is_forgotten():
    JobRun.objects.create(name="old", due=0)
    run()
    assert not JobRun.objects.exists()


# The worker


@pytest.fixture
def worker(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scheduler]:
    settings.RUN_DUE = True
    monkeypatch.setattr(scheduler, "STEP_EVERY", 0.02)
    monkeypatch.setattr(scheduler, "BEAT_EVERY", 0.05)
    found = Scheduler()
    yield found
    found.stop()


def eventually(holds: Callable[[], bool]) -> bool:
    """True as soon as it holds, False if it does not within ten seconds."""
    until = time.monotonic() + 10
    while time.monotonic() < until and not holds():
        time.sleep(0.02)
    return holds()


def test_a_worker_runs_what_is_due_and_gives_the_lease_back(fake: Any, worker: Scheduler):
    connect()
    worker.start()
    assert eventually(lambda: ConnectionCheck.objects.exists())
    assert "Another process" in run()
    worker.stop()
    assert ScheduleLease.objects.get().holder == ""


def test_without_the_setting_a_worker_runs_nothing(worker: Scheduler, settings: Any):
    settings.RUN_DUE = False
    worker.start()
    assert worker._thread is None


def test_a_database_that_is_away_is_told_once_and_waited_for(
    fake: Any, worker: Scheduler, monkeypatch: pytest.MonkeyPatch, caplog: Any
):
    tries: list[int] = []
    step = DueWork.step

    def away(work: DueWork) -> bool:
        tries.append(1)
        if len(tries) < 5:
            raise OperationalError
        return step(work)

    monkeypatch.setattr(DueWork, "step", away)
    connect()
    worker.start()
    assert eventually(lambda: ConnectionCheck.objects.exists())
    assert [one.message for one in caplog.records if "runs by itself" in one.message] == [
        "Nothing runs by itself for now, the database does not answer (OperationalError)"
    ]


def test_the_command_says_that_the_database_is_away(monkeypatch: pytest.MonkeyPatch):
    def away(_work: DueWork) -> bool:
        raise OperationalError

    monkeypatch.setattr(DueWork, "step", away)
    with pytest.raises(CommandError, match="The database does not answer"):
        call_command("run_due", "--once")


def test_a_run_counts_what_is_left(fake: Any, monkeypatch: pytest.MonkeyPatch):
    for number in range(3):
        connect(name=f"Number {number}")
    monkeypatch.setattr(scheduler, "COUNT_EVERY", 0.0)
    counted: list[tuple[int, int]] = []
    assert run_due_once(lambda *_: None, lambda *how: counted.append(how)) is not None
    assert counted[-1] == (3, 3) and all(done <= total <= 3 for done, total in counted)


def test_a_lost_lease_ends_a_run(fake: Any):
    connect()
    declare("steal", lambda: f"{ScheduleLease.objects.update(holder='another')} stolen.")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("connections.schedule.services.lease.BEAT_EVERY", 0.0)
        assert run_due_once(lambda *_: None) is None
    assert ScheduleLease.objects.get().holder == "another"

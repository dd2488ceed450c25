"""Bulk tests: in threads, with how far they are; cancelled, taken over, summed up."""

import threading
import time
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from connections import services
from connections.models import Connection, Task
from tests.fakes import connect, fake_provider, reload

pytestmark = pytest.mark.django_db


def begun(rows: list[Connection], actor: Any) -> Task:
    """A bulk test whose thread was not started, since nothing is committed here."""
    return services.begin_bulk_test(rows, actor=actor)


def test_each_outcome_is_its_own_and_the_reasons_are_grouped(fake, operator):
    good, bad = connect(name="Good"), connect(name="Bad", settings={"api_key": "$Fake:ApiKey"})
    gone = connect(name="Gone")
    task = begun([good, bad, gone], operator)
    gone.delete()
    services.run_bulk_test(task)
    summary = services.bulk_test_summary(task)
    assert (summary.worked, summary.failed, summary.waiting) == (1, 2, 0)
    assert {(number, tuple(names)) for _, number, names in summary.reasons} == {
        (1, ("Bad",)),
        (1, ("Gone",)),
    }
    assert reload(good).last_check.success and reload(bad).last_check.checked_by == operator
    task.refresh_from_db()
    assert task.ended_at and task.done == 3


def test_they_run_side_by_side_within_the_limit_of_a_host(operator, settings):
    settings.CONNECTIONS_CHECKS_PER_HOST = 3
    together, most, now = threading.Barrier(3, timeout=10), [], []

    def models(_self: Any) -> list[Any]:
        now.append(1)
        most.append(len(now))
        together.wait()
        time.sleep(0.05)  # one too many comes in now
        now.pop()
        return []

    # a host of its own: that of the other tests has had its limit since it was first asked
    asks = "GET https://limited.example.com/v1/models"
    with fake_provider(id="limited", asks=asks, list_models=models):
        task = begun([connect("limited", name=f"Number {number}") for number in range(6)], operator)
        services.run_bulk_test(task)
    assert max(most) == 3 and services.bulk_test_summary(task).worked == 6


def test_a_cancelled_one_asks_nobody_else(fake, operator, settings):
    settings.CONNECTIONS_CHECKS_AT_ONCE = 2
    task = begun([connect(name=f"Number {number}") for number in range(8)], operator)
    services.cancel_task(task.pk, actor=operator)
    services.run_bulk_test(task)
    summary = services.bulk_test_summary(task)
    assert summary.worked < 8 and summary.waiting == 8 - summary.worked
    task.refresh_from_db()
    assert task.ended_at


def test_a_person_runs_one_at_a_time_and_two_people_two(fake, operator, administrator):
    row = connect()
    begun([row], operator)
    begun([row], administrator)
    with pytest.raises(services.Throttled, match="is running"):
        begun([row], operator)


def test_one_whose_process_is_gone_is_gone_on_with(fake, operator, monkeypatch):
    task = begun([connect()], operator)
    started: list[Task] = []
    monkeypatch.setattr("connections.services.bulk_tests._start", started.append)
    services.resume_bulk_tests()
    assert started == []
    Task.objects.update(beat_at=timezone.now() - timedelta(minutes=1))
    services.resume_bulk_tests()
    services.run_bulk_test(started[0])
    assert services.bulk_test_summary(task).worked == 1
    assert not services.beat(task, 1, 1)

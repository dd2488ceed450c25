"""Writers of events do not wait for each other, and none breaks another's chain."""

import threading
from typing import Any

import pytest
from django.db import connection as database
from django.db import connections, transaction

from connections.audit.services import Subject, record, verify
from connections.models import AuditChain, AuditEvent

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.server]


def leave_event(name: str) -> None:
    record(Subject("team", name, name), actor=None, action="team.create")


def in_threads(*acts: Any) -> None:
    def run(act: Any) -> None:
        try:
            act()
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(one,)) for one in acts]
    for one in threads:
        one.start()
    for one in threads:
        one.join()


def test_many_writers_at_once_leave_whole_chains():
    in_threads(
        *[lambda at=at: [leave_event(f"{at}-{one}") for one in range(10)] for at in range(6)]
    )
    report = verify()
    assert (report.problems, report.events) == ([], 60)


def test_an_act_that_takes_long_holds_nobody_up_and_may_be_taken_back():
    """On SQLite writers wait for each other in any case."""
    began, may_end = threading.Event(), threading.Event()

    def long() -> None:
        with transaction.atomic():
            leave_event("long")
            began.set()
            may_end.wait(10)
            transaction.set_rollback(True)

    def short() -> None:
        began.wait(10)
        if database.vendor == "sqlite":
            may_end.set()
        leave_event("short")
        may_end.set()

    in_threads(long, short)
    assert [one.object_name for one in AuditEvent.objects.all()] == ["short"]
    assert verify().problems == []
    assert AuditChain.objects.count() == 1

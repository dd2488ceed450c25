"""Counting while others write and count, as PostgreSQL lets them: at once, and ids out of order."""

import threading
from collections.abc import Iterator

import pytest
from django.db import OperationalError, connection, transaction

from gateway.models import UsageTotal
from gateway.usage import counting
from tests.gateway.records import used

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.server]


def in_totals() -> int:
    """The number of requests that totals have."""
    rows = UsageTotal.objects.filter(dimension="all", minutes=1440)
    return sum(rows.values_list("requests", flat=True))


@pytest.fixture
def writer() -> Iterator[tuple[threading.Event, threading.Event]]:
    """Somebody who has written a record and does not commit it before they are told to: whether it
    is written, and the word to go on.
    """
    written, go_on = threading.Event(), threading.Event()

    def write() -> None:
        with transaction.atomic():
            used()
            written.set()
            go_on.wait(20)
        connection.close()

    thread = threading.Thread(target=write)
    thread.start()
    assert written.wait(20)
    yield thread, go_on
    go_on.set()
    thread.join()


def test_a_record_that_is_committed_late_is_not_left_out(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
):
    used()
    counting.count_all()
    thread, go_on = request.getfixturevalue("writer")
    if connection.vendor == "postgresql":
        used()  # its id is greater than that of the record which is not committed
        with pytest.raises(OperationalError):
            counting.count_new()
        assert in_totals() == 1
    go_on.set()
    thread.join()
    counting.count_all()
    assert in_totals() == (3 if connection.vendor == "postgresql" else 2)


def test_two_who_count_at_once_count_each_record_once(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(counting, "CHUNK", 3)
    for _ in range(20):
        used()
    failures: list[Exception] = []

    def count() -> None:
        try:
            counting.count_all()
        except Exception as error:  # noqa: BLE001 of any kind
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=count) for _ in range(2)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert not failures and in_totals() == 20

"""Several workers and instances at once: each change is told once, each message sent once."""

import threading
from collections.abc import Callable

import pytest
from django.db import connection as database

from connections.locks import retried
from connections.models import Connection
from gateway.models import Notice, NoticeDelivery
from gateway.notices import services
from gateway.notices.services import outbox
from tests.httpserver import HttpServer

from ..attention.test_attention import fail
from .targets import target

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.server]
WORKERS = 6


def at_once(act: Callable[[], object]) -> None:
    """Calls it in several threads at the same moment, each with its database connection."""
    gate = threading.Barrier(WORKERS)

    def run() -> None:
        gate.wait(20)
        try:
            act()
        finally:
            database.close()

    threads = [threading.Thread(target=run) for _ in range(WORKERS)]
    for one in threads:
        one.start()
    for one in threads:
        one.join(60)


def test_a_change_is_told_once_and_its_message_sent_once(row: Connection):
    with HttpServer() as server:
        target(url=f"{server.url}/")
        fail(row)
        at_once(lambda: services.look(100.0))
        assert Notice.objects.count() == NoticeDelivery.objects.count() == 1
        at_once(lambda: retried(services.send_due)(101.0))
        services.wait_for_senders(20)
        assert len(server.requests) == 1
    assert NoticeDelivery.objects.get().state == "sent" and not outbox._threads

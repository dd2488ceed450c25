"""Several workers and instances at once: each change is told once, each message sent once."""

import os
import subprocess
import sys
import threading
from collections.abc import Callable

import pytest
from django.conf import settings
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
PROGRAM = """
import sys, django
django.setup()
from gateway.notices import services
print("ready", flush=True)
sys.stdin.readline()
services.look(100.0)
services.send_due(101.0)
services.wait_for_senders(20)
"""


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


def program(address: str) -> "subprocess.Popen[str]":
    """A process of its own on the database at this address, which looks and sends when told to."""
    environment = {
        "PATH": os.environ["PATH"],
        "DJANGO_SETTINGS_MODULE": "backoffice.settings",
        "DATABASE_URL": address,
        "SECRET_KEY": settings.SECRET_KEY,
        "FERNET_KEYS": ",".join(settings.FERNET_KEYS),
        "RUN_DUE": "false",
    }
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM],
        env=environment,
        cwd=settings.BASE_DIR,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_two_processes_tell_once_and_send_once(row: Connection):
    found = database.settings_dict
    at = f"{found['USER']}:{found['PASSWORD']}@{found['HOST']}:{found['PORT']}"
    is_file = database.vendor == "sqlite"
    address = f"sqlite:///{found['NAME']}" if is_file else f"postgres://{at}/{found['NAME']}"
    with HttpServer() as server:
        target(url=f"{server.url}/")
        fail(row)
        both = [program(address) for _ in range(2)]
        assert [one.stdout.readline() for one in both if one.stdout] == ["ready\n"] * 2
        for one in both:
            assert one.stdin is not None
            one.stdin.write("go\n")
            one.stdin.flush()
        assert [one.wait(60) for one in both] == [0, 0]
        assert Notice.objects.count() == NoticeDelivery.objects.count() == 1
        assert NoticeDelivery.objects.get().state == "sent" and len(server.requests) == 1

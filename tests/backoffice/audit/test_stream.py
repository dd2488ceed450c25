"""Events reach other systems: in order, all of them, also when these were away."""

import json
import socket
import ssl
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection as database
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from backoffice.audit.stream import services
from backoffice.audit.stream.senders import send
from backoffice.audit.stream.syslog import message_of
from connections.audit.services import Subject, read_targets, record
from connections.models import AuditChain, AuditEvent, AuditStream
from gateway.attention.faults import faults
from gateway.notices.services import NotSent, signature
from tests.httpserver import Answer, HttpServer
from tests.people import browser

SECRET = "whsec_c3dpdGNoYm9hcmQtYXVkaXQtc2VjcmV0LTAxMjM="
pytestmark = [pytest.mark.django_db, pytest.mark.server]


@pytest.fixture(autouse=True)
def signed(settings: Any) -> None:
    settings.AUDIT_STREAM_SECRET = SECRET


def happen(*names: str) -> list[AuditEvent]:
    return [
        record(Subject("connection", "1", name), actor=None, action="connection.update")  # type: ignore[misc]
        for name in names
    ]


def target(url: str) -> Any:
    (found,) = read_targets([url])
    return found


def names(documents: list[dict[str, Any]]) -> list[str]:
    return [one["objectName"] for one in documents]


class Listener:
    """A server of syslog over TCP, that may go away and come back."""

    def __init__(self, port: int = 0, context: ssl.SSLContext | None = None) -> None:
        self.socket = socket.create_server(("127.0.0.1", port))
        self.port = self.socket.getsockname()[1]
        self.context, self.got = context, b""
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _serve(self) -> None:
        while True:
            try:
                caller, _ = self.socket.accept()
            except OSError:
                return
            with caller:
                while data := caller.recv(65536):
                    self.got += data

    def close(self) -> None:
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        self.thread.join(5)

    def messages(self) -> list[bytes]:
        found, rest = [], self.got
        while rest:
            length, _, rest = rest.partition(b" ")
            found.append(rest[: int(length)])
            rest = rest[int(length) :]
        return found


def document(message: bytes) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(message.partition(b"\xef\xbb\xbf")[2])
    return found


@pytest.fixture
def hook() -> Iterator[HttpServer]:
    with HttpServer() as server:
        yield server


def test_a_webhook_gets_what_is_new_once_and_signed(hook: HttpServer):
    there = target(f"{hook.url}/audit")
    happen("a", "b")
    assert services.deliver(there) == 2
    assert services.deliver(there) == 0
    happen("c")
    assert services.deliver(there) == 1
    first, second = (json.loads(one.body) for one in hook.requests)
    assert (names(first["events"]), names(second["events"])) == (["a", "b"], ["c"])
    sent = hook.requests[0]
    (key,), (at,) = sent.values("webhook-id"), sent.values("webhook-timestamp")
    assert sent.values("webhook-signature") == [signature(SECRET, key, int(at), sent.body)]
    assert first["events"][0]["digest"] == AuditEvent.objects.earliest("number").digest


def test_an_outage_is_caught_up_in_order_and_said(hook: HttpServer, monkeypatch: Any):
    there = target(f"{hook.url}/audit?token=zqb-secret")
    happen("a")
    monkeypatch.setattr(hook, "answer", lambda _request: Answer(503))
    assert services.deliver(there) == 0
    row = AuditStream.objects.get()
    assert row.failing_since and row.retry_at and row.failures == 1 and "503" in row.last_error
    assert "zqb" not in f"{row.name} {row.last_error} {there!r}"
    happen("b")
    monkeypatch.setattr(hook, "answer", lambda _request: Answer(204))
    assert services.deliver(there) == 2
    assert names(json.loads(hook.requests[-1].body)["events"]) == ["a", "b"]
    row.refresh_from_db()
    assert row.failing_since is None and row.sent == 2 and row.last_error == ""


def test_batches_keep_the_order(hook: HttpServer, monkeypatch: Any):
    from backoffice.audit.stream import reading

    monkeypatch.setattr(reading.next_events, "__defaults__", (2,))
    happen("a", "b", "c", "d", "e")
    assert services.deliver(target(hook.url)) == 5
    found = [name for one in hook.requests for name in names(json.loads(one.body)["events"])]
    assert found == ["a", "b", "c", "d", "e"] and len(hook.requests) == 3


def test_syslog_over_tcp_goes_away_and_comes_back():
    listener = Listener()
    there = target(f"syslog+tcp://127.0.0.1:{listener.port}")
    happen("a")
    assert services.deliver(there) == 1
    listener.close()
    happen("b", "c")
    assert services.deliver(there) == 0
    again = Listener(listener.port)
    assert services.deliver(there) == 2
    again.close()
    found = [*listener.messages(), *again.messages()]
    assert names([document(one) for one in found]) == ["a", "b", "c"]
    assert found[0].startswith(b"<109>1 20") and b" switchboard - connection.update - " in found[0]


def test_syslog_over_udp_is_a_datagram_an_event():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.bind(("127.0.0.1", 0))
        one.settimeout(5)
        happen("a", "b")
        assert services.deliver(target(f"syslog+udp://127.0.0.1:{one.getsockname()[1]}")) == 2
        assert names([document(one.recv(65536)) for _ in range(2)]) == ["a", "b"]


def test_a_file_gets_a_line_an_event(tmp_path: Path):
    path = tmp_path / "audit.jsonl"
    there = target(f"file://{path}")
    happen("a")
    services.deliver(there)
    happen("b")
    services.deliver(there)
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert names(lines) == ["a", "b"] and path.stat().st_mode & 0o077 == 0


def test_the_guard_holds_for_every_kind(settings: Any):
    events = happen("a")
    for kind in ("https", "syslog+udp", "syslog+tcp", "syslog+tls"):
        with pytest.raises(NotSent, match=r"metadata|link-local|never"):
            send(target(f"{kind}://169.254.169.254"), events)
    settings.CONNECTIONS_EGRESS_ALLOW = ["siem.example"]
    with pytest.raises(NotSent, match="CONNECTIONS_EGRESS_ALLOW"):
        send(target("syslog+tcp://other.example"), events)


def test_only_one_process_sends(hook: HttpServer):
    there = target(hook.url)
    happen("a")
    now = timezone.now()
    AuditStream.objects.create(
        name=there.name, since=now.date(), lease="other", lease_until=now + timedelta(seconds=60)
    )
    assert services.deliver(there) == 0 and hook.requests == []
    AuditStream.objects.update(lease_until=now - timedelta(seconds=1))
    assert services.deliver(there) == 1


def test_whoever_lost_the_lease_keeps_no_place(hook: HttpServer, monkeypatch: Any):
    there = target(hook.url)
    happen("a")

    def taken_over(*_: Any) -> None:
        AuditStream.objects.update(lease="other")

    monkeypatch.setattr(services, "send", taken_over)
    assert services.deliver(there) == 0
    assert AuditStream.objects.get().places == {}


def test_what_was_deleted_for_its_age_holds_nothing_up(hook: HttpServer):
    there = target(hook.url)
    happen("a")
    AuditEvent.objects.all().delete()
    assert services.deliver(there) == 0
    assert services.waiting(AuditStream.objects.get()) == 0


def test_targets_that_make_no_sense_are_refused(settings: Any):
    wrong = {
        "ftp://x": "begins with none",
        "https://": "no host",
        "syslog+udp://": "no host",
        "file://x/y": "whole path",
        "syslog+tcp://x:99999": "not an address",
    }
    for text, said in wrong.items():
        with pytest.raises(ValueError, match=said):
            read_targets([text])
    with pytest.raises(ValueError, match="two targets"):
        read_targets(["https://x/a", "https://x/b"])
    settings.AUDIT_STREAM_SECRET = ""
    with pytest.raises(ValueError, match="AUDIT_STREAM_SECRET"):
        read_targets(["https://x/zqb"])


def test_a_message_of_syslog_that_is_too_long_goes_without_its_body():
    (event,) = happen("a")
    event.body = json.dumps({"detail": {"x": "y" * 70_000}})
    found = message_of(event, 60_000)
    assert len(found) < 5000 and document(found)["body"] == {"cut": True}


@pytest.mark.django_db(transaction=True)
def test_an_event_whose_transaction_ends_late_is_not_missed(hook: HttpServer):
    """The first transaction has the lower id and ends last."""
    if database.vendor != "postgresql":
        return  # SQLite has one writer at a time
    there = target(hook.url)
    has_written, may_end = threading.Event(), threading.Event()

    def late() -> None:
        try:
            with transaction.atomic():
                happen("late")
                has_written.set()
                may_end.wait(10)
        finally:
            database.close()

    thread = threading.Thread(target=late)
    thread.start()
    has_written.wait(10)
    (early,) = happen("early")
    assert services.deliver(there) == 1
    may_end.set()
    thread.join(10)
    assert services.deliver(there) == 1
    found = [name for one in hook.requests for name in names(json.loads(one.body)["events"])]
    assert found == ["early", "late"]
    assert AuditEvent.objects.get(object_name="late").pk < early.pk
    assert AuditChain.objects.count() == 2


def test_a_target_that_stays_away_is_a_fault_and_said_on_a_page(
    hook: HttpServer, settings: Any, administrator: Any, operator: Any, monkeypatch: Any
):
    settings.AUDIT_STREAM = [f"{hook.url}/audit?token=zqb-secret"]
    happen("a")
    monkeypatch.setattr(hook, "answer", lambda _request: Answer(503))
    (there,) = read_targets(settings.AUDIT_STREAM)
    services.deliver(there)
    assert [one for one in faults() if one.kind == "stream"] == []
    services.deliver(there)
    (fault,) = [one for one in faults() if one.kind == "stream"]
    assert fault.subject.pk == there.name
    told = browser(administrator).get("/attention/").text
    page = browser(administrator).get(reverse("audit-streams")).text
    assert there.name in told and "status 503" in told
    assert "Away" in page and "zqb" not in page + told
    assert there.name not in browser(operator).get("/attention/").text
    assert browser(operator).get(reverse("audit-streams")).status_code == 403
    monkeypatch.setattr(hook, "answer", lambda _request: Answer(204))
    services.deliver(there)
    assert [one for one in faults() if one.kind == "stream"] == []


def test_the_job_begins_a_thread_only_where_something_is_new(settings: Any, monkeypatch: Any):
    settings.AUDIT_STREAM = ["syslog+udp://127.0.0.1:9"]
    begun: list[str] = []
    monkeypatch.setattr(services, "_run", lambda target: begun.append(target.name))
    services.stream()
    happen("a")
    services.stream()
    AuditStream.objects.update(retry_at=timezone.now() + timedelta(seconds=60))
    services.stream()
    assert begun == ["syslog+udp://127.0.0.1:9"]

"""Messages to targets: signed, claimed once, tried again, given up, and never in anybody's way."""

import base64
import hashlib
import hmac
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, time
from typing import Any

import pytest

from connections.models import Connection
from connections.services import Invalid
from gateway.attention.faults import faults
from gateway.attention.kinds import KINDS
from gateway.models import NoticeDelivery, NoticeTarget
from gateway.notices import services
from gateway.notices.services import outbox, rules, senders, words
from gateway.notices.services.looking import look
from gateway.notices.services.outbox import PAUSES, deliver, send_due
from tests.documents.blocks import blocks_of
from tests.documents.printed import shape
from tests.fakes import OLDER_KEY, connect
from tests.httpserver import Answer, HttpServer

from ..attention.test_attention import fail
from .targets import SECRET_PATH, target

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def in_this_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is due is sent before `send_due` returns, in the transaction of the test."""
    monkeypatch.setattr(outbox, "_start", deliver)


@pytest.fixture
def hook() -> Iterator[HttpServer]:
    with HttpServer() as server:
        yield server


def told_of(row: Connection, clock: float = 100.0) -> None:
    """A fault, and a look at it."""
    fail(row)
    look(clock)


@pytest.mark.server
def test_a_message_whose_target_was_deleted_meanwhile_is_let_go(row: Connection, hook: HttpServer):
    services.create_target("webhook", f"{hook.url}/x", actor=None, name="Hook")
    told_of(row)
    key = NoticeDelivery.objects.get().pk
    NoticeTarget.objects.all().delete()
    deliver(key, 101.0)
    assert hook.requests == []


def test_a_webhook_is_signed_as_standard_webhooks_has_it(row: Connection, hook: HttpServer):
    _, secret = services.create_target("webhook", f"{hook.url}/x", actor=None, name="Hook")
    told_of(row)
    assert send_due(101.0) == 1
    (asked,) = hook.requests
    key, timestamp = asked.values("webhook-id")[0], asked.values("webhook-timestamp")[0]
    signed = f"{key}.{timestamp}.".encode() + asked.body
    code = hmac.new(base64.b64decode(secret.removeprefix("whsec_")), signed, hashlib.sha256)
    assert asked.values("webhook-signature") == [f"v1,{base64.b64encode(code.digest()).decode()}"]
    assert key == str(NoticeDelivery.objects.get().pk)


def test_the_body_says_what_happened(row: Connection, hook: HttpServer):
    Connection.objects.update(tags=["production"])
    row.refresh_from_db()
    target(url=f"{hook.url}/")
    told_of(row)
    send_due(101.0)
    body = json.loads(hook.requests[0].body)
    (notice,) = body["data"]["notices"]
    assert body["type"] == "switchboard.notices.v1" and body["data"]["summary"] == "Main fails"
    assert (notice["event"], notice["kind"], notice["severity"]) == ("began", "failing", "critical")
    (item,) = notice["items"]
    assert item["connections"] == [{"id": str(row.pk), "alias": row.alias, "name": "Main"}]
    assert item["providers"] == ["fake"]
    (shown,) = [one for one in blocks_of("docs/notices.md") if one.language == "json"]
    assert shape(json.loads(shown.text)) == shape(body)


@pytest.mark.server
def test_what_is_due_is_sent_once(row: Connection, hook: HttpServer):
    target(url=f"{hook.url}/")
    told_of(row)
    assert [send_due(101.0), send_due(101.0), send_due(500.0)] == [1, 0, 0]
    assert len(hook.requests) == 1


@pytest.mark.server
def test_a_message_that_another_process_has_claimed_is_left_to_it(row: Connection, hook: Any):
    target(url=f"{hook.url}/")
    told_of(row)
    NoticeDelivery.objects.update(due=101.0 + outbox.CLAIM, attempts=1)
    assert send_due(102.0) == 0
    assert send_due(102.0 + outbox.CLAIM) == 1  # that process was killed


@pytest.mark.server
def test_a_refusal_is_tried_again_later_and_given_up_in_the_end(row: Connection):
    with HttpServer(default=Answer(500)) as server:
        made = target(url=f"{server.url}/")
        told_of(row)
        clock = 101.0
        for pause in PAUSES:
            assert send_due(clock) == 1 and send_due(clock + pause - 1) == 0
            clock += pause
        send_due(clock)
        send_due(clock + 90_000)
    assert len(server.requests) == 6
    assert {one.values("webhook-id")[0] for one in server.requests} == {
        str(NoticeDelivery.objects.get().pk)
    }
    sent = NoticeDelivery.objects.get()
    assert sent.state == "given_up" and sent.date_done
    assert sent.error == "It answered with status 500. It was given up after 6 tries."
    (fault,) = [one for one in faults() if one.kind == "target"]
    assert fault.subject == made


@pytest.mark.server
def test_a_target_that_is_back_is_no_fault_any_more(row: Connection, hook: HttpServer):
    made = target(url=f"{hook.url}/")
    NoticeTarget.objects.update(failing_since=datetime.now(UTC), last_error="It was away.")
    assert services.test_target(made, actor=None).success
    assert [one for one in faults() if one.kind == "target"] == []


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (Answer(302, headers={"Location": "http://169.254.169.254/"}), "redirects"),
        (Answer(500, {"said": "x" * 100_000}), "It answered with status 500."),
        (Answer(raw=b"nonsense\r\n\r\n"), "cannot be reached"),
        (Answer(raw=b"HTTP/1.1 200 OK\r\nX: " + b"x" * 300_000), "too large"),
    ],
    ids=["redirect", "500", "nonsense", "huge head"],
)
def test_a_bad_answer_has_a_sentence(answer: Answer, text: str):
    with HttpServer(default=answer) as server:
        outcome = services.test_target(target(url=f"{server.url}/"), actor=None)
    assert not outcome.success and text in outcome.message
    assert len(server.requests) == 1


def test_a_webhook_that_hangs_takes_some_seconds_at_most(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(senders, "WEBHOOK_SECONDS", 0.2)
    with HttpServer(default=Answer(seconds=30)) as server:
        outcome = services.test_target(target(url=f"{server.url}/"), actor=None)
    assert outcome.message == "It did not answer within 0.2 seconds."


def test_a_body_that_never_ends_is_not_read():
    endless = b"HTTP/1.1 200 OK\r\nContent-Length: 9999999999\r\n\r\nx"
    with HttpServer(default=Answer(raw=endless)) as server:
        assert services.test_target(target(url=f"{server.url}/"), actor=None).success


def test_a_name_that_leads_to_metadata_is_not_asked(monkeypatch: pytest.MonkeyPatch):
    made = target(url="http://hooks.example:9/")
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("169.254.169.254", 9))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    outcome = services.test_target(made, actor=None)
    assert "link-local or cloud metadata address" in outcome.message


@pytest.mark.server
def test_messages_to_a_target_are_gathered(row: Connection, hook: HttpServer, fake: Any):
    target(url=f"{hook.url}/")
    told_of(row)
    send_due(101.0)
    for number in range(3):
        told_of(connect(name=f"Later {number}"), 103.0 + number)
        send_due(103.0 + number)
    assert len(hook.requests) == 1
    send_due(131.0)
    assert len(hook.requests) == 2
    assert len(json.loads(hook.requests[1].body)["data"]["notices"]) == 3


@pytest.mark.server
def test_quiet_hours_hold_everything_and_their_end_sends_it_as_one(
    row: Connection, hook: HttpServer, monkeypatch: pytest.MonkeyPatch
):
    target(url=f"{hook.url}/", quiet_from=time(22), quiet_to=time(7), is_woken_by_critical=False)
    now = [datetime(2026, 11, 20, 23, tzinfo=UTC)]
    monkeypatch.setattr(outbox.timezone, "now", lambda: now[0])
    told_of(row)
    assert send_due(101.0) == 0
    now[0] = datetime(2026, 11, 21, 7, tzinfo=UTC)
    assert send_due(200.0) == 1


def test_what_is_critical_may_pass_quiet_hours(
    row: Connection, hook: HttpServer, monkeypatch: pytest.MonkeyPatch
):
    target(url=f"{hook.url}/", quiet_from=time(0), quiet_to=time(23, 59))
    monkeypatch.setattr(outbox.timezone, "now", lambda: datetime(2026, 11, 20, 12, tzinfo=UTC))
    told_of(row)
    assert send_due(101.0) == 1


@pytest.mark.parametrize(
    ("hour", "zone", "expected"),
    [
        *((21, "UTC", False), (22, "UTC", True), (6, "UTC", True), (7, "UTC", False)),
        *((20, "Europe/Berlin", False), (21, "Europe/Berlin", True)),
    ],
)
def test_quiet_hours_pass_midnight_in_their_time_zone(hour: int, zone: str, expected: bool):
    made = NoticeTarget(quiet_from=time(22), quiet_to=time(7), time_zone=zone)
    assert rules.is_quiet(made, datetime(2026, 11, 20, hour, tzinfo=UTC)) is expected


def test_a_lost_key_is_a_fault_and_no_crash(row: Connection, hook: HttpServer, settings: Any):
    made = target(url=f"{hook.url}/")
    settings.FERNET_KEYS = [OLDER_KEY]
    told_of(row)
    send_due(101.0)
    assert hook.requests == []
    assert "FERNET_KEYS" in NoticeDelivery.objects.get().error
    (fault,) = [one for one in faults() if one.kind == "target"]
    assert fault.was == "encryption" and fault.subject == made


@pytest.mark.server
def test_no_row_error_or_repr_holds_an_address_or_a_key(row: Connection):
    made, secret = services.create_target(
        "webhook", f"http://127.0.0.1:9/{SECRET_PATH}", actor=None, name="Hook"
    )
    told_of(row)
    send_due(101.0)
    found = repr(list(NoticeTarget.objects.values())) + repr(list(NoticeDelivery.objects.values()))
    found += repr(vars(NoticeTarget.objects.get())) + str(made.credentials)
    assert SECRET_PATH not in found and secret not in found and secret[6:] not in found
    assert NoticeTarget.objects.get().shown == "http://127.0.0.1/***"


@contextmanager
def mail_server() -> Iterator[tuple[int, list[str]]]:
    """A server that takes mail: its port, and what came."""
    door, came = socket.create_server(("127.0.0.1", 0)), []

    def serve() -> None:
        stream, _ = door.accept()
        with stream, stream.makefile("rw", newline="\r\n") as file:
            say = lambda text: (file.write(f"{text}\r\n"), file.flush())  # noqa: E731
            say("220 mail.example")
            is_data = False
            for line in file:
                came.append(line.rstrip("\r\n"))
                if is_data:
                    is_data = line.rstrip("\r\n") != "."
                    if not is_data:
                        say("250 taken")
                elif line.upper().startswith("DATA"):
                    is_data = True
                    say("354 go on")
                elif line.upper().startswith("QUIT"):
                    say("221 bye")
                    return
                else:
                    say("250 fine")

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield door.getsockname()[1], came
    finally:
        door.close()


def test_mail_goes_out_through_apprise(row: Connection):
    with mail_server() as (port, came):
        address = (
            f"mailto://127.0.0.1:{port}?from=board@example.org&to=ops@example.org&mode=insecure"
        )
        services.create_target("apprise", address, actor=None, name="Mail")
        told_of(row)
        assert send_due(101.0) == 1
    assert NoticeDelivery.objects.get().error == ""
    assert any("Main fails" in line for line in came)


@pytest.mark.parametrize(
    ("address", "text"),
    [
        ("nonsense", "not an address of Apprise"),
        ("nosuch://x/y", "not an address of Apprise"),
        ("slack://x", "Something is missing"),
        ("syslog://", "reaches only this machine"),
        ("json://169.254.169.254/x", "metadata address"),
        ("file:///etc/passwd", "not an address of Apprise"),
    ],
)
def test_an_apprise_address_that_is_none_is_refused_when_it_is_saved(address: str, text: str):
    with pytest.raises(Invalid) as refused:
        services.create_target("apprise", address, actor=None, name="A")
    assert text in refused.value.errors[0].message


@pytest.mark.parametrize(
    ("address", "text"),
    [
        ("fcm://project@apikey/device?keyfile=/etc/passwd", "names a file of this machine"),
        ("json://2852039166/x", "metadata address"),
        ("json://[::ffff:a9fe:a9fe]/x", "metadata address"),
    ],
)
def test_what_apprise_does_is_judged_while_it_does_it(address: str, text: str):
    with pytest.raises(senders.NotSent, match=text):
        senders.send_by_apprise(address, senders.Message("k", "t", "b", {}))


@pytest.mark.parametrize(
    "address", ["ftp://x.example/", "https://u:p@x.example/", "x.example", "http://[::1", ""]
)
def test_a_webhook_that_is_none_is_refused_when_it_is_saved(address: str):
    with pytest.raises(Invalid):
        services.create_target("webhook", address, actor=None, name="A")


@pytest.mark.parametrize("kind", sorted(set(KINDS) - {"endless", "idle"}))
def test_every_kind_of_fault_has_words(kind: str):
    items = [{"title": name, "changes": 1} for name in "ab"]
    assert words.headline(kind, "began", items[:1]).startswith("a ")
    assert words.headline(kind, "began", items).startswith("2 ")


@pytest.mark.parametrize("kind", ["endless", "idle"])
def test_a_fault_that_is_one_line_for_all_is_told_by_its_title(kind: str):
    items = [{"title": "3 tokens never end", "changes": 1}]
    assert words.headline(kind, "began", items) == "3 tokens never end"

"""Who may read /metrics, and in which format."""

import asyncio
import gzip
from typing import Any

import pytest

from backoffice.telemetry import remembered
from backoffice.telemetry.endpoint import MetricsFirst
from backoffice.telemetry.remembered import RememberedFigures
from connections.telemetry import metrics
from connections.telemetry.declared import CONNECTIONS, METRICS, RECORDS_LOST, REQUESTS, Kind

TOKEN = "reads-all-figures-8a7d6f"


async def _pages(_scope: Any, _receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 299, "headers": []})
    await send({"type": "http.response.body", "body": b"pages"})


@pytest.fixture(autouse=True)
def opened(settings, monkeypatch: pytest.MonkeyPatch):
    """With a token, on an empty memory, and a database that says little."""
    settings.METRICS_TOKEN = TOKEN
    metrics.open_slab(1)
    sample = (CONNECTIONS, ("well",), 3.0)
    monkeypatch.setattr(remembered, "database_samples", lambda: [sample])
    monkeypatch.setattr("backoffice.telemetry.exposition.DATABASE", RememberedFigures())
    yield
    metrics.open_slab(0)


def ask(
    client: str = "10.1.2.3", path: str = "/metrics", method: str = "GET", **headers: str
) -> tuple[int, dict[str, str], bytes]:
    """The status, the headers and the body. `authorization` is the right one unless it is given."""
    sent = {"authorization": f"Bearer {TOKEN}", **headers}
    scope = {
        "type": "http",
        "path": path,
        "method": method,
        "client": (client, 1234),
        "headers": [(k.replace("_", "-").encode(), v.encode()) for k, v in sent.items()],
    }
    messages: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        messages.append(message)

    asyncio.run(MetricsFirst(_pages)(scope, None, send))  # type: ignore[arg-type]
    start, body = messages
    found = {name.decode(): value.decode() for name, value in start["headers"]}
    return start["status"], found, body["body"]


def test_the_right_token_reads():
    status, headers, body = ask()
    assert status == 200
    assert headers["content-type"].startswith("text/plain; version=")
    assert b'switchboard_connections{state="well"} 3.0' in body


@pytest.mark.parametrize("sent", ["", "Bearer", "Bearer wrong", f"Basic {TOKEN}", "Bearer é"])
def test_any_other_token_is_refused(sent: str):
    status, headers, body = ask(authorization=sent)
    assert (status, headers["www-authenticate"]) == (401, "Bearer")
    assert b"switchboard_" not in body and TOKEN.encode() not in body


def test_without_a_token_and_without_networks_it_is_not_there(settings):
    settings.METRICS_TOKEN = ""
    assert ask()[0] == 404


def test_networks_let_in_without_a_token(settings):
    settings.METRICS_TOKEN, settings.METRICS_ALLOW = "", ["10.0.0.0/8"]
    assert [ask(one, authorization="")[0] for one in ("10.1.2.3", "192.0.2.1", "")] == [
        200,
        403,
        403,
    ]


def test_with_both_both_must_fit(settings):
    settings.METRICS_ALLOW = ["10.0.0.0/8"]
    assert ask()[0] == 200
    assert ask(authorization="Bearer wrong")[0] == 401
    assert ask("192.0.2.1")[0] == 403


def test_only_proxies_of_ours_may_say_where_somebody_is(settings):
    settings.METRICS_ALLOW = ["10.0.0.0/8"]
    assert ask("192.0.2.1", x_forwarded_for="10.9.9.9")[0] == 403
    settings.TRUSTED_PROXIES = 1
    assert ask("192.0.2.1", x_forwarded_for="10.9.9.9")[0] == 200
    assert ask("10.1.1.1", x_forwarded_for="10.9.9.9, 192.0.2.7")[0] == 403


def test_other_addresses_are_handed_on():
    assert ask(path="/metrics/")[0] == ask(path="/")[0] == 299


def test_other_methods_are_refused():
    assert ask(method="POST")[0] == 405


def test_head_has_no_body():
    assert ask(method="HEAD")[::2] == (200, b"")


def test_openmetrics_for_who_asks_for_it():
    _, headers, body = ask(accept="application/openmetrics-text;version=1.0.0,text/plain;q=0.5")
    assert headers["content-type"].startswith("application/openmetrics-text")
    assert body.endswith(b"# EOF\n")


def test_it_is_compressed_for_who_takes_that():
    _, headers, body = ask(accept_encoding="gzip")
    assert headers["content-encoding"] == "gzip"
    assert b"switchboard_build_info" in gzip.decompress(body)


def test_what_was_never_counted_is_zero():
    assert b"switchboard_recorder_lost_records_total 0.0" in ask()[2]


def test_what_was_counted_is_there():
    metrics.add(REQUESTS, ("support", "Chat", "ok"), 7)
    metrics.add(RECORDS_LOST)
    body = ask()[2].decode()
    line = '{capability="Chat",outcome="ok",profile="support"} 7.0'
    assert f"switchboard_gateway_requests_total{line}" in body
    assert "switchboard_recorder_lost_records_total 1.0" in body


def test_a_database_that_is_away_takes_only_its_own_figures(monkeypatch: pytest.MonkeyPatch):
    def away() -> None:
        from django.db import OperationalError

        raise OperationalError

    monkeypatch.setattr(remembered, "database_samples", away)
    status, _, body = ask()
    assert status == 200
    assert b"switchboard_database_up 0.0" in body
    assert b"switchboard_connections{" not in body and b"switchboard_workers 1.0" in body


def test_a_database_that_hangs_is_not_waited_for(monkeypatch: pytest.MonkeyPatch):
    import threading

    done = threading.Event()
    monkeypatch.setattr(remembered, "PATIENCE", 0.01)
    monkeypatch.setattr(remembered, "database_samples", lambda: done.wait(20) and [])
    status, _, body = ask()
    done.set()
    assert status == 200 and b"switchboard_database_up 0.0" in body


def test_names_keep_prometheus_conventions():
    wrong = [
        one.name
        for one in METRICS.values()
        if not one.name.startswith("switchboard_")
        or (one.kind is Kind.COUNTER) != one.name.endswith("_total")
        or (one.kind is Kind.HISTOGRAM and not one.name.endswith(("_seconds", "_tokens")))
        or "le" in one.labels
    ]
    assert wrong == []

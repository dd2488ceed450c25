"""Many at once, over HTTP with real threads: the database decides, and nobody gets a 500."""

import json
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from django.core.servers.basehttp import WSGIServer
from pytest_django.live_server_helper import LiveServer

from connections.models import Connection
from tests.fakes import connect, reload

from .calls import token_of

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.server]
Ask = Callable[..., int]
FIFTY = 50


@pytest.fixture
def server(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[LiveServer]:
    """A server of its own: the shared one lets ten wait to be accepted and resets the rest."""
    monkeypatch.setattr(WSGIServer, "request_queue_size", 128)
    made = LiveServer("127.0.0.1")
    yield made
    made.stop()


@pytest.fixture
def ask(server: LiveServer, administrator: Any) -> Ask:
    """Asks the running server and returns the status."""
    token = token_of(administrator)

    def once(method: str, path: str, body: Any, **headers: str) -> int:
        sent = {"Authorization": f"Bearer {token}", "Content-Type": "application/json", **headers}
        request = urllib.request.Request(
            f"{server.url}/api/v1{path}", json.dumps(body).encode(), sent, method=method
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            assert error.headers["Content-Type"] == "application/problem+json"
            return error.code

    return once


def at_once(number: int, act: Callable[[int], int]) -> Counter[int]:
    """The statuses of `number` acts that begin together."""
    barrier = Barrier(number)

    def begin(place: int) -> int:
        barrier.wait()
        return act(place)

    with ThreadPoolExecutor(number) as pool:
        return Counter(pool.map(begin, range(number)))


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_of_two_writers_with_the_same_if_match_one_wins(ask: Ask, method: str):
    row = connect("echo", name="Production", settings={})
    for round_ in range(1, 6):
        headers = {"If-Match": f'"{round_}"'}
        found = at_once(
            2,
            lambda place: ask(
                method,
                "/connections/production",
                {"name": f"By {place} in {round_}"},  # noqa: B023
                **headers,  # noqa: B023
            ),
        )
        assert found == {200: 1, 412: 1}
    assert reload(row).version == 6


def test_of_a_deletion_and_a_change_with_the_same_if_match_none_is_a_fault(ask: Ask):
    for round_ in range(5):
        connect("echo", name=f"Row {round_}", settings={})
        path, headers = f"/connections/row-{round_}", {"If-Match": '"1"'}
        acts = [("PATCH", {"name": "Changed"}), ("DELETE", {})]
        found = at_once(2, lambda place: ask(acts[place][0], path, acts[place][1], **headers))  # noqa: B023
        assert (
            sum(found.values()) == 2
            and sum(found[one] for one in (200, 204)) == 1
            and not set(found) - {200, 204, 404, 412}
        )


def test_of_fifty_creates_of_one_alias_one_wins(ask: Ask):
    body = {"alias": "wanted", "name": "Wanted", "providerId": "echo"}
    assert at_once(FIFTY, lambda _: ask("POST", "/connections", body)) == {201: 1, 409: FIFTY - 1}
    assert Connection.objects.count() == 1


def test_of_fifty_profiles_of_one_alias_one_wins(ask: Ask):
    row = connect("echo", name="Production", settings={})
    model = {"providerId": "echo", "modelId": "echo-1"}
    body = {
        "alias": "wanted",
        "name": "Wanted",
        "capability": "Chat",
        "connectionId": str(row.pk),
        "model": model,
    }
    assert at_once(FIFTY, lambda _: ask("POST", "/profiles", body)) == {201: 1, 409: FIFTY - 1}


def test_twenty_writers_without_if_match_all_get_through(ask: Ask):
    row = connect("echo", name="Production", settings={})
    assert at_once(
        20, lambda place: ask("PATCH", "/connections/production", {"name": f"Name {place}"})
    ) == {200: 20}
    assert reload(row).version == 21 == row.history.count()

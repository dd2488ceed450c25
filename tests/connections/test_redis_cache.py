"""A Redis that is away, or hangs, fails nothing and delays one question."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing

import pytest
from django.core.cache import caches
from django.core.cache.backends.base import BaseCache

from connections import services
from connections.change_counter import bump_change_counter
from connections.counts import add_to_count
from connections.outages import Availability
from connections.redis_cache import REDIS, RedisOrMemory


@pytest.fixture(params=["closed port", "silence"])
def gone(request: pytest.FixtureRequest, settings) -> Iterator[BaseCache]:
    """The cache of a Redis that refuses connections, or takes them and says nothing."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        port = server.getsockname()[1]
        if request.param == "closed port":
            server.close()
        settings.CACHES = {
            "default": {
                "BACKEND": "connections.redis_cache.RedisOrMemory",
                "LOCATION": f"redis://127.0.0.1:{port}/0",
            }
        }
        yield caches["default"]
    REDIS.is_away = False


def test_the_memory_of_the_process_stands_in(gone: BaseCache, caplog: pytest.LogCaptureFixture):
    assert isinstance(gone, RedisOrMemory)
    began = time.monotonic()
    assert (gone.add("a", 1), gone.add("a", 1), gone.incr("a", 4), gone.get("a")) == (1, 0, 5, 5)
    gone.set_many({"b": 2, "c": 3})
    assert gone.get_many(["a", "b", "c"]) == {"a": 5, "b": 2, "c": 3}
    gone.delete("b")
    gone.delete_many(["c"])
    assert (gone.has_key("b"), gone.touch("a"), gone.get_or_set("d", 4)) == (False, True, 4)
    gone.clear()
    assert gone.get("a") is None
    assert time.monotonic() - began < 3, "each of 13 questions waited for it"
    assert [one.levelname for one in caplog.records] == ["ERROR"]
    assert "Redis is away" in caplog.text and "127.0.0.1" not in caplog.text


@pytest.mark.django_db
def test_tests_are_counted_and_connections_switched_off(
    gone: BaseCache, connection, operator, django_capture_on_commit_callbacks
):
    assert services.test_connection(connection, actor=operator).success
    began = time.monotonic()
    with django_capture_on_commit_callbacks(execute=True):
        for _ in range(3):
            bump_change_counter()
    assert services.set_active(connection, False, actor=operator).row.is_active is False
    assert time.monotonic() - began < 1


def test_a_count_goes_on_where_redis_went_in_between(monkeypatch: pytest.MonkeyPatch):
    def gone(*_: object) -> int:
        raise ValueError("Key not found")

    monkeypatch.setattr(type(caches["default"]), "incr", gone)
    assert add_to_count("what", 3, 60) == 3


def test_a_server_that_is_back_is_used_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    monkeypatch.setattr("connections.outages.ASK_EVERY", 0.01)
    is_there = threading.Event()
    server = Availability("It", is_there.is_set, "Meanwhile.")
    assert server.check() is False
    is_there.set()
    until = time.monotonic() + 5
    while len(caplog.records) < 2 and time.monotonic() < until:
        time.sleep(0.01)
    assert [one.getMessage() for one in caplog.records] == [
        "It is away (no answer). Meanwhile.",
        "It is back.",
    ]


def test_requests_share_the_connections_of_a_worker():
    address = "redis://127.0.0.1:1/0"
    one, same, other = (RedisOrMemory(to, {}) for to in (address, address, f"{address}?db=2"))
    assert one._cache is same._cache and one._cache is not other._cache

"""What is kept of a secret store, and for how long. A store in memory, a clock of the test's."""

import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import pytest

from connections.references import State
from connections.resolving import MACHINE, Policy, Resolver
from connections.sources import (
    EnvironmentSource,
    Fault,
    KeptStore,
    MappingSource,
    SourceError,
    vault_sign_in,
)
from connections.sources.kept import FRESH, PAUSE

VALUE = "sk-of-the-store-77ab12"
KEY = ("OpenAI", "ApiKey")


class MemoryStore:
    """Answers from a dict, notes every question, fails when it is told to."""

    name, depth, cure = "the store", 1, "it in the store"

    def __init__(self) -> None:
        self.content: dict[str, Any] = {"OpenAI": {"ApiKey": VALUE}}
        self.asked: list[str] = []
        self.fault: Exception | None = None
        self.wait = 0.0

    def read(self, place: tuple[str, ...]) -> Any:
        self.asked.append(place[0])
        time.sleep(self.wait)
        if self.fault:
            raise self.fault
        return self.content.get(place[0])

    def reach(self) -> None:
        if self.fault:
            raise self.fault


class Clock:
    """Seconds that pass when the test says so."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def kept(store: MemoryStore, clock: Clock) -> KeptStore:
    return KeptStore(store, 600, clock)


def fault(kind: Fault) -> SourceError:
    return SourceError("The store fails.", kind)


def settled(kept: KeptStore) -> None:
    """Waits for the thread that asks behind."""
    for thread in threading.enumerate():
        if thread.name == f"asking {kept.name}":
            thread.join()


def test_a_section_is_read_once_while_it_is_fresh(kept, store, clock):
    store.content["OpenAI"]["Other"] = "x"
    values = []
    for _ in range(50):
        clock.now += (FRESH - 1) / 50
        values.append((kept.lookup(KEY), kept.lookup(("OpenAI", "other"))))
    assert set(values) == {(VALUE, "x")} and store.asked == ["OpenAI"]


def test_many_threads_ask_once(kept, store):
    store.wait = 0.1
    with ThreadPoolExecutor(20) as pool:
        assert set(pool.map(lambda _: kept.lookup(KEY), range(100))) == {VALUE}
    assert store.asked == ["OpenAI"]


def test_a_rotated_value_is_used_after_it_was_fresh(kept, store, clock):
    kept.lookup(KEY)
    store.content = {"OpenAI": {"ApiKey": "new"}}
    clock.now += FRESH - 0.1
    before = kept.lookup(KEY)
    clock.now += 0.1
    assert (before, kept.lookup(KEY)) == (VALUE, "new")


@pytest.mark.parametrize("key", [("Later", "Key"), ("OpenAI", "Later")])
def test_what_is_missing_is_seen_as_soon_as_it_is_there(kept, store, key):
    before = kept.lookup(key)
    store.content = {"OpenAI": {"Later": "there"}, "Later": {"Key": "there"}}
    assert (before, kept.lookup(key)) == (None, "there")


@pytest.mark.parametrize("kind", [Fault.DENIED, Fault.SIGN_IN_FAILED, Fault.BROKEN])
def test_what_is_withdrawn_is_not_used_on(kept, store, clock, kind):
    kept.lookup(KEY)
    clock.now += FRESH
    store.fault = fault(kind)
    with pytest.raises(SourceError) as raised:
        kept.lookup(KEY)
    store.fault = None
    clock.now += PAUSE
    assert (raised.value.fault, kept.lookup(KEY)) == (kind, VALUE)


def test_the_last_value_stands_in_for_a_bounded_time(kept, store, clock, caplog):
    kept.lookup(KEY)
    store.fault = fault(Fault.AWAY)
    clock.now += FRESH
    with caplog.at_level(logging.INFO):
        values = {kept.lookup(KEY) for _ in range(20)}
        clock.now += 599
        values.add(kept.lookup(KEY))
    assert values == {VALUE} and kept.outage is not None
    assert [one.levelname for one in caplog.records] == ["ERROR"] and "since" in caplog.text
    settled(kept)
    clock.now += 2
    with pytest.raises(SourceError, match="Away since") as raised:
        kept.lookup(KEY)
    assert raised.value.fault == Fault.AWAY


def test_nobody_waits_for_a_store_that_is_known_to_be_away(kept, store, clock):
    kept.lookup(KEY)
    store.fault = fault(Fault.AWAY)
    clock.now += FRESH
    kept.lookup(KEY)
    store.wait, clock.now = 1.0, clock.now + PAUSE
    began = time.monotonic()
    assert [kept.lookup(KEY) for _ in range(100)] == [VALUE] * 100
    assert time.monotonic() - began < 0.5
    settled(kept)
    assert len(store.asked) == 3


def test_a_store_that_is_back_is_noticed(kept, store, clock, caplog):
    kept.lookup(KEY)
    store.fault = fault(Fault.AWAY)
    clock.now += FRESH
    kept.lookup(KEY)
    store.fault, store.content = None, {"OpenAI": {"ApiKey": "new"}}
    clock.now += PAUSE
    kept.lookup(KEY)
    settled(kept)
    assert (kept.lookup(KEY), kept.outage) == ("new", None) and "is back" in caplog.text


def test_what_an_old_answer_lacks_is_an_outage_and_no_other_source_is_asked(kept, store, clock):
    policy, environment = Policy(frozenset(), frozenset(), ()), EnvironmentSource({})
    later = MappingSource({"OpenAI": {"ApiKey": "wrong", "Lacking": "wrong"}})
    resolver = Resolver([kept, later], policy, environment)
    first = resolver.resolve("$OpenAI:ApiKey", True, MACHINE)
    store.fault = fault(Fault.AWAY)
    clock.now += FRESH
    stale, lacking = (
        resolver.resolve(f"$OpenAI:{one}", True, MACHINE) for one in ("ApiKey", "Lacking")
    )
    assert (first.value, first.outage) == (VALUE, None)
    assert (stale.value, stale.state, bool(stale.outage)) == (VALUE, State.RESOLVED, True)
    assert "since" in stale.message
    assert (lacking.value, lacking.state) == (None, State.AWAY)


def test_the_fault_of_a_client_shows_nothing_of_its_text(kept, store):
    store.fault = RuntimeError(f"could not read {VALUE}")
    with pytest.raises(SourceError) as raised:
        kept.lookup(KEY)
    assert VALUE not in f"{raised.value}" and raised.value.__cause__ is None


def test_no_value_is_in_a_repr(kept):
    kept.lookup(KEY)
    assert VALUE not in f"{kept!r} {kept._kept!r}"


class Lease:
    """A sign-in that cannot be renewed, until the test has seen enough."""

    client = SimpleNamespace(token="a token")

    def seconds_left(self) -> float:
        return 0.0

    def renew(self) -> None:
        raise SourceError("the store does not answer", Fault.AWAY)


def test_a_lease_that_is_not_renewed_is_told_once_and_tried_less_and_less(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    waits: list[float] = []

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 10:
            raise InterruptedError

    monkeypatch.setattr(vault_sign_in.time, "sleep", sleep)
    lease: Any = Lease()
    with pytest.raises(InterruptedError):
        vault_sign_in._keep_alive(lambda: lease)  # type: ignore[arg-type]
    assert len(caplog.records) == 1
    assert waits == sorted(waits) and waits[-1] == vault_sign_in.LONGEST_WAIT

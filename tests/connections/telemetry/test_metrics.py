"""Counting in shared memory: nothing is lost, counted twice, or unbounded."""

import os
import threading
from collections.abc import Iterator

import pytest

from connections.telemetry import metrics, shared
from connections.telemetry.declared import HTTP_SECONDS, RECORDS_LOST, REQUESTS, Metric
from connections.telemetry.shared import Slab


@pytest.fixture(autouse=True)
def slab() -> Iterator[Slab]:
    """Memory for two workers."""
    yield metrics.open_slab(2)
    metrics.open_slab(0)


def total(slab: Slab, metric: Metric, *labels: str) -> list[float]:
    return slab.totals()[metric.name, labels]


def named(slab: Slab, metric: Metric) -> set[str]:
    """The first label of each series of the metric."""
    return {labels[0] for name, labels in slab.totals() if name == metric.name}


def test_a_series_is_the_sum_of_what_all_workers_counted(slab: Slab):
    for place in (1, 2):
        metrics.attach(slab, place)
        metrics.add(REQUESTS, ("support", "Chat", "ok"), place)
    assert total(slab, REQUESTS, "support", "Chat", "ok") == [3]


def test_a_process_that_is_killed_leaves_what_it_counted(slab: Slab):
    child = os.fork()
    if not child:
        metrics.attach(slab, 1)
        metrics.add(RECORDS_LOST, amount=5)
        os.kill(os.getpid(), 9)
    os.waitpid(child, 0)
    assert total(slab, RECORDS_LOST) == [5]


def test_whoever_comes_later_goes_on_in_the_same_slot(slab: Slab):
    for _ in range(3):
        metrics.attach(slab, 1)
        metrics.add(RECORDS_LOST)
    assert total(slab, RECORDS_LOST) == [3]
    assert len(slab.slots[1].read()) == 1


def test_a_histogram_counts_each_time_once_and_keeps_the_sum(slab: Slab):
    for seconds in (0.004, 0.005, 0.3, 60):
        metrics.observe(HTTP_SECONDS, seconds, ("home",))
    *buckets, sum_of_all = total(slab, HTTP_SECONDS, "home")
    assert (buckets[0], buckets[6], buckets[-1], sum(buckets)) == (2, 1, 1, 4)
    assert sum_of_all == pytest.approx(60.309)


def test_threads_that_count_at_once_lose_nothing(slab: Slab):
    def count() -> None:
        for _ in range(2000):
            metrics.add(RECORDS_LOST)

    threads = [threading.Thread(target=count) for _ in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert total(slab, RECORDS_LOST) == [16_000]


def test_aliases_beyond_the_setting_are_counted_as_other(slab: Slab, settings):
    settings.METRICS_ALIASES = 2
    for alias in "abcd":
        metrics.add(REQUESTS, (alias, "Chat", "ok"))
    assert named(slab, REQUESTS) == {"a", "b", "other"}
    assert total(slab, REQUESTS, "other", "Chat", "ok") == [2]


def test_all_workers_tell_the_same_aliases_apart(slab: Slab, settings):
    settings.METRICS_ALIASES = 2
    for place, aliases in ((1, "ab"), (2, "cba")):
        metrics.attach(slab, place)
        for alias in aliases:
            metrics.add(REQUESTS, (alias, "Chat", "ok"))
    assert named(slab, REQUESTS) == {"a", "b", "other"}
    assert total(slab, REQUESTS, "a", "Chat", "ok") == [2]


def test_a_full_slot_counts_on_as_other(
    slab: Slab, settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    settings.METRICS_ALIASES = 2000
    monkeypatch.setattr(shared, "RESERVED_VALUES", shared.VALUES - 3)
    for number in range(10):
        metrics.add(REQUESTS, (f"p{number}", "Chat", "ok"))
    assert sum(sum(numbers) for numbers in slab.totals().values()) == 10
    assert total(slab, REQUESTS, "other", "other", "other") == [7]
    assert "counted as other" in caplog.text


def test_what_a_label_holds_cannot_forge_another_series(slab: Slab):
    metrics.add(REQUESTS, ("a\x1e\x1fb\ud800", "Chat", "ok"))
    metrics.add(REQUESTS, ("c", "Chat", "ok"))
    assert named(slab, REQUESTS) == {"ab?", "c"}


def test_nothing_is_counted_for_nobody(settings):
    settings.METRICS_TOKEN, settings.METRICS_ALLOW = "", []
    assert not metrics.is_on()

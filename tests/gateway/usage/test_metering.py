"""A request that has ended is counted as its usage record tells it."""

from collections.abc import Iterator
from datetime import timedelta
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from connections.services import Caller
from connections.telemetry import metrics
from connections.telemetry.declared import (
    ATTEMPT_SECONDS,
    ATTEMPTS,
    COOLDOWNS_BEGUN,
    FIRST_CHUNK_SECONDS,
    MODEL_TOKENS,
    REQUEST_SECONDS,
    REQUEST_TOKENS,
    REQUESTS,
    TOKENS,
    Metric,
)
from gateway.core.requests import parse_request
from gateway.usage.pending import PendingRecord
from gateway.usage.recording import Recorder
from providers.core.base import Capability
from providers.core.results import Usage

BODY = {"messages": [{"role": "user", "content": "Hello"}], "stream": True}


@pytest.fixture
def recorder(settings) -> Iterator[Recorder]:
    settings.METRICS_TOKEN = "counts-for-these-tests-1"
    metrics.open_slab(1)
    yield Recorder(False)
    metrics.open_slab(0)


def target(connection: str) -> Any:
    return SimpleNamespace(
        connection_alias=connection,
        provider_id="openai",
        connection_id=uuid4(),
        profile=SimpleNamespace(model="gpt-4o"),
    )


def begun(recorder: Recorder, profile: str = "support") -> PendingRecord:
    request = parse_request("v1", Capability.CHAT, Caller(1, "ada"), profile, BODY)
    record = recorder.begin(request)
    record.asked = SimpleNamespace(alias=profile)  # type: ignore[assignment]
    return record


def total(metric: Metric, *labels: str) -> list[float]:
    return metrics.slab().totals()[metric.name, labels]


def test_a_request_with_a_fallback(recorder: Recorder):
    record = begun(recorder)
    failed = record.begin_attempt(target("first"), is_cooling=False)
    failed.fail("rate_limited", "slow down", 429)
    failed.rests_until = timezone.now() + timedelta(seconds=30)
    record.begin_attempt(target("second"), is_cooling=False)
    record.mark_first_chunk()
    record.usage = Usage(9, 4, cached_tokens=6)
    recorder.finish(record, "ok")
    assert total(REQUESTS, "support", "Chat", "ok") == [1]
    assert total(ATTEMPTS, "first", "openai", "failed", "rate_limited") == [1]
    assert total(ATTEMPTS, "second", "openai", "ok", "") == [1]
    assert total(COOLDOWNS_BEGUN, "first", "rate_limited") == [1]
    kinds = ("input", "output", "cached")
    assert [total(TOKENS, "support", "second", kind) for kind in kinds] == [[9], [4], [6]]
    assert [total(MODEL_TOKENS, "openai", "gpt-4o", kind) for kind in kinds] == [[9], [4], [6]]
    times = (REQUEST_SECONDS, "support"), (FIRST_CHUNK_SECONDS, "support")
    assert [sum(total(*one)[:-1]) for one in times] == [1, 1]
    assert sum(total(ATTEMPT_SECONDS, "Chat", "openai", "gpt-4o")[:-1]) == 2
    *buckets, tokens = total(REQUEST_TOKENS, "Chat", "openai", "gpt-4o", "input")
    assert (buckets.index(1), sum(buckets), tokens) == (2, 1, 9)  # above 4, up to 16


def test_a_target_that_was_passed_over_took_no_time(recorder: Recorder):
    record = begun(recorder)
    record.pass_over(target("first"), "quota", is_cooling=True)
    recorder.finish(record, "ok")
    assert total(ATTEMPTS, "first", "openai", "passed_over", "quota") == [1]
    assert sum(total(ATTEMPT_SECONDS, "Chat", "openai", "gpt-4o")) == 0


def test_who_asks_for_what_is_not_there_adds_no_name(recorder: Recorder):
    for name in ("anything", "that callers", "send"):
        record = begun(recorder, name)
        record.asked = None
        recorder.finish(record, "profile_not_found")
    assert total(REQUESTS, "none", "Chat", "profile_not_found") == [3]


def test_a_request_counts_once(recorder: Recorder):
    record = begun(recorder)
    recorder.finish(record, "ok")
    recorder.finish(record, "client_closed")
    names = {name: sum(numbers) for (name, _), numbers in metrics.slab().totals().items()}
    assert names[REQUESTS.name] == 1


def test_it_is_not_counted_where_nobody_reads(settings, recorder: Recorder):
    settings.METRICS_TOKEN = ""
    quiet = Recorder(False)
    quiet.finish(begun(quiet), "ok")
    assert (REQUESTS.name, ("support", "Chat", "ok")) not in metrics.slab().totals()

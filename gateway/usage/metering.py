"""Requests that have ended, as metrics: what the usage records say, counted in memory."""

from bisect import bisect_left

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
from providers.core.results import Usage

from .pending import PASSED_OVER, Attempt, PendingRecord

NONE = "none"  # in place of the alias of what was not found, or not asked
KINDS = ("input", "output", "cached", "cache_write", "reasoning")

Both = tuple[tuple[int, int], ...]  # of each of KINDS, by profile and by model

# What is counted by -> the places of its numbers.
_of_requests: dict[tuple[str, ...], tuple[int, int, int, Both, tuple[int, int]]] = (
    metrics.new_cache()
)
_of_attempts: dict[tuple[str, ...], tuple[int, int, int]] = metrics.new_cache()


def count_request(record: PendingRecord) -> None:
    """Counts a request that has ended, with its attempts."""
    last, request, usage = record.last, record.request, record.usage
    profile = record.asked.alias if record.asked else NONE
    connection = last.target.connection_alias if last else NONE
    provider, model = (last.target.provider_id, last.target.profile.model) if last else (NONE, NONE)
    key = (profile, connection, provider, model, request.capability.value, record.outcome)
    ended, took, first, tokens, (read, written) = _of_requests.get(key) or _place_request(*key)
    attempts = [(one, _places_of(one, request.capability.value)) for one in record.attempts]
    lock, values = metrics.numbers()
    with lock:
        values[ended] += 1.0
        _observe(values, REQUEST_SECONDS, took, record.ended - request.started)
        if last is not None and last.first_chunk is not None:
            _observe(values, FIRST_CHUNK_SECONDS, first, last.first_chunk - request.started)
        if usage is not None:
            _count_tokens(values, tokens, usage)
            for place, number in ((read, usage.input_tokens), (written, usage.output_tokens)):
                if number:
                    _observe(values, REQUEST_TOKENS, place, number)
        for one, (tried, answered, rests) in attempts:
            values[tried] += 1.0
            if one.outcome != PASSED_OVER:
                seconds = (one.ended or record.ended) - one.started
                _observe(values, ATTEMPT_SECONDS, answered, seconds)
            if one.rests_until is not None:
                values[rests] += 1.0


def _place_request(
    profile: str, connection: str, provider: str, model: str, capability: str, outcome: str
) -> tuple[int, int, int, Both, tuple[int, int]]:
    found = (
        metrics.cell(REQUESTS, (profile, capability, outcome)),
        metrics.cell(REQUEST_SECONDS, (profile,)),
        metrics.cell(FIRST_CHUNK_SECONDS, (profile,)),
        tuple(
            (
                metrics.cell(TOKENS, (profile, connection, kind)),
                metrics.cell(MODEL_TOKENS, (provider, model, kind)),
            )
            for kind in KINDS
        ),
        (
            metrics.cell(REQUEST_TOKENS, (capability, provider, model, "input")),
            metrics.cell(REQUEST_TOKENS, (capability, provider, model, "output")),
        ),
    )
    key = (profile, connection, provider, model, capability, outcome)
    return metrics.kept(_of_requests, key, found)


def _place_attempt(
    connection: str, provider: str, model: str, capability: str, outcome: str, code: str
) -> tuple[int, int, int]:
    found = (
        metrics.cell(ATTEMPTS, (connection, provider, outcome, code)),
        metrics.cell(ATTEMPT_SECONDS, (capability, provider, model)),
        metrics.cell(COOLDOWNS_BEGUN, (connection, code)) if code else 0,
    )
    key = (connection, provider, model, capability, outcome, code)
    return metrics.kept(_of_attempts, key, found)


def _places_of(attempt: Attempt, capability: str) -> tuple[int, int, int]:
    target = attempt.target
    tries = (
        *(target.connection_alias, target.provider_id, target.profile.model),
        *(capability, attempt.outcome, attempt.code),
    )
    return _of_attempts.get(tries) or _place_attempt(*tries)


def _observe(values: "memoryview[float]", metric: Metric, start: int, value: float) -> None:
    """Adds a value to a histogram: one to its bucket, and itself to the sum."""
    values[start + bisect_left(metric.buckets, value)] += 1.0
    values[start + metric.width - 1] += value


def _count_tokens(values: "memoryview[float]", places: Both, usage: Usage) -> None:
    told = (
        usage.input_tokens,
        usage.output_tokens,
        usage.cached_tokens,
        usage.cache_write_tokens,
        usage.reasoning_tokens,
    )
    for (of_profile, of_model), number in zip(places, told, strict=True):
        if number:
            values[of_profile] += number
            values[of_model] += number

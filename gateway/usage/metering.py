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

from .pending import PASSED_OVER, PendingRecord

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
    last, request = record.last, record.request
    profile = record.asked.alias if record.asked else NONE
    connection = last.target.connection_alias if last else NONE
    provider, model = (last.target.provider_id, last.target.profile.model) if last else (NONE, NONE)
    key = (profile, connection, provider, model, request.capability.value, record.outcome)
    ended, took, first, tokens, (read, written) = _of_requests.get(key) or _place_request(*key)
    added = [(ended, 1.0), *_observed(REQUEST_SECONDS, took, record.ended - request.started)]
    if last is not None and last.first_chunk is not None:
        added += _observed(FIRST_CHUNK_SECONDS, first, last.first_chunk - request.started)
    if record.usage is not None:
        added += _counted(tokens, record.usage)
        for place, number in (
            (read, record.usage.input_tokens),
            (written, record.usage.output_tokens),
        ):
            added += _observed(REQUEST_TOKENS, place, number) if number else ()
    for one in record.attempts:
        target = one.target
        tries = (
            *(target.connection_alias, target.provider_id, target.profile.model),
            *(request.capability.value, one.outcome, one.code),
        )
        tried, answered, rests = _of_attempts.get(tries) or _place_attempt(*tries)
        added.append((tried, 1.0))
        if one.outcome != PASSED_OVER:
            seconds = (one.ended or record.ended) - one.started
            added += _observed(ATTEMPT_SECONDS, answered, seconds)
        if one.rests_until is not None:
            added.append((rests, 1.0))
    metrics.add_all(added)


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


def _observed(metric: Metric, start: int, value: float) -> tuple[tuple[int, float], ...]:
    """A value as it is added to a histogram: one to its bucket, and itself to the sum."""
    bucket = start + bisect_left(metric.buckets, value)
    return (bucket, 1.0), (start + metric.width - 1, value)


def _counted(places: Both, usage: Usage) -> list[tuple[int, float]]:
    told = (
        usage.input_tokens,
        usage.output_tokens,
        usage.cached_tokens,
        usage.cache_write_tokens,
        usage.reasoning_tokens,
    )
    return [
        (place, number)
        for both, number in zip(places, told, strict=True)
        if number
        for place in both
    ]

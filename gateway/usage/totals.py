"""Totals of requests: their number, their tokens, how long they took."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from .dimensions import FAILED, OK, kind_of


@dataclass
class UsageTotals:
    """Totals of some requests. `latencies`: milliseconds -> how many requests took so long, rounded
    where they come from totals, none where they were not asked for; `latency_ms`: their sum.

    `fallbacks`: requests that a fallback answered; `attempts`: targets that were asked. Requests
    whose caller hung up have neither succeeded nor failed.
    """

    requests: int = 0
    succeeded: int = 0
    failed: int = 0
    fallbacks: int = 0
    attempts: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    latency_ms: int = 0
    latencies: Counter[int] = field(default_factory=Counter)

    def add(self, part: "UsageTotals") -> None:
        """Adds other requests."""
        self.requests += part.requests
        self.succeeded += part.succeeded
        self.failed += part.failed
        self.fallbacks += part.fallbacks
        self.attempts += part.attempts
        self.input_tokens += part.input_tokens
        self.output_tokens += part.output_tokens
        self.latency_ms += part.latency_ms
        for milliseconds, count in part.latencies.items():  # `update` is slow for a few
            self.latencies[milliseconds] = self.latencies.get(milliseconds, 0) + count

    @property
    def total_tokens(self) -> int:
        """Tokens in and out."""
        return self.input_tokens + self.output_tokens

    @property
    def average_ms(self) -> float | None:
        """The mean latency, None without requests."""
        return self.latency_ms / self.requests if self.requests else None

    @property
    def median_ms(self) -> float | None:
        """The median latency, None without requests."""
        return median(self.latencies)

    @property
    def closed(self) -> int:
        """Requests whose caller hung up."""
        return self.requests - self.succeeded - self.failed

    @property
    def success_rate(self) -> float | None:
        """0 to 1; None when no request succeeded or failed."""
        ended = self.succeeded + self.failed
        return self.succeeded / ended if ended else None


def totals_of(
    outcome: str,
    requests: int,
    tokens: tuple[int | None, int | None],
    fallbacks: int,
    attempts: int,
    latency_ms: int,
) -> UsageTotals:
    """The totals of requests that ended alike, without latencies. `outcome`: or its kind. `tokens`:
    in and out, None where no service told them.
    """
    kind = kind_of(outcome)
    return UsageTotals(
        requests,
        succeeded=requests if kind == OK else 0,
        failed=requests if kind == FAILED else 0,
        fallbacks=fallbacks,
        attempts=attempts,
        input_tokens=int(tokens[0] or 0),
        output_tokens=int(tokens[1] or 0),
        latency_ms=latency_ms,
    )


@dataclass
class Share(UsageTotals):
    """The requests with one value of a dimension.

    `name`: the value, empty where a request did not get so far. `key`: its id, where ids were asked
    for. `share`: the part of all requests, 0 to 1.
    """

    dimension: str = ""
    name: str = ""
    key: str = ""
    share: float = 0.0


def median(counts: Mapping[int, int]) -> float | None:
    """The median of values that are given as value -> how often; None without values.

    Of an even number of values it is the mean of the two in the middle.
    """
    number, seen, lower = sum(counts.values()), 0, None
    for value, count in sorted(counts.items()):
        seen += count
        if lower is None and 2 * seen >= number:
            lower = value
        if lower is not None and 2 * seen > number:
            return (lower + value) / 2
    return None


def quantile(counts: Mapping[int, int], share: float) -> int | None:
    """The smallest value that `share` of all values do not exceed, of values that are given as
    value -> how often; None without values.
    """
    number, seen = sum(counts.values()), 0
    for value, count in sorted(counts.items()):
        seen += count
        if seen >= share * number:
            return value
    return None

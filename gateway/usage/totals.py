"""Totals of requests: their number, their tokens, how long they took."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass
class UsageTotals:
    """Totals of some requests. `latencies`: milliseconds -> how many requests took so long."""

    requests: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    latencies: Counter[int] = field(default_factory=Counter)

    def add(
        self, latency: int, requests: int, input_tokens: int | None, output_tokens: int | None
    ) -> None:
        """Adds requests that took equally long. Tokens are None where no service told them."""
        self.requests += requests
        self.input_tokens += input_tokens or 0
        self.output_tokens += output_tokens or 0
        self.latencies[latency] += requests

    @property
    def total_tokens(self) -> int:
        """Tokens in and out."""
        return self.input_tokens + self.output_tokens

    @property
    def average_ms(self) -> float | None:
        """The mean latency, None without requests."""
        if not self.requests:
            return None
        return sum(ms * count for ms, count in self.latencies.items()) / self.requests

    @property
    def median_ms(self) -> float | None:
        """The median latency, None without requests."""
        return median(self.latencies)


@dataclass
class PeriodTotals(UsageTotals):
    """All requests of a period. Those whose caller hung up have neither succeeded nor failed."""

    succeeded: int = 0
    failed: int = 0

    @property
    def closed(self) -> int:
        """Requests whose caller hung up."""
        return self.requests - self.succeeded - self.failed

    @property
    def success_rate(self) -> float | None:
        """0 to 1; None when no request succeeded or failed."""
        ended = self.succeeded + self.failed
        return self.succeeded / ended if ended else None


@dataclass
class Share(UsageTotals):
    """The requests with one value of a dimension.

    `name`: the value, empty where a request did not get so far. `key`: its id, where ids were asked
    for. `share`: the part of all requests, 0 to 1.
    """

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

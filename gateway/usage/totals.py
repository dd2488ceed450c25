"""Counting requests: how many, how many tokens, how long they took."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass
class Tally:
    """What was counted of some requests. `latencies`: milliseconds -> how many took so long."""

    requests: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    latencies: Counter[int] = field(default_factory=Counter)

    def add(
        self, latency: int, requests: int, input_tokens: int | None, output_tokens: int | None
    ) -> None:
        """Counts requests that took equally long; None: no service said how many tokens."""
        self.requests += requests
        self.input_tokens += input_tokens or 0
        self.output_tokens += output_tokens or 0
        self.latencies[latency] += requests

    @property
    def total_tokens(self) -> int:
        """In and out."""
        return self.input_tokens + self.output_tokens

    @property
    def average_ms(self) -> float | None:
        """The mean latency, None without requests."""
        return (
            sum(latency * count for latency, count in self.latencies.items()) / self.requests
            if self.requests
            else None
        )

    @property
    def median_ms(self) -> float | None:
        """The latency in the middle, None without requests."""
        return median(self.latencies)


@dataclass
class Totals(Tally):
    """All requests of a period. Those whose caller hung up are neither succeeded nor failed."""

    succeeded: int = 0
    failed: int = 0

    @property
    def closed(self) -> int:
        """Requests whose caller hung up."""
        return self.requests - self.succeeded - self.failed

    @property
    def success_rate(self) -> float | None:
        """0 to 1; None when nothing succeeded and nothing failed."""
        judged = self.succeeded + self.failed
        return self.succeeded / judged if judged else None


@dataclass
class Share(Tally):
    """The requests with one value of a dimension.

    `name` is empty where they did not get so far, `share` is of all, 0 to 1.
    """

    name: str = ""
    key: str = ""  # its id, where it has one that was asked for
    share: float = 0.0


def median(counts: Mapping[int, int]) -> float | None:
    """The value in the middle of value -> how often; of an even number the mean of the two there.

    None for nothing.
    """
    number, seen, lower = sum(counts.values()), 0, None
    for value, count in sorted(counts.items()):
        seen += count
        if lower is None and 2 * seen >= number:
            lower = value
        if lower is not None and 2 * seen > number:
            return (lower + value) / 2
    return None

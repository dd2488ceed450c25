"""Sketches of durations: how many took about so long, in a text that can be joined to others.

Milliseconds are rounded to the nearest of a fixed row of numbers that grow by STEP, so that a
median of rounded numbers is within 5 % of the true one. `812*3 885*1` is a sketch of four.
"""

from bisect import bisect
from collections import Counter
from collections.abc import Mapping
from itertools import pairwise

STEP, LONGEST = 1.09, 2**31


def _rounded() -> list[int]:
    found = [0]
    while found[-1] < LONGEST:
        found.append(max(found[-1] + 1, int(found[-1] * STEP)))
    return found


ROUNDED = _rounded()
MIDDLES = [(low + high) / 2 for low, high in pairwise(ROUNDED)]


def rounded(milliseconds: int) -> int:
    """The number of the row that is nearest."""
    return ROUNDED[bisect(MIDDLES, milliseconds)]


def sketch_of(counts: Mapping[int, int]) -> str:
    """The sketch of rounded milliseconds -> how many took so long."""
    return " ".join([f"{value}*{count}" for value, count in counts.items()])


def counts_in(sketch: str | None) -> dict[int, int]:
    """Rounded milliseconds -> how many took so long, of one or of several sketches that were joined
    by spaces.
    """
    found: dict[int, int] = {}
    for part, times in Counter((sketch or "").split()).items():  # of several, many are the same
        value, _, count = part.partition("*")
        milliseconds = int(value)
        found[milliseconds] = found.get(milliseconds, 0) + int(count) * times
    return found

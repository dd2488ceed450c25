"""Totals as rows: what is added to them is merged with what is there, and written in batches."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property, lru_cache
from typing import Any, NamedTuple

from django.db import connection
from django.db.models.functions import Concat, Length

from ..models import UsageTotal
from .sketches import counts_in, rounded, sketch_of

LARGEST = 2**63 - 1  # of a bigint
LONGEST_SKETCHES = 2000  # characters of both of a row
NUMBERS = ("requests", "attempts", "input_tokens", "output_tokens", "latency_ms")


class TotalKey(NamedTuple):
    """The columns by which the rows of UsageTotal are told apart, in the order of their index."""

    dimension: str
    minutes: int
    start: datetime
    name: str
    key: str
    user_name: str
    user_key: str
    kind: str
    is_several: bool
    is_fallback: bool


@dataclass
class Amount:
    """The numbers of a total, in the order of NUMBERS, and its sketches as counts."""

    numbers: list[int] = field(default_factory=lambda: [0] * len(NUMBERS))
    latencies: dict[int, int] = field(default_factory=dict)
    first_chunks: dict[int, int] = field(default_factory=dict)

    def plus(self, other: "Amount") -> "Amount":
        """The numbers of both."""
        pairs = zip(self.numbers, other.numbers, strict=True)
        return Amount(
            [mine + more for mine, more in pairs],
            _sum(self.latencies, other.latencies),
            _sum(self.first_chunks, other.first_chunks),
        )

    @cached_property
    def values(self) -> list[Any]:
        """The columns of a row: the numbers, and the sketches as texts."""
        numbers = [min(one, LARGEST) for one in self.numbers]
        return [*numbers, sketch_of(self.latencies), sketch_of(self.first_chunks)]


def _sum(counts: Mapping[int, int], more: Mapping[int, int]) -> dict[int, int]:
    found = dict(counts)
    for value, count in more.items():
        found[value] = found.get(value, 0) + count
    return found


def told_counts(milliseconds: Iterable[int | None]) -> dict[int, int]:
    """Rounded milliseconds -> how many took so long, of the times that are known."""
    found: dict[int, int] = {}
    for one in milliseconds:
        if one is not None:
            value = rounded(one)
            found[value] = found.get(value, 0) + 1
    return found


def add_to_totals(amounts: Mapping[TotalKey, Amount]) -> None:
    """Adds the amounts to the rows that are there, and makes those that are not. Nobody else may
    write totals meanwhile. Raises DatabaseError.

    Sketches are put behind those that are there, which costs less than to read them; one that has
    become long is made short again.
    """
    rows = [_row(key, amounts[key]) for key in sorted(amounts)]
    with connection.cursor() as cursor:
        # psycopg takes ten times as long for as many values.
        if connection.vendor == "postgresql":
            cursor.execute(_insert_json(), [json.dumps(rows)])
        else:
            cursor.executemany(_insert_values(), rows)
    _shorten(amounts)


def _shorten(keys: Iterable[TotalKey]) -> None:
    """Makes one sketch of those that were put behind each other, where they are long."""
    changed = set(keys)
    long = UsageTotal.objects.alias(size=Length(Concat("latencies", "first_chunks"))).filter(
        dimension__in={one.dimension for one in changed},
        minutes__in={one.minutes for one in changed},
        start__in={one.start for one in changed},
        size__gt=LONGEST_SKETCHES,
    )
    rows = [
        (sketch_of(counts_in(latencies)), sketch_of(counts_in(first_chunks)), pk)
        for pk, latencies, first_chunks in long.values_list("pk", "latencies", "first_chunks")
    ]
    if rows:
        with connection.cursor() as cursor:
            cursor.executemany(SHORTEN, rows)


SKETCHES = ("latencies", "first_chunks")
COLUMNS = [*TotalKey._fields, *NUMBERS, *SKETCHES]
TABLE = UsageTotal._meta.db_table
INTO = f"INSERT INTO {TABLE} ({', '.join(COLUMNS)})"
SHORTEN = f"UPDATE {TABLE} SET latencies = %s, first_chunks = %s WHERE id = %s"  # noqa: S608 names of our own


def _on_conflict() -> str:
    """What becomes of a row that is there. No sum is greater than LARGEST."""
    least = "LEAST" if connection.vendor == "postgresql" else "MIN"
    sums = [
        f"{one} = {least}({TABLE}.{one}, {LARGEST} - EXCLUDED.{one}) + EXCLUDED.{one}"
        for one in NUMBERS
    ]
    joined = [f"{one} = TRIM({TABLE}.{one} || ' ' || EXCLUDED.{one})" for one in SKETCHES]
    return f"ON CONFLICT ({', '.join(TotalKey._fields)}) DO UPDATE SET {', '.join(sums + joined)}"


def _insert_json() -> str:
    """The statement for rows that are one JSON array, each an array of its own."""
    values = ", ".join(
        f"CAST(fresh ->> {place} AS {UsageTotal._meta.get_field(name).db_type(connection)})"
        for place, name in enumerate(COLUMNS)
    )
    rows = "json_array_elements(%s) AS fresh"
    return f"{INTO} SELECT {values} FROM {rows} {_on_conflict()}"  # noqa: S608 names of our own


def _insert_values() -> str:
    return f"{INTO} VALUES ({', '.join(['%s'] * len(COLUMNS))}) {_on_conflict()}"


def _row(key: TotalKey, amount: Amount) -> list[Any]:
    return [key.dimension, key.minutes, _time_text(key.start), *key[3:], *amount.values]


@lru_cache(maxsize=1024)
def _time_text(start: datetime) -> str:
    """A time as Django keeps it in SQLite, without its zone, or as PostgreSQL reads it."""
    # formatting a time by a pattern takes ten times as long
    text = start.isoformat(" ", "seconds")[:19]
    return f"{text}+00" if connection.vendor == "postgresql" else text

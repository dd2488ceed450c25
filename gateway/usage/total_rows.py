"""Totals as rows: what is added to them is merged with what is there, and written in batches."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from django.db import connection

from ..models import UsageTotal
from .sketches import counts_in, rounded, sketch_of

LARGEST = 2**63 - 1  # of a bigint
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


@dataclass(slots=True)
class Amount:
    """The numbers of a total, in the order of NUMBERS, and its sketches as counts."""

    numbers: list[int] = field(default_factory=lambda: [0] * len(NUMBERS))
    latencies: dict[int, int] = field(default_factory=dict)
    first_chunks: dict[int, int] = field(default_factory=dict)

    def add(self, other: "Amount") -> None:
        """Adds the numbers of other requests."""
        pairs = zip(self.numbers, other.numbers, strict=True)
        self.numbers = [mine + more for mine, more in pairs]
        for counts, more in (
            (self.latencies, other.latencies),
            (self.first_chunks, other.first_chunks),
        ):
            for value, count in more.items():
                counts[value] = counts.get(value, 0) + count


def told_counts(milliseconds: str | None) -> dict[int, int]:
    """Rounded milliseconds -> how many took so long, of times that are joined by spaces."""
    found: dict[int, int] = {}
    for one in (milliseconds or "").split():
        value = rounded(int(one))
        found[value] = found.get(value, 0) + 1
    return found


def add_to_totals(amounts: Mapping[TotalKey, Amount]) -> None:
    """Adds the amounts to the rows that are there, and makes those that are not. Nobody else may
    write totals meanwhile. Raises DatabaseError.
    """
    for key, there in _there(amounts):
        amounts[key].add(there)
    rows = [_row(key, amounts[key]) for key in sorted(amounts)]
    with connection.cursor() as cursor:
        # psycopg takes ten times as long for as many values.
        if connection.vendor == "postgresql":
            cursor.execute(_insert_json(), [json.dumps(rows)])
        else:
            cursor.executemany(_insert_values(), rows)


def _there(keys: Iterable[TotalKey]) -> Iterable[tuple[TotalKey, Amount]]:
    """The rows of these keys that exist."""
    wanted = set(keys)
    rows = UsageTotal.objects.filter(
        dimension__in={one.dimension for one in wanted},
        minutes__in={one.minutes for one in wanted},
        start__in={one.start for one in wanted},
    ).values_list(*COLUMNS)
    split, end = len(TotalKey._fields), len(TotalKey._fields) + len(NUMBERS)
    for row in rows.iterator(5000):
        key = TotalKey(*row[:split])
        if key in wanted:
            yield key, Amount(list(row[split:end]), counts_in(row[-2]), counts_in(row[-1]))


COLUMNS = [*TotalKey._fields, *NUMBERS, "latencies", "first_chunks"]
INTO = f"INSERT INTO {UsageTotal._meta.db_table} ({', '.join(COLUMNS)})"
ON_CONFLICT = f"ON CONFLICT ({', '.join(TotalKey._fields)}) DO UPDATE SET " + ", ".join(
    f"{one} = EXCLUDED.{one}" for one in COLUMNS[len(TotalKey._fields) :]
)


def _insert_json() -> str:
    """The statement for rows that are one JSON array, each an array of its own."""
    values = ", ".join(
        f"CAST(fresh ->> {place} AS {UsageTotal._meta.get_field(name).db_type(connection)})"
        for place, name in enumerate(COLUMNS)
    )
    return f"{INTO} SELECT {values} FROM json_array_elements(%s) AS fresh {ON_CONFLICT}"  # noqa: S608


def _insert_values() -> str:
    return f"{INTO} VALUES ({', '.join(['%s'] * len(COLUMNS))}) {ON_CONFLICT}"


def _row(key: TotalKey, amount: Amount) -> list[Any]:
    return [
        *(key.dimension, key.minutes, _time_text(key.start), *key[3:]),
        *(min(one, LARGEST) for one in amount.numbers),
        sketch_of(amount.latencies),
        sketch_of(amount.first_chunks),
    ]


def _time_text(start: datetime) -> str:
    """A time as Django keeps it in SQLite, without its zone, or as PostgreSQL reads it."""
    return f"{start:%Y-%m-%d %H:%M:%S}" + ("+00" if connection.vendor == "postgresql" else "")

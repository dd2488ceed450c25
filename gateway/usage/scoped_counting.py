"""Totals of one profile or one connection, by every dimension: a filter by either is answered from
them (gateway/usage/stored.py).

They are counted as all others are (counting.py), with a mark of their own, and by the schedule
instead of by recorders: a profile has nearly as many callers as requests, so that this costs as
much as to write them. There are days of them only.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import timedelta
from functools import lru_cache
from typing import Any

from django.db import connection, transaction
from django.db.models import Count, Max
from django.utils import timezone

from ..models import CountedUsage, UsageAttempt, UsageRecord
from .buckets import DAY, bucket_sql
from .counting import (
    FALLBACK,
    MINUTES,
    NUMBERS,
    SCOPES,
    Kind,
    amount_of,
    count_all,
    counted_to,
    settled_id,
    utc,
)
from .dimensions import (
    ASKED,
    CALLER,
    REQUESTS,
    WAS_ASKED,
    attempted,
    kind_of,
    name_and_key,
    scope_of,
    scoped,
    verbs_of,
)
from .total_rows import Amount, TotalKey, add_to_totals

CHUNK = 2_000  # records in one transaction
EVERY, AT_ONCE = timedelta(hours=6), 20_000  # records
KEYS_AT_ONCE = 5_000  # totals in one statement
COLUMNS = {
    **{name: REQUESTS[name] for name in ("provider", "model", "profile", "connection", "outcome")},
    CALLER: (*REQUESTS["token"], *REQUESTS["user"]),
}
Columns = dict[str, tuple[Any, ...]]
Group = tuple[str, str, str, tuple[Any, ...], Kind]  # a scope, a dimension, a day, a value
Target = tuple[str, Columns]  # the outcome of an attempt, and what was asked


def count_scopes_when_due() -> str:
    """Counts what is new, if that is much or was last done long ago. Returns a sentence of what was
    done. Raises DatabaseError.
    """
    mark = CountedUsage.objects.filter(pk=SCOPES).first()
    top = settled_id()
    new = top - (mark.records_to if mark else 0)
    is_old = mark is None or not mark.counted_at or mark.counted_at < timezone.now() - EVERY
    if not new or (new < AT_ONCE and not is_old):
        return "Nothing is due."
    return f"{count_scopes()} requests added to the totals of profiles and connections."


def count_scopes() -> int:
    """Counts until nothing is left, and says how many. It may be stopped at any time, and goes on
    from there. Raises DatabaseError.
    """
    count_all()  # by whose totals a reader finds the scopes
    counted, top = 0, counted_to()
    while number := _count_chunk(top):
        counted += number
    return counted


def _count_chunk(top: int) -> int:
    """Counts up to CHUNK records and says how many; none where somebody else counts. All but the
    writing is done before the lock, which on SQLite is that of all writers.
    """
    after = counted_to(SCOPES)
    ids = UsageRecord.objects.filter(pk__gt=after, pk__lte=top).order_by("pk")
    chunk = ids[:CHUNK].aggregate(last=Max("pk"), number=Count("pk"))
    if not chunk["last"]:
        return 0
    amounts = _amounts(after, chunk["last"])
    keys = sorted(amounts)
    with transaction.atomic():
        CountedUsage.objects.get_or_create(pk=SCOPES)
        mark = CountedUsage.objects.select_for_update().get(pk=SCOPES)
        if mark.records_to != after:
            return 0
        for place in range(0, len(keys), KEYS_AT_ONCE):
            add_to_totals({key: amounts[key] for key in keys[place : place + KEYS_AT_ONCE]})
        mark.records_to, mark.counted_at = chunk["last"], timezone.now()
        mark.save()
    return int(chunk["number"])


def _amounts(after: int, last: int) -> dict[TotalKey, Amount]:
    """What the records with ids after `after`, up to `last`, add to which totals."""
    attempts = _attempts(after, last)
    rows: defaultdict[Group, list[Any]] = defaultdict(list)
    ends: defaultdict[Group, int] = defaultdict(int)
    for pk, day, kind, columns, numbers in _requests(after, last):
        targets = attempts.get(pk, ())
        for scope in _scopes(columns, targets):
            for dimension, value in columns.items():
                rows[scope, dimension, day, value, kind].append(numbers)
            for outcome, target in targets:
                for verb in verbs_of(outcome):
                    for name, value in target.items():
                        ends[scope, attempted(verb, name), day, value, kind] += 1
    amounts = {_key(*group): amount_of(found) for group, found in rows.items()}
    return amounts | {_key(*group): Amount([n, 0, 0, 0, 0]) for group, n in ends.items()}


def _key(scope: str, dimension: str, day: str, value: tuple[Any, ...], kind: Kind) -> TotalKey:
    return TotalKey(scoped(scope, dimension), MINUTES[DAY], utc(day), *_value(value), *kind)


@lru_cache(maxsize=8192)
def _value(value: tuple[Any, ...]) -> tuple[str, str, str, str]:
    """The columns of a total: name, key, and those of a user."""
    found = tuple(name_and_key(value))
    return found if len(found) == 4 else (*found, "", "")  # type: ignore[return-value]


def _scopes(columns: Columns, targets: Sequence[Target]) -> set[str]:
    """The profile that was asked for, and each connection that was asked."""
    connections = {columns["connection"]} | {
        target["connection"] for outcome, target in targets if WAS_ASKED in verbs_of(outcome)
    }
    found = {("connection", *_value(one)[:2]) for one in connections}
    found.add(("profile", *_value(columns["profile"])[:2]))
    return {scope_of(*one) for one in found if one[2]}


def _requests(after: int, last: int) -> Iterator[tuple[int, Any, Any, Columns, Sequence[Any]]]:
    """The requests: id, day, kind, values of dimensions, numbers, time to the first chunk."""
    names = [f"CAST({one} AS TEXT)" for own in COLUMNS.values() for one in own]
    day = bucket_sql(connection.vendor, "started_at", DAY)
    columns = ["id", day, "attempts > 1", FALLBACK, *NUMBERS, "first_chunk_ms", *names]
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {', '.join(columns)} FROM {UsageRecord._meta.db_table} "  # noqa: S608
            "WHERE id > %s AND id <= %s",
            [after, last],
        )
        found = cursor.fetchall()
    own = 4 + len(NUMBERS) + 1
    for pk, at, several, fallback, *rest in found:
        texts = iter(rest[own - 4 :])
        values = {name: tuple(next(texts) for _ in own) for name, own in COLUMNS.items()}
        kind = kind_of(values["outcome"][0]), bool(several), bool(fallback)
        yield pk, at, kind, values, rest[: own - 4]


def _attempts(after: int, last: int) -> dict[int, list[Target]]:
    """The attempts at targets, by the ids of their requests."""
    columns = [f"CAST(attempt.{one} AS TEXT)" for own in ASKED.values() for one in own]
    found: dict[int, list[Target]] = {}
    with connection.cursor() as cursor:
        cursor.execute(ATTEMPTS.format(columns=", ".join(columns)), [after, last])
        for pk, outcome, *rest in cursor.fetchall():
            texts = iter(rest)
            target = {name: tuple(next(texts) for _ in own) for name, own in ASKED.items()}
            found.setdefault(pk, []).append((outcome, target))
    return found


ATTEMPTS = f"""
SELECT record.id, attempt.outcome, {{columns}}
FROM {UsageRecord._meta.db_table} record
JOIN {UsageAttempt._meta.db_table} attempt ON attempt.record_key = record.key
WHERE record.id > %s AND record.id <= %s
"""  # noqa: S608 names of our own

"""Totals of each route by hour and day, and of each profile, connection, provider, model and code
of an error by caller and day: filters of all kinds, and what a member of a team may see, are
answered from them (gateway/usage/stored.py).

They are counted as all others are (counting.py), with a mark of their own, and by the schedule
instead of by recorders: a profile has nearly as many callers as requests, so that this costs as
much as to write them.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import timedelta
from functools import lru_cache
from typing import Any

from django.db import connection, transaction
from django.db.models import Count, Max
from django.utils import timezone

from ..models import CountedUsage, UsageRecord
from .buckets import DAY, HOUR, begin, bucket_sql
from .counting import (
    MINUTES,
    NUMBERS,
    ROWS_AT_ONCE,
    SCOPES,
    WITH_ATTEMPTS,
    Kind,
    add,
    amount_of,
    count_all,
    counted_to,
    settled_id,
    utc,
)
from .dimensions import REQUESTS, ROUTE, callers_of, name_and_key
from .routes import Attempt, Route, Texts, forget_unused, id_of, keep, scopes_of
from .total_rows import Amount, TotalKey, add_to_totals

CHUNK = 10_000  # records in one transaction
EVERY, AT_ONCE = timedelta(hours=6), 20_000  # records
KEYS_AT_ONCE = 5_000  # totals in one statement
OF_TARGET = Route._fields[:8]
OF_CALLER = (*REQUESTS["token"], *REQUESTS["user"])
NOBODY = ("", None, "", None)  # in the place of OF_CALLER
TEN = len("2026-01-31")

Caller = tuple[str | None, ...]
Request = tuple[str, Route, Caller, Sequence[Any]]


def count_scopes_when_due() -> str:
    """Counts what is new, if that is much or was last done long ago. Returns a sentence of what was
    done. Raises DatabaseError.
    """
    mark = CountedUsage.objects.filter(pk=SCOPES).first()
    top = settled_id()
    new = top - (mark.records_to if mark else 0)
    is_old = (
        mark is None
        or not mark.counted_at
        or abs(timezone.now() - mark.counted_at) > EVERY  # a clock may have been ahead
    )
    if not new or (new < AT_ONCE and not is_old):
        return "Nothing is due."
    return f"{count_scopes()} requests added to the totals of routes and callers."


def count_scopes() -> int:
    """Counts until nothing is left, and says how many. It may be stopped at any time, and goes on
    from there. Raises DatabaseError.
    """
    count_all()
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
    amounts, routes = _amounts(after, chunk["last"])
    keys = sorted(amounts)
    with transaction.atomic():
        CountedUsage.objects.get_or_create(pk=SCOPES)
        mark = CountedUsage.objects.select_for_update().get(pk=SCOPES)
        if mark.records_to != after:
            return 0
        keep(routes)
        for place in range(0, len(keys), KEYS_AT_ONCE):
            add_to_totals({key: amounts[key] for key in keys[place : place + KEYS_AT_ONCE]})
        mark.records_to, mark.counted_at = chunk["last"], timezone.now()
        mark.save()
    return int(chunk["number"])


def forget_routes() -> None:
    """Deletes the routes that have no total any more, while nobody counts. Raises DatabaseError."""
    with transaction.atomic():
        CountedUsage.objects.select_for_update().filter(pk=SCOPES).first()
        forget_unused()


def _amounts(after: int, last: int) -> tuple[dict[TotalKey, Amount], set[Route]]:
    """What the records with ids after `after`, up to `last`, add to which totals, and their routes.

    Records that are the same are summed together first: there are few such groups, and many
    records.
    """
    by_route: defaultdict[tuple[str, Route], list[Any]] = defaultdict(list)
    by_caller: defaultdict[tuple[str, str, Kind, Caller], list[Any]] = defaultdict(list)
    texts = Texts()
    for hour, told, caller, numbers in _requests(after, last):
        day = hour[:TEN]
        route = texts.bounded(utc(day), told)
        by_route[hour, route].append(numbers)
        for scope in scopes_of(route):
            by_caller[scope, day, route.kind, caller].append(numbers)
    amounts: dict[TotalKey, Amount] = {}
    for (hour, route), rows in by_route.items():
        at, amount = utc(hour), amount_of(rows)
        key = TotalKey(ROUTE, MINUTES[HOUR], at, "", id_of(route), "", "", *route.kind)
        add(amounts, key, amount)
        add(amounts, key._replace(minutes=MINUTES[DAY], start=begin(at, DAY)), amount)
    for (scope, day, kind, caller), rows in by_caller.items():
        key = TotalKey(callers_of(scope), MINUTES[DAY], utc(day), *_caller(caller), *kind)
        amounts[key] = amount_of(rows)
    return amounts, {route for _, route in by_route}


@lru_cache(maxsize=8192)
def _caller(caller: Caller) -> tuple[str, str, str, str]:
    """The columns of a total: name and key of token and user."""
    return tuple(name_and_key(caller))  # type: ignore[return-value]


def _requests(after: int, last: int) -> Iterator[Request]:
    """The requests: the hour, the route, the texts of OF_CALLER, and the numbers with the time to
    the first chunk.
    """
    attempts = _attempts(after, last)
    texts = [*OF_TARGET, *OF_CALLER]
    columns = [
        *("id", bucket_sql(connection.vendor, "started_at", HOUR), *NUMBERS, "first_chunk_ms"),
        *(f"CAST({one} AS TEXT)" for one in texts),
    ]
    first, caller = len(columns) - len(texts), len(columns) - len(OF_CALLER)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {', '.join(columns)} FROM {UsageRecord._meta.db_table} "  # noqa: S608 names of our own
            "WHERE id > %s AND id <= %s",
            [after, last],
        )
        while rows := cursor.fetchmany(ROWS_AT_ONCE):
            for row in rows:
                target, asker, numbers = row[first:caller], row[caller:], row[2:first]
                told = asker if target[0] is None else NOBODY
                asked = tuple(attempts.get(row[0], ()))
                route = Route._make((*target, numbers[0], *told, asked))
                yield row[1], route, asker, numbers


def _attempts(after: int, last: int) -> dict[int, list[Attempt]]:
    """The attempts of each request, by its id, in their order."""
    columns = [f"CAST(attempt.{one} AS TEXT)" for one in Attempt._fields]
    found: dict[int, list[Attempt]] = {}
    with connection.cursor() as cursor:
        cursor.execute(ATTEMPTS.format(columns=", ".join(columns)), [after, last])
        for pk, *texts in cursor.fetchall():
            found.setdefault(pk, []).append(Attempt(*texts))
    return found


ATTEMPTS = f"""
SELECT record.id, {{columns}}
FROM {UsageRecord._meta.db_table} record
{WITH_ATTEMPTS} WHERE record.id > %s AND record.id <= %s ORDER BY record.id, attempt.position
"""  # noqa: S608 names of our own

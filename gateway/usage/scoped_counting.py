"""Totals of one profile or one connection, by every dimension: a filter by either is answered from
them (gateway/usage/stored.py).

They are counted as all others are (counting.py), with a mark of their own, and by the schedule
instead of by recorders: a profile has nearly as many callers as requests, so that this costs as
much as to write them. There are days of them only.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from functools import lru_cache
from itertools import product
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
    add,
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

CHUNK = 10_000  # records in one transaction
EVERY, AT_ONCE = timedelta(hours=6), 20_000  # records
KEYS_AT_ONCE = 5_000  # totals in one statement
OF_TARGET = ("provider", "model", "profile", "connection", "outcome")  # what mostly goes together
OF_CALLER = (*REQUESTS["token"], *REQUESTS["user"])

Texts = tuple[str | None, ...]  # values of columns, one behind the other
Request = tuple[int, str, Kind, Texts, Texts, Sequence[Any]]
Group = tuple[str, str, Kind, Any]  # a scope, a day, a kind, and what is the same in all of it


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


def _places(dimensions: Iterable[str]) -> dict[str, slice]:
    """The places of dimensions in the texts of their columns."""
    found, end = dict[str, slice](), 0
    for one in dimensions:
        found[one] = slice(end, end + len(REQUESTS[one]))
        end = found[one].stop
    return found


IN_TARGET, IN_ATTEMPT = _places(OF_TARGET), _places(ASKED)


def _amounts(after: int, last: int) -> dict[TotalKey, Amount]:
    """What the records with ids after `after`, up to `last`, add to which totals.

    Records that are the same in all dimensions but one are summed together first: there are few
    such groups, and many records.
    """
    attempts = _attempts(after, last)
    targets: defaultdict[Group, list[Any]] = defaultdict(list)
    callers: defaultdict[Group, list[Any]] = defaultdict(list)
    ends: defaultdict[Group, int] = defaultdict(int)
    for pk, day, kind, target, caller, numbers in _requests(after, last):
        asked = tuple(attempts.get(pk, ()))
        for scope in _scopes(target, asked):
            targets[scope, day, kind, target].append(numbers)
            callers[scope, day, kind, caller].append(numbers)
            ends[scope, day, kind, asked] += 1
    amounts: dict[TotalKey, Amount] = {}
    for (scope, day, kind, target), rows in targets.items():
        amount = amount_of(rows)
        for name, place in IN_TARGET.items():
            add(amounts, _key(scope, name, day, target[place], kind), amount)
    for (scope, day, kind, caller), rows in callers.items():
        amounts[_key(scope, CALLER, day, caller, kind)] = amount_of(rows)
    for (scope, day, kind, asked), number in ends.items():
        for outcome, *texts in asked:
            for verb, (name, place) in product(verbs_of(outcome), IN_ATTEMPT.items()):
                key = _key(scope, attempted(verb, name), day, tuple(texts[place]), kind)
                add(amounts, key, Amount([number, 0, 0, 0, 0]))
    return amounts


def _key(scope: str, dimension: str, day: str, value: Texts, kind: Kind) -> TotalKey:
    return TotalKey(scoped(scope, dimension), MINUTES[DAY], utc(day), *_value(value), *kind)


@lru_cache(maxsize=8192)
def _value(value: Texts) -> tuple[str, str, str, str]:
    """The columns of a total: name, key, and those of a user."""
    found = tuple(name_and_key(value))
    return found if len(found) == 4 else (*found, "", "")  # type: ignore[return-value]


@lru_cache(maxsize=8192)
def _scopes(target: Texts, asked: tuple[Texts, ...]) -> frozenset[str]:
    """The profile that was asked for, and each connection that was asked."""
    connections = {target[IN_TARGET["connection"]]} | {
        texts[IN_ATTEMPT["connection"]]
        for outcome, *rest in asked
        if WAS_ASKED in verbs_of(str(outcome)) and (texts := tuple(rest))
    }
    found = {("connection", *_value(one)[:2]) for one in connections}
    found.add(("profile", *_value(target[IN_TARGET["profile"]])[:2]))
    return frozenset(scope_of(*one) for one in found if one[2])


def _requests(
    after: int, last: int
) -> Iterator[tuple[int, str, Kind, Texts, Texts, Sequence[Any]]]:
    """The requests: id, day, kind, the texts of OF_TARGET and of OF_CALLER, and the numbers with
    the time to the first chunk.
    """
    texts = [*(one for name in OF_TARGET for one in REQUESTS[name]), *OF_CALLER]
    day = bucket_sql(connection.vendor, "started_at", DAY)
    columns = [
        *("id", day, "attempts > 1", FALLBACK, *NUMBERS, "first_chunk_ms"),
        *(f"CAST({one} AS TEXT)" for one in texts),
    ]
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {', '.join(columns)} FROM {UsageRecord._meta.db_table} "  # noqa: S608
            "WHERE id > %s AND id <= %s",
            [after, last],
        )
        found = cursor.fetchall()
    first, caller = len(columns) - len(texts), len(columns) - len(OF_CALLER)
    for row in found:
        outcome = row[caller - 1]
        kind = kind_of(outcome), bool(row[2]), bool(row[3])
        yield row[0], row[1], kind, row[first:caller], row[caller:], row[4:first]


def _attempts(after: int, last: int) -> dict[int, list[Texts]]:
    """The attempts by the ids of their requests: of each the outcome, and the texts of ASKED."""
    columns = [f"CAST(attempt.{one} AS TEXT)" for own in ASKED.values() for one in own]
    found: dict[int, list[Texts]] = {}
    with connection.cursor() as cursor:
        cursor.execute(ATTEMPTS.format(columns=", ".join(columns)), [after, last])
        for pk, *texts in cursor.fetchall():
            found.setdefault(pk, []).append(tuple(texts))
    return found


ATTEMPTS = f"""
SELECT record.id, attempt.outcome, {{columns}}
FROM {UsageRecord._meta.db_table} record
JOIN {UsageAttempt._meta.db_table} attempt ON attempt.record_key = record.key
WHERE record.id > %s AND record.id <= %s
"""  # noqa: S608 names of our own

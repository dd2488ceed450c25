"""Totals of usage, counted from the records.

A record is counted once, in the order of ids, in the transaction that notes how far all are
counted. So totals, and the records behind that mark, are together what was ever recorded: whoever
wrote it, also a version that knows no totals, and whenever this was stopped. Pages and API read
both (gateway/usage/stored.py).

Recorders call `count_new` once in a while, for it costs less to count a thousand records at once
than to add to totals with each.
"""

import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple

from django.db import OperationalError, connection, transaction
from django.db.models import Count, Max
from django.utils import timezone

from connections.outages import BUSY, database_outage

from ..models import CountedUsage, UsageAttempt, UsageRecord, UsageTotal
from .buckets import DAY, HOUR, QUARTER, begin, bucket_sql
from .dimensions import (
    ALL,
    ASKED,
    CALLER,
    EARLIER,
    OTHERS,
    REQUESTS,
    WAS_ASKED,
    attempted,
    kind_of,
    name_and_key,
    verbs_of,
)
from .total_rows import Amount, TotalKey, add_to_totals, told_counts

CHUNK, ROWS_AT_ONCE = 10_000, 1000  # records in one transaction, and in the memory
PATIENCE = "200ms"  # for which records wait to be written while others end
MOST_TRIES, PAUSE = 60, 0.5  # seconds
MOST_TEXTS = 100  # that are no profile's alias and were asked for in an hour, each with its total
_begin = lru_cache(maxsize=1024)(begin)  # in UTC only: equal times of two zones are one to it
MINUTES = {length: length // timedelta(minutes=1) for length in (QUARTER, HOUR, DAY)}

Amounts = dict[TotalKey, Amount]
Groups = dict[Any, list[Any]]  # the numbers of the records
Kind = tuple[str, bool, bool]  # of outcome, several were asked, a fallback answered


class Value(NamedTuple):
    """A value of a dimension; of callers the user's name and id too."""

    dimension: str
    name: str = ""
    key: str = ""
    user_name: str = ""
    user_key: str = ""


Counted = Iterator[tuple[datetime, Kind, list[Value], Amount]]  # the same values, and the same kind

# The marks: of the totals here, and of scoped_counting.py. The version before has 2 for others.
ALL_REQUESTS, SCOPES = 1, 3


def counted_to(mark: int = ALL_REQUESTS) -> int:
    """The greatest id of the records that are counted. One query."""
    found = CountedUsage.objects.filter(pk=mark).values_list("records_to", flat=True).first()
    return found or 0


def count_new(every: timedelta = timedelta(0)) -> bool:
    """Counts up to CHUNK records, unless somebody did so less than `every` ago. True when there are
    more.

    Raises DatabaseError; then nothing is counted. On PostgreSQL that is OperationalError where
    others write for longer than PATIENCE: try later.
    """
    now = timezone.now()  # what is far ahead was counted by a clock that was
    if every and CountedUsage.objects.filter(counted_at__range=(now - every, now + every)).exists():
        return False
    top = settled_id()
    with transaction.atomic():
        CountedUsage.objects.get_or_create(pk=1)
        mark = CountedUsage.objects.select_for_update().get(pk=1)
        ids = UsageRecord.objects.filter(pk__gt=mark.records_to, pk__lte=top).order_by("pk")
        chunk = ids[:CHUNK].aggregate(last=Max("pk"), number=Count("pk"))
        if last := chunk["last"]:
            add_to_totals(_amounts(mark.records_to, last))
            mark.records_to = last
        mark.counted_at = timezone.now()
        mark.save()
    return bool(chunk["number"] == CHUNK)


def count_all() -> None:
    """Counts until nothing is left. It may be stopped at any time, and goes on from there. Raises
    as `count_new` does, but is patient with others who write.
    """
    tries = 0
    while True:
        try:
            if not count_new():
                return
            tries = 0
        except OperationalError as error:
            tries += 1
            if database_outage(error) is not BUSY or tries == MOST_TRIES:
                raise
            time.sleep(PAUSE)


def settled_id() -> int:
    """The greatest id, once nobody may still write a smaller one.

    PostgreSQL gives out ids before they are committed. A lock that no writer of records shares is
    had when all that were given out are committed; it is held for a moment only.
    https://www.postgresql.org/docs/current/explicit-locking.html#LOCKING-TABLES
    """
    with transaction.atomic():
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute(f"SET LOCAL lock_timeout = '{PATIENCE}'")
                cursor.execute(f"LOCK TABLE {UsageRecord._meta.db_table} IN SHARE MODE")
        return UsageRecord.objects.aggregate(top=Max("pk"))["top"] or 0


def _amounts(after: int, last: int) -> Amounts:
    """What the records with ids after `after`, up to `last`, add to which totals."""
    amounts: Amounts = {}
    texts = _Texts()
    for counted in (_requests(after, last), _earlier(after, last), _attempts(after, last)):
        for start, kind, values, amount in counted:
            for value in values:
                length = QUARTER if value.dimension == ALL else HOUR
                at = _begin(start, length)
                if value.dimension == "profile" and not value.key:
                    value = value._replace(name=texts.bounded(at, value.name))
                total = TotalKey(value.dimension, MINUTES[length], at, *value[1:], *kind)
                add(amounts, total, amount)
    for short, long in ((QUARTER, HOUR), (HOUR, DAY)):
        for total, amount in [one for one in amounts.items() if one[0].minutes == MINUTES[short]]:
            longer = total._replace(minutes=MINUTES[long], start=_begin(total.start, long))
            add(amounts, longer, amount)
    return amounts


def add(amounts: Amounts, total: TotalKey, amount: Amount) -> None:
    """Adds an amount to a total. The first is kept as it is, shared with other totals."""
    there = amounts.get(total)
    amounts[total] = amount if there is None else there.plus(amount)


class _Texts:
    """Bounds the number of texts that have a total in an hour although no profile has them."""

    def __init__(self) -> None:
        self._kept: dict[datetime, set[str]] = {}

    def bounded(self, hour: datetime, text: str) -> str:
        """The text, or OTHERS where there are MOST_TEXTS without it."""
        if hour not in self._kept:
            there = UsageTotal.objects.filter(
                dimension="profile", minutes=MINUTES[HOUR], start=hour, key=""
            )
            self._kept[hour] = set(there.values_list("name", flat=True))
        kept = self._kept[hour]
        if len(kept) < MOST_TEXTS:
            kept.add(text)
        return text if text in kept else OTHERS


# Summed together is what mostly goes together, so that there is little left to add up.
TOGETHER = ("provider", "model", "profile", "connection")
NUMBERS = ("attempts", "COALESCE(input_tokens, 0)", "COALESCE(output_tokens, 0)", "latency_ms")


def _requests(after: int, last: int) -> Counted:
    """The requests, by ALL and by the dimensions of REQUESTS."""
    by_target, by_caller = _grouped(after, last)
    for (*texts, at, several, fallback, outcome), rows in by_target.items():
        rest = iter(texts)
        values = [Value(ALL), Value("outcome", outcome)]
        for dimension in TOGETHER:
            own = [next(rest) for _ in REQUESTS[dimension]]
            values.append(Value(dimension, *name_and_key(own)))
        yield utc(at), (kind_of(outcome), bool(several), bool(fallback)), values, amount_of(rows)
    for (at, several, fallback, outcome, *caller), rows in by_caller.items():
        kind = kind_of(outcome), bool(several), bool(fallback)
        yield utc(at), kind, [Value(CALLER, *name_and_key(caller))], amount_of(rows)


def _grouped(after: int, last: int) -> tuple[Groups, Groups]:
    """The numbers and times of each record, by what was asked for, and by caller; by quarter both.
    For so many groups the databases would sort, which takes longer.
    """
    quarter = bucket_sql(connection.vendor, "started_at", QUARTER)
    target = [one for dimension in TOGETHER for one in REQUESTS[dimension]]
    of_both = [quarter, "attempts > 1", FALLBACK, "outcome"]
    columns = [
        *(*NUMBERS, "first_chunk_ms"),
        *(f"CAST({one} AS TEXT)" for one in target),
        *of_both,
        *(f"CAST({one} AS TEXT)" for one in REQUESTS["token"] + REQUESTS["user"]),
    ]
    own = len(NUMBERS) + 1
    shared = own + len(target)
    caller = shared + len(of_both)
    by_target: defaultdict[Any, list[Any]] = defaultdict(list)
    by_caller: defaultdict[Any, list[Any]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {', '.join(columns)} {OF_RECORDS}",
            [after, last],
        )
        while rows := cursor.fetchmany(ROWS_AT_ONCE):  # all would be 20 MB for a moment
            for row in rows:
                numbers = row[:own]
                by_target[row[own:caller]].append(numbers)
                by_caller[row[shared:]].append(numbers)
    return by_target, by_caller


OF_RECORDS = f"FROM {UsageRecord._meta.db_table} WHERE id > %s AND id <= %s"
FALLBACK = (
    "answered_profile_id IS NOT NULL AND (profile_id IS NULL OR answered_profile_id <> profile_id)"
)


def _earlier(after: int, last: int) -> Counted:
    """The requests, by each connection that was asked before the last one."""
    started = bucket_sql(connection.vendor, "record.started_at", HOUR)
    with connection.cursor() as cursor:
        cursor.execute(SEVERAL.format(started=started), [after, last])
        found = cursor.fetchall()
    seen: dict[int, tuple[Sequence[Any], set[tuple[str, str]]]] = {}
    for pk, alias, asked, ended, last_asked, *row in found:
        _, earlier = seen.setdefault(pk, (row, set()))
        if WAS_ASKED in verbs_of(ended) and asked != last_asked:
            earlier.add((alias, asked))
    for (at, outcome, is_fallback, *numbers), earlier in seen.values():
        values = [Value(EARLIER, *name_and_key(one)) for one in earlier]
        yield utc(at), (kind_of(outcome), True, bool(is_fallback)), values, amount_of([numbers])


def _attempts(after: int, last: int) -> Counted:
    """The attempts, by what was asked and how that ended."""
    started = bucket_sql(connection.vendor, "record.started_at", HOUR)
    with connection.cursor() as cursor:
        cursor.execute(ATTEMPTS_BY_TARGET.format(started=started), [after, last])
        found = cursor.fetchall()
    for at, outcome, several, fallback, *target, ended, number in found:
        named = dict(zip(TARGET, target, strict=True))
        values = [
            Value(attempted(verb, dimension), *name_and_key([named[one] for one in names]))
            for dimension, names in ASKED.items()
            for verb in verbs_of(ended)
        ]
        kind = kind_of(outcome), bool(several), bool(fallback)
        yield utc(at), kind, values, Amount([number, 0, 0, 0, 0])


# The ORM knows no relation between the two. The time leaves partitions of earlier days alone.
WITH_ATTEMPTS = f"""JOIN {UsageAttempt._meta.db_table} attempt
ON attempt.record_key = record.key AND attempt.started_at >= record.started_at"""
SEVERAL = f"""
SELECT record.id, attempt.connection_alias, CAST(attempt.connection_id AS TEXT), attempt.outcome,
    CAST(record.connection_id AS TEXT), {{started}}, record.outcome,
    record.answered_profile_id IS NOT NULL AND
    (record.profile_id IS NULL OR record.answered_profile_id <> record.profile_id),
    record.attempts, COALESCE(record.input_tokens, 0), COALESCE(record.output_tokens, 0),
    record.latency_ms, record.first_chunk_ms
FROM {UsageRecord._meta.db_table} record
{WITH_ATTEMPTS} WHERE record.id > %s AND record.id <= %s AND record.attempts > 1
"""  # noqa: S608 names of our own
TARGET = ("connection_alias", "connection_id", "provider_id", "model")
ATTEMPTS_BY_TARGET = f"""
SELECT {{started}}, record.outcome, record.attempts > 1,
    record.answered_profile_id IS NOT NULL AND record.answered_profile_id <> record.profile_id,
    {", ".join(f"attempt.{one}" for one in TARGET)}, attempt.outcome, COUNT(*)
FROM {UsageRecord._meta.db_table} record
{WITH_ATTEMPTS} WHERE record.id > %s AND record.id <= %s GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9
"""  # noqa: S608 names of our own


def utc(bucket: str) -> datetime:
    """The beginning of a bucket (buckets.py)."""
    return datetime.fromisoformat(bucket).replace(tzinfo=UTC)


def amount_of(rows: Sequence[Sequence[Any]]) -> Amount:
    """The amount of records, of each its NUMBERS and the time to its first chunk."""
    *numbers, first_chunks = zip(*rows, strict=True)
    return Amount(
        [len(rows), *map(sum, numbers)], told_counts(numbers[-1]), told_counts(first_chunks)
    )

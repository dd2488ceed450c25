"""Usage with a partition for each day is what it is without: these tests partition the tables on
PostgreSQL, and leave them as they are on SQLite.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from io import StringIO
from typing import Any

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.test import override_settings
from django.utils import timezone

from connections.direct_database import direct_parameters, schema_lock
from gateway.models import UsageRecord, UsageTotal
from gateway.usage import partitioning, partitions, retention
from gateway.usage.buckets import DAY, begin
from gateway.usage.counting import count_all, counted_to
from gateway.usage.records import batches, last
from tests.gateway.partitioned import names, own_database
from tests.gateway.records import gone_round, used

pytestmark = pytest.mark.server
NOW = timezone.now()
TODAY = begin(NOW, DAY)


@pytest.fixture
def is_postgresql(
    request: pytest.FixtureRequest, settings: Any, django_db_setup: None
) -> Iterator[bool]:
    """Tables that are not partitioned, in a database of one's own."""
    settings.GATEWAY_USAGE_DAYS = 30
    if connection.vendor != "postgresql":
        request.getfixturevalue("db")
        yield False
        return
    with request.getfixturevalue("django_db_blocker").unblock(), own_database():
        yield True


@pytest.fixture(scope="module")
def partitioned(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """Tables that were partitioned, with a record of before, in a database of this module's."""
    with django_db_blocker.unblock(), own_database(), override_settings(GATEWAY_USAGE_DAYS=30):
        used(started_at=NOW - 50 * DAY, latency_ms=50)
        call_command("partition_usage", stdout=StringIO())
        yield


@pytest.fixture
def has_days(request: pytest.FixtureRequest, settings: Any) -> Iterator[bool]:
    """True where the tables are partitioned. What a test does is taken back."""
    settings.GATEWAY_USAGE_DAYS = 30
    if connection.vendor != "postgresql":
        request.getfixturevalue("db")
        used(started_at=NOW - 50 * DAY, latency_ms=50)
        yield False
        return
    request.getfixturevalue("partitioned")
    with request.getfixturevalue("django_db_blocker").unblock(), transaction.atomic():
        yield True
        transaction.set_rollback(True)


def said() -> str:
    out = StringIO()
    call_command("partition_usage", stdout=out)
    return out.getvalue()


def left() -> list[int]:
    return [*UsageRecord.objects.order_by("latency_ms").values_list("latency_ms", flat=True)]


def at(moment: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets it be then."""
    monkeypatch.setattr(timezone, "now", lambda: moment)


def test_it_is_done_once_and_for_postgresql_only(has_days: bool):
    if has_days:
        assert (
            said() == "gateway_usagerecord is partitioned.\ngateway_usageattempt is partitioned.\n"
        )
    else:
        with pytest.raises(CommandError, match="for PostgreSQL only"):
            said()


def test_every_table_has_what_was_there_the_days_ahead_and_a_rest(has_days: bool):
    ahead = {f"{TODAY + number * DAY:%Y%m%d}" for number in range(3, partitions.AHEAD + 1)}
    for table in partitions.TABLES if has_days else ():
        assert names(table) == {"before", "rest", *ahead}


RIGHTS = "SELECT relacl, relowner FROM pg_class WHERE oid = 'gateway_usagerecord'::regclass"


def test_names_numbers_rights_and_the_owner_go_on(is_postgresql: bool):
    first = used()
    if is_postgresql:
        change(f"GRANT SELECT ON {partitions.RECORDS} TO PUBLIC")
    before = looked_at(is_postgresql)
    if is_postgresql:
        said()
    assert looked_at(is_postgresql) == before
    assert used().pk == first.pk + 1


def change(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def looked_at(is_postgresql: bool) -> list[Any]:
    """The names of indexes and constraints of records, as migrations find them, and the rights."""
    with connection.cursor() as cursor:
        found = [sorted(connection.introspection.get_constraints(cursor, partitions.RECORDS))]
        if is_postgresql:
            cursor.execute(RIGHTS)
            rights, owner = cursor.fetchone()
            found += [sorted(rights), owner]
        return found


def test_requests_are_written_counted_and_read_over_all_partitions(has_days: bool):
    ages = (-20, -5, 0, 1, 45)  # in partitions of days, in the rest, and in what was there
    rows = [gone_round(started_at=NOW - age * DAY, latency_ms=100 + age) for age in ages]
    UsageRecord.objects.bulk_create([UsageRecord(key=None, **_columns(rows[0]))])
    count_all()
    assert counted_to() == rows[-1].pk + 1
    total = UsageTotal.objects.filter(dimension="all", minutes=1440)
    assert sum(total.values_list("requests", flat=True)) == 7
    found = [row for some in batches(last(40 * DAY), None, ["latency_ms"]) for row in some]
    assert found == [[101], [100]]
    assert UsageRecord.objects.filter(pk=rows[1].pk).update(latency_ms=1) == 1


def _columns(row: UsageRecord) -> dict[str, Any]:
    fields = [one.attname for one in UsageRecord._meta.concrete_fields]
    return {one: getattr(row, one) for one in fields if one not in ("id", "key")}


def test_rows_without_a_day_get_one(has_days: bool):
    far = [used(started_at=NOW + 20 * DAY, latency_ms=20).pk for _ in range(3)]
    later = NOW + 19 * DAY
    with pytest.MonkeyPatch.context() as patch:
        at(later, patch)
        text = retention.keep_partitions()
    assert UsageRecord.objects.filter(pk__in=far).count() == 3
    if has_days:
        assert text.startswith("30 partitions of days made.")
        assert f"{TODAY + 20 * DAY:%Y%m%d}" in names(partitions.RECORDS)
        assert rows_of("rest") == 0
    else:
        assert text == "The tables of usage are not partitioned."


def rows_of(name: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {partitions.RECORDS}_{name}")
        return int(cursor.fetchone()[0])


@pytest.fixture
def days(has_days: bool) -> bool:
    """Requests of 5 to 8 days ahead, each with two attempts, beside the old one."""
    for day in range(5, 9):
        gone_round(started_at=NOW + day * DAY, latency_ms=day)
    return has_days


def test_prune_deletes_what_is_old_and_whole_days_by_dropping_them(
    days: bool, monkeypatch: pytest.MonkeyPatch
):
    at(NOW + 37 * DAY + timedelta(minutes=1), monkeypatch)
    pruned = retention.prune(30, 400)
    assert (pruned.records, left()) == (4, [8])
    if days:
        gone = {f"{TODAY + day * DAY:%Y%m%d}" for day in range(3, 7)} | {"before"}
        for table in partitions.TABLES:
            assert not gone & names(table) and f"{TODAY + 7 * DAY:%Y%m%d}" in names(table)
    total = UsageTotal.objects.filter(dimension="all", minutes=1440)
    assert sum(total.values_list("requests", flat=True)) == 5


def test_a_dry_run_drops_nothing(days: bool, monkeypatch: pytest.MonkeyPatch):
    at(NOW + 37 * DAY + timedelta(minutes=1), monkeypatch)
    assert retention.prune(30, 400, dry_run=True).records == 4
    assert len(left()) == 5


def test_the_schedule_leaves_a_day_until_it_is_old_as_a_whole(
    days: bool, monkeypatch: pytest.MonkeyPatch
):
    at(NOW + 37 * DAY + timedelta(minutes=1), monkeypatch)
    assert retention.prune_by_settings().startswith(f"{3 if days else 4} usage records")
    assert left() == ([7, 8] if days else [8])
    at(TODAY + 38 * DAY, monkeypatch)
    text = retention.keep_partitions()
    assert left() == [8]
    assert not days or "1 usage record older than 30 days" in text


def test_a_day_that_somebody_reads_goes_with_the_next_run(
    days: bool, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(partitions, "LOCK_TIMEOUT", "100ms")
    at(NOW + 37 * DAY, monkeypatch)
    if days:
        with psycopg.connect(**direct_parameters()) as reader:
            reader.execute(f"SELECT count(*) FROM {partitions.RECORDS}_{TODAY + 5 * DAY:%Y%m%d}")
            # the reader shares the day, so everything up to it goes and nothing from it on
            assert (retention.prune(30, 400).records, left()) == (1, [5, 6, 7, 8])
    retention.prune(30, 400)
    assert left() == [7, 8]


def test_a_record_that_is_in_no_total_keeps_its_day(days: bool):
    until = TODAY + 6 * DAY
    found = partitions.drop_old(partitions.RECORDS, until, counted=1)
    assert found == ((1, TODAY + 5 * DAY) if days else (0, until))
    assert left() == ([5, 6, 7, 8] if days else [5, 6, 7, 8, 50])


def test_what_an_unfinished_run_has_left_never_refuses_a_request(
    is_postgresql: bool, monkeypatch: pytest.MonkeyPatch
):
    def stop(*_: Any) -> None:
        raise KeyboardInterrupt

    if is_postgresql:
        monkeypatch.setattr(partitioning, "_exchange", stop)
        with pytest.raises(CommandError, match="It was cancelled"):
            said()
        retention.keep_partitions()
        with pytest.raises(Exception, match="before_check"):
            used(started_at=TODAY + 3 * DAY)
        at(TODAY + 2 * DAY + timedelta(hours=1), monkeypatch)
        retention.keep_partitions()
    used(started_at=TODAY + 3 * DAY)


IN_THE_WAY = (
    ("CREATE VIEW ours AS SELECT model FROM {}", "DROP VIEW ours", "the view ours"),
    ("CREATE PUBLICATION ours FOR TABLE {}", "DROP PUBLICATION ours", "the publication ours"),
    ("CREATE UNIQUE INDEX ours ON {} (key)", "DROP INDEX ours", "the unique index ours"),
)


def test_it_is_refused_with_words_where_it_would_not_end_well(is_postgresql: bool, settings: Any):
    for make, take_away, words in IN_THE_WAY if is_postgresql else ():
        change(make.format(partitions.RECORDS))
        with pytest.raises(CommandError, match=f"{partitions.RECORDS} is used by {words}"):
            said()
        change(take_away)
    for days, words in ((0, "kept for ever"), (5000, "more partitions than PostgreSQL can lock")):
        settings.GATEWAY_USAGE_DAYS = days
        with pytest.raises(CommandError, match=words if is_postgresql else "PostgreSQL only"):
            said()
    settings.GATEWAY_USAGE_DAYS = 30
    if is_postgresql:
        with schema_lock() as take, pytest.raises(CommandError, match="Another process"):
            assert take()
            said()
        used(started_at=NOW + 9 * DAY)
        with pytest.raises(CommandError, match="has rows whose time is"):
            said()
    used(started_at=NOW + 9 * DAY)

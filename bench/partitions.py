"""Usage on PostgreSQL with a partition for each day, and without: what writing, reading and the
deletion of a day take with many records, in two databases of one run.

`python -m bench.partitions <requests> plain|partitioned` fills the one of DATABASE_URL and prints
what it measured as JSON.
"""

import itertools
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from .databases import postgresql
from .usage import requests, write

if TYPE_CHECKING:
    from django.test import Client

DAYS, ROUNDS, BATCH, WRITTEN = 30, 9, 50, 20_000
FORMS = ("plain", "partitioned")
# As bench.usage makes requests, by the server itself, which is ten times as fast
RECORDS = """
INSERT INTO gateway_usagerecord (key, request_id, started_at, endpoint, capability, profile_id,
    profile_alias, answered_profile_id, answered_profile_alias, connection_id, connection_alias,
    connection_version, provider_id, model, user_id, user_name, token_id, token_name, is_stream,
    attempts, input_tokens, output_tokens, latency_ms, outcome, prompt, answer)
SELECT key, replace(key::text, '-', ''), at, 'v1', 'Chat', profile, 'profile-' || mod(place, 40),
    profile, 'profile-' || mod(place, 40), md5('c' || mod(place, 20))::uuid,
    'connection-' || mod(place, 20), 1,
    'openai', 'gpt-4o', mod(place, 200), 'user-' || mod(place, 200),
    md5('t' || mod(place, 200))::uuid, 'Token', false, 1, mod(place, 8000), mod(place, 1500),
    20 + mod(place, 900), CASE mod(place, 25) WHEN 0 THEN 'timeout' ELSE 'ok' END, '', ''
FROM (
    SELECT place, %(start)s + place * %(step)s AS at, md5('k' || place)::uuid AS key,
        md5('p' || mod(place, 40))::uuid AS profile
    FROM generate_series(%(first)s::bigint, %(last)s::bigint) AS place
) AS made
"""
ATTEMPTS = """
INSERT INTO gateway_usageattempt (record_key, position, started_at, profile_id, profile_alias,
    connection_id, connection_alias, connection_version, provider_id, model, outcome, code, error,
    latency_ms, retries, is_cooling)
SELECT key, 0, started_at, profile_id, profile_alias, connection_id, connection_alias, 1,
    provider_id, model, outcome, '', '', latency_ms, 0, false FROM gateway_usagerecord
"""
MARKS = "INSERT INTO gateway_countedusage (id, records_to) SELECT one, max(id) FROM "


def measure(number: int) -> None:
    """Prints a table: each measure without partitions, with them, and the ratio of the two."""
    found = {}
    for form in FORMS:
        with postgresql(f"switchboard_bench_{form}") as url:
            if url is None:
                return
            command = [sys.executable, "-m", "bench.partitions", str(number), form]
            own = os.environ | {"DATABASE_URL": url, "GATEWAY_USAGE_DAYS": str(DAYS)}
            done = subprocess.run(command, env=own, check=True, stdout=subprocess.PIPE, text=True)
            found[form] = json.loads(done.stdout.splitlines()[-1])
    print(f"\nUsage in {DAYS} partitions of days, {number:,} records")
    print(f"{'':<46}{'without':>12}{'with':>12}{'with / without':>16}")
    for name, plain in found["plain"].items():
        mine = found["partitioned"][name]
        print(f"{name:<46}{plain:>12,.1f}{mine:>12,.1f}{mine / plain:>15.3f}x", flush=True)


def partition_past(now: datetime) -> None:
    """Partitions the tables, which have no rows yet, with a partition for each of the last days as
    they have it that were partitioned for long.
    """
    from django.db import connection, transaction

    from gateway.usage.partitioning import partition
    from gateway.usage.partitions import TABLES, days_ahead, make_days

    partition(lambda _text: None)
    first = days_ahead(now - timedelta(days=DAYS))[0]
    days = [first + timedelta(days=number) for number in range(DAYS + 4)]
    with transaction.atomic(), connection.cursor() as cursor:
        for table in TABLES:
            cursor.execute(f"DROP TABLE {table}_before")
            make_days(cursor, table, days)


def load(number: int, now: datetime) -> float:
    """Writes records and attempts as if they were in the totals; returns the seconds."""
    import psycopg

    span = timedelta(days=DAYS)
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as cursor:
        started = time.perf_counter()
        values = {"start": now - span, "step": span / number, "first": 0, "last": number - 1}
        cursor.execute(RECORDS, values)
        cursor.execute(ATTEMPTS)
        cursor.execute("DELETE FROM gateway_countedusage")
        cursor.execute(f"{MARKS} gateway_usagerecord, (VALUES (1), (3)) AS marks (one) GROUP BY 1")
        seconds = time.perf_counter() - started
        cursor.execute("VACUUM ANALYZE gateway_usagerecord, gateway_usageattempt")
    return seconds


def written(now: datetime) -> float:
    """The records a second that one recorder writes with their attempts, in its batches."""
    made = list(itertools.islice(requests(10**6, now + timedelta(days=DAYS)), WRITTEN))
    started = time.perf_counter()
    for place in range(0, WRITTEN, BATCH):
        write(made[place : place + BATCH])
    return WRITTEN / (time.perf_counter() - started)


def reads(client: "Client", now: datetime) -> dict[str, Callable[[], Any]]:
    """What is looked at, by name."""
    from gateway.models import UsageRecord
    from gateway.usage.counting import settled_id

    newest = UsageRecord.objects.order_by("-pk")[:1].get()
    month = f"from={now - timedelta(days=DAYS - 1):%Y-%m-%dT%H:%M}Z&to={now:%Y-%m-%dT%H:%M}Z"
    token = UsageRecord.objects.values_list("token_id", flat=True).first()
    pages = {
        "the page of usage, 24 h": "/usage/?period=24h",
        "the page of usage, 30 days": "/usage/?period=30d",
        "the page of usage, 30 days, a token's": f"/usage/?period=30d&token={token}",
        "a request's page, by its key": f"/usage/{newest.key}/",
        "the list by cursor, newest": f"/api/v1/analytics/usage-records?take=100&{month}",
        "the list by cursor, far behind": f"/api/v1/analytics/usage-records?take=100&skip=20000"
        f"&{month}",
    }
    found: dict[str, Callable[[], Any]] = {
        name: partial(_ask, client, address) for name, address in pages.items()
    }
    found["the greatest id, as counting asks"] = settled_id
    return found


def _ask(client: "Client", address: str) -> int:
    answer: Any = client.get(address)
    if answer.status_code != 200:
        raise RuntimeError(f"{address} answers {answer.status_code}")
    parts = answer.streaming_content if answer.streaming else [answer.content]
    return sum(len(part) for part in parts)


def deleted_a_day(number: int) -> tuple[float, float]:
    """The seconds to delete the oldest records, as the schedule does it, for those of one day; and
    how many a second.
    """
    from gateway.usage.retention import prune
    from gateway.usage.scoped_counting import count_scopes

    count_scopes()  # what `written` added, which is no part of it
    started = time.perf_counter()
    gone = prune(DAYS - 2, DAYS, only_whole_days=True).records
    seconds = time.perf_counter() - started
    return seconds / gone * number / DAYS, gone / seconds


def main() -> None:
    """Fills the database, measures, prints JSON."""
    import django

    django.setup()
    from django.core.management import call_command
    from django.utils import timezone

    from .in_process import signed_in

    number, now = int(sys.argv[1]), timezone.now()
    call_command("migrate", verbosity=0)
    if sys.argv[2] == "partitioned":
        partition_past(now)
    found = {"loaded by one statement, s": load(number, now)}
    found["one recorder, records/s"] = written(now)
    for name, ask in reads(signed_in(), now).items():
        taken = []
        for _ in range(ROUNDS):
            started = time.perf_counter()
            ask()
            taken.append((time.perf_counter() - started) * 1000)
        found[f"{name}, ms"] = statistics.median(taken)
    export, started = "/usage/export/?period=24h", time.perf_counter()
    _ask(signed_in(), export)
    found["CSV of a day, s"] = time.perf_counter() - started
    seconds, rate = deleted_a_day(number)
    print(json.dumps(found | {"a day deleted, s": seconds, "deleted, records/s": rate}))


if __name__ == "__main__":
    main()

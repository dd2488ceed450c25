"""Five million usage records, on SQLite and on PostgreSQL: how long pages, the API, starting and
deleting take. It takes an hour, so it is not among the daily drills.

`python -m tests.drills.records 5000000` fills the database of DATABASE_URL and measures.
"""

import os
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

from tests.connections.api.serving import ROOT, environment

from .places import cluster
from .scene import Product, ask, promise

NUMBER = int(os.environ.get("DRILL_RECORDS", "5000000"))
BASE = 100_000  # records that are made one by one; the others are copies with keys of their own
KEPT_DAYS = 20  # of 30, when the oldest are deleted
SLOWEST = 3.0  # seconds of a page or an address, the second time
LATER = ("dashboard", "usage, 24 h", "usage, 7 d", "usage, 30 d", "API, 30 d, summary")
LATER += ("API, 30 d, by profile", "API, 30 d, time series", "API, 30 d, records")
NEW_KEY = {
    "sqlite": "substr({0}, 1, 24) || printf('%%08x', {1})",
    "postgresql": "(left({0}::text, 28) || lpad(to_hex({1}), 8, '0'))::uuid",
}
OWN_CLUSTER = ("shared_buffers = 256MB", "max_wal_size = 2GB")


def on_sqlite(place: Path) -> str:
    """In a file."""
    return measured(f"sqlite:///{place}/records.sqlite3", place)


def on_postgresql(place: Path) -> str:
    """On a server of its own."""
    with cluster(place / "pg", None, *OWN_CLUSTER) as server:
        return measured(server.url, place)


def measured(database: str, place: Path) -> str:
    """Fills, measures in a process of its own, then starts the product on it."""
    variables = environment(database, DJANGO_SETTINGS_MODULE="backoffice.settings")
    command = [sys.executable, "-m", "tests.drills.records", str(NUMBER)]
    done = subprocess.run(
        command, cwd=ROOT, env=variables, check=False, stdout=subprocess.PIPE, text=True
    )
    promise(done.returncode == 0, f"it is filled and measured: {done.stdout}")
    product = Product(variables | {"STATIC_ROOT": str(place / "static")}, place / "log")
    seconds = product.start()
    live = ask(f"{product.url}/health/ready")
    product.stop()
    promise(live.status == 200, f"it is ready: {live}")
    return (
        f"{done.stdout.strip()}; ready {seconds:.1f} s after the start, {live.seconds:.2f} s asked"
    )


def fill(number: int) -> None:
    """Makes records with their attempts, and no totals."""
    import itertools

    from django.db import connection
    from django.utils import timezone

    from bench.usage import BATCH, requests, write
    from gateway.models import UsageAttempt, UsageRecord

    keys = ((UsageRecord, "key"), (UsageAttempt, "record_key"))
    made = requests(min(BASE, number), timezone.now())
    while batch := list(itertools.islice(made, BATCH)):
        write(batch)
    parts = [(model, column, last_id(model)) for model, column in keys]
    for copy in range(1, number // BASE):
        with connection.cursor() as cursor:
            for model, column, last in parts:
                cursor.execute(copied(model, column, NEW_KEY[connection.vendor], copy), [last])
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def last_id(model: Any) -> int:
    """The greatest id of its rows."""
    return int(model.objects.order_by("-pk").values_list("pk", flat=True)[0])


def copied(model: Any, column: str, key: str, copy: int) -> str:
    """The statement that copies the rows up to an id, with another key in this column."""
    names = [field.column for field in model._meta.fields if not field.primary_key]
    values = [key.format(column, copy) if name == column else f'"{name}"' for name in names]
    table, quoted = model._meta.db_table, ", ".join(f'"{name}"' for name in names)
    return f"INSERT INTO {table} ({quoted}) SELECT {', '.join(values)} FROM {table} WHERE id <= %s"


def timed(name: str, act: Any) -> str:
    """The name and the seconds of an act."""
    began = time.perf_counter()
    act()
    return f"{name} {time.perf_counter() - began:.1f} s"


def look() -> list[str]:
    """Each page and address, the first and the second time."""
    from django.utils import timezone

    from bench.in_process import signed_in
    from bench.usage import addresses

    client, known, lines = signed_in(), addresses(timezone.now()), []
    for name in LATER:
        times = []
        for _ in range(2):
            began = time.perf_counter()
            answer = client.get(known[name])
            b"".join(answer) if answer.streaming else answer.content
            times.append(time.perf_counter() - began)
            promise(answer.status_code == 200, f"{name} is answered: {answer.status_code}")
        promise(times[1] < SLOWEST, f"{name} takes less than {SLOWEST} s: {times[1]:.1f} s")
        lines.append(f"{name} {times[0]:.2f} / {times[1]:.2f} s")
    return lines


def main(number: int) -> None:
    """Fills the database of DATABASE_URL, and prints what took how long."""
    import django

    django.setup()
    from django.core.management import call_command
    from django.utils import timezone

    from gateway.models import UsageRecord
    from gateway.usage.counting import count_all
    from gateway.usage.scoped_counting import count_scopes

    call_command("migrate", verbosity=0)
    lines = [timed("filled in", lambda: fill(number)), timed("totals counted in", count_all)]
    lines += [timed("totals of routes in", count_scopes)]
    there = UsageRecord.objects.count()
    promise(there == number, f"there are {number:,} records: {there:,}")
    lines += look()
    lines += [timed("nothing to migrate in", lambda: call_command("migrate", verbosity=0))]
    before = timezone.now() - timedelta(days=KEPT_DAYS)
    old = UsageRecord.objects.filter(started_at__lt=before).count()
    prune = ("prune_usage", "--days", str(KEPT_DAYS))
    lines += [timed(f"{old:,} deleted in", lambda: call_command(*prune, verbosity=0))]
    left = UsageRecord.objects.filter(started_at__lt=before).count()
    promise(left == 0, f"none of them is left: {left:,}")
    print(f"{number:,} records: " + "; ".join(lines))


DRILLS = {"records-sqlite": on_sqlite, "records-postgresql": on_postgresql}

if __name__ == "__main__":
    main(int(sys.argv[1]))

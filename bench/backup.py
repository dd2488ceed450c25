"""A backup of 10,000 connections and a million usage records, and its restore: in place of the same
rows, and into an empty database of SQLite.

`python -m bench.backup <connections> <records>` works on the database of DATABASE_URL.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

BACKUP_WITHIN, RESTORE_WITHIN = 30, 60  # seconds, on a calm machine
ROOT = Path(__file__).resolve().parents[1]


@contextmanager
def told(what: str, within: int) -> Iterator[None]:
    """Prints how long the block took, and the CPU of this process and its children in it."""
    began, used = time.perf_counter(), sum(os.times()[:4])
    yield
    seconds, cpu = time.perf_counter() - began, sum(os.times()[:4]) - used
    bound = f"at most {within}" if within else ""
    print(f"{what:<50}{seconds:>8.1f} s {cpu:>8.1f} s of CPU   {bound}", flush=True)


def main() -> None:
    """Makes rows where they are missing, then measures."""
    import django

    django.setup()
    from django.core.management import call_command

    from backoffice.backup import services
    from connections.models import Connection
    from gateway.models import UsageRecord

    from .rows import fill
    from .usage import load

    call_command("migrate", verbosity=0)
    if not Connection.objects.exists():
        fill(0, int(sys.argv[1]))
    if not UsageRecord.objects.exists():
        load(int(sys.argv[2]))
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "backup.zip"
        with told("backup, read again", BACKUP_WITHIN):
            rows = services.make_backup(file).manifest.rows
        print(f"{rows:,} rows, {file.stat().st_size / 1e6:,.0f} MB", flush=True)
        with told("backup --check", 0):
            services.check_backup(file)
        with told("restore --replace, without a safety copy", RESTORE_WITHIN):
            services.restore_backup(file, replaces=True)
        own = {"DATABASE_URL": f"sqlite:///{folder}/empty.sqlite3"}
        with told("restore into an empty SQLite, a process", RESTORE_WITHIN):
            command = [sys.executable, "manage.py", "restore", str(file)]
            subprocess.run(command, cwd=ROOT, env=os.environ | own, check=True)


if __name__ == "__main__":
    main()

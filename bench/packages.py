"""Large packages: `python -m bench.packages`, on the database that DATABASE_URL names.

10,000 connections and 10,000 profiles are exported in parts and imported into an empty
installation, and connections are switched off while 1,890 rows are imported. What is printed should
be: both ways within three minutes, at most 100 MB more than before, and a switch that waits 50 ms
longer than without an import.
"""

import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from .api import server
from .hands import PASSPHRASE, Seen, send, switch
from .processes import memory
from .rows import fill

ROWS = 10_000
IMPORTED, BESIDE = 630, 20  # connections of the package, each with two profiles, and others
SWITCHES = 60


def empty() -> None:
    """Leaves no connection and no profile."""
    from connections.models import Connection, Fallback, Profile

    Fallback.objects.all().delete()
    for model in (Profile, Connection):
        model.objects.all().delete()
        model.history.all().delete()


def prepare() -> str:
    """Makes the tables. Returns a token."""
    import django

    django.setup()
    from django.contrib.auth.models import User
    from django.core.management import call_command

    from connections import services

    call_command("migrate", verbosity=0)
    empty()
    user = User.objects.get_or_create(username="packages", is_superuser=True)[0]
    return services.create_token("packages", user=user, actor=None, scopes=["admin"])[1]


def command(*arguments: str) -> tuple[float, float]:
    """Runs `manage.py package`. Returns its seconds and the most memory it had, in MB."""
    program = [sys.executable, "-m", "bench.packages", *arguments]
    began = time.perf_counter()
    made = subprocess.run(program, stdout=subprocess.PIPE, text=True, check=True)
    return time.perf_counter() - began, float(made.stdout.split()[-1])


def manage(*arguments: str) -> None:
    """A process of its own: prints by how many MB the command's memory has grown at most."""
    import django

    django.setup()
    from django.core.management import call_command

    import connections.packages.management.commands.package  # noqa: F401

    before = kilobytes("VmRSS")
    call_command("package", *arguments)
    print((kilobytes("VmHWM") - before) / 1024)


def kilobytes(name: str) -> int:
    """A line of this process's status: VmRSS is its memory now, VmHWM the most that it had."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))


def there_and_back(folder: Path) -> None:
    """Exports everything, and imports it into an empty installation."""
    from connections.models import Connection, Profile

    empty()
    fill(0, ROWS)
    Profile.objects.exclude(alias__regex=r"[02468]$").delete()  # one for each connection
    counts = Connection.objects.count(), Profile.objects.count()
    took, grown = command("export", "--profiles", "--split", str(folder / "all.zip"))
    files = sorted(folder.glob("all-*.zip"))
    empty()
    for file in files:
        seconds, more = command("import", str(file), "--on-conflict", "replace")
        took, grown = took + seconds, max(grown, more)
    found = Connection.objects.count(), Profile.objects.count()
    print(
        f"{counts[0]:,} connections and {counts[1]:,} profiles in {len(files)} packages, exported "
        f"and imported: {took:.0f} s, at most {grown:.0f} MB more than before; arrived: "
        f"{found[0]:,} and {found[1]:,}"
    )


def switches(port: int, token: str, ids: list[str], until: Callable[[int], bool]) -> list[float]:
    """Milliseconds of switches, one after the other, while `until` says so."""
    seen = Seen()
    while until(len(seen.switched)):
        switch(port, token, ids, seen)
        time.sleep(0.01)
    return [one * 1000 for one in seen.times["switch"]]


def beside_an_import(token: str) -> None:
    """Switches of connections that are not in the package, then also of those that are."""
    from connections.models import Connection, Profile
    from connections.packages.services import export_package

    empty()
    fill(0, IMPORTED + BESIDE)
    rows = list(Connection.objects.order_by("name"))
    profiles = list(Profile.objects.filter(connection__in=rows[:IMPORTED]).order_by("alias"))
    content = export_package(rows[:IMPORTED], profiles, actor=None, passphrase=PASSPHRASE)
    others = [str(row.pk) for row in rows[IMPORTED:]]
    mine = [str(row.pk) for row in rows[:IMPORTED]]
    with server() as running:
        switches(running.port, token, others, lambda number: number < 10)  # warm
        send(running.port, token, content, Seen(), dry=True)
        before = memory(running.pid)
        calm = switches(running.port, token, others, lambda number: number < SWITCHES)
        for name, ids in (("beside", others), ("of", mine)):
            Connection.objects.filter(pk__in=mine).update(name=f"changed {name}")
            Profile.objects.filter(connection__in=mine).update(name=f"changed {name}")
            print(f"{name} an import: {busy(running.port, token, ids, content)}", flush=True)
        print(f"without one: {pair(calm)}")
        after = memory(running.pid)
        if before and after:
            print(f"memory of all workers: {before[0]:.0f} MB before, {after[0]:.0f} MB after")


def busy(port: int, token: str, ids: list[str], content: bytes) -> str:
    """Switches while all rows of the package are replaced, in words."""
    seen = Seen()
    importing = threading.Thread(target=send, args=(port, token, content, seen, False))
    importing.start()
    times = switches(port, token, ids, lambda _: importing.is_alive())
    importing.join()
    took, ended = seen.times["import"][0], dict(seen.acts["import"])
    return (
        f"{len(times)} switches while {3 * IMPORTED:,} rows come ({took:.1f} s, {ended}): "
        + pair(times)
    )


def pair(times: list[float]) -> str:
    """Milliseconds, in words."""
    late = statistics.quantiles(times, n=20)[-1]
    return f"median {statistics.median(times):.0f}, p95 {late:.0f}, most {max(times):.0f} ms"


def main() -> None:
    """Prints what was found."""
    token = prepare()
    beside_an_import(token)
    with TemporaryDirectory() as folder:
        there_and_back(Path(folder))


if __name__ == "__main__":
    if sys.argv[1:]:
        manage(*sys.argv[1:])
    else:
        main()

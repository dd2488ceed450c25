"""Measures in one process: resolving, pages through the test client, saving."""

import json
import sqlite3
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from django.test import Client

FEW = 100
FEW_ROUNDS = ("references", "dashboard", "attention", "list, failing only")
ROUNDS, REPEAT = 7, 300


def median(function: Callable[[int], object], repeat: int = REPEAT) -> float:
    """Median over rounds of the mean time of one call, in microseconds."""
    times = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        for number in range(repeat):
            function(number)
        times.append((time.perf_counter() - started) / repeat * 1e6)
    return statistics.median(times)


def medians(*functions: Callable[[int], object], repeat: int = REPEAT) -> list[float]:
    """As `median`, of several in turns, so that a machine that is busy for a while is so for all of
    them.
    """
    times: list[list[float]] = [[] for _ in functions]
    for _ in range(5 * ROUNDS):
        for function, taken in zip(functions, times, strict=True):
            started = time.perf_counter()
            for number in range(repeat // 5):
                function(number)
            taken.append((time.perf_counter() - started) / (repeat // 5) * 1e6)
    return [statistics.median(taken) for taken in times]


def report(name: str, value: float, floor: float | None = None, note: str = "") -> None:
    """One line of the table."""
    ratio = f"{value / floor:8.1f} x" if floor else " " * 10
    print(f"{name:<58}{value:>12,.0f} µs{ratio}  {note}")


def measure_resolve(path: Path) -> None:
    """One connection by alias, decrypted and resolved, against the least that could do it."""
    from django.db import connection

    from connections import runtime
    from connections.credentials import fernet
    from connections.models import Connection

    database = sqlite3.connect(path)
    one_key = fernet()._fernets[0]

    def floor(number: int) -> object:
        query = "SELECT settings, credentials FROM connections_connection WHERE alias = ?"
        settings, credentials = database.execute(query, (f"connection-{number}",)).fetchone()
        return json.loads(settings), json.loads(one_key.decrypt(credentials))

    def get(number: int) -> object:
        return Connection.objects.get(alias=f"connection-{number}")

    def resolve(number: int) -> object:
        return runtime.resolved_settings(runtime.find_connection(f"connection-{number}"))

    def query(number: int) -> object:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT settings, credentials FROM connections_connection WHERE alias = %s",
                [f"connection-{number}"],
            )
            return cursor.fetchone()

    base, orm, alone, whole = medians(floor, get, query, resolve)
    report("floor: indexed sqlite3 look-up and one Fernet decrypt", base)
    report("for comparison: Connection.objects.get(alias=...)", orm, base)
    report("for comparison: the look-up alone by Django's cursor", alone, base)
    report("resolve: by alias, decrypted, reference resolved, validated", whole, base)
    with a_store() as store:
        base, whole = medians(floor, resolve)
    note = f"asked {store.asked} times"
    report("resolve, where the reference names a secret store", whole, base, note)


class BenchStore:
    """A secret store that counts how often it is asked."""

    name, depth, cure = "bench", 1, "Put it there."

    def __init__(self) -> None:
        self.asked = 0

    def read(self, _place: tuple[str, ...]) -> object:
        """A section."""
        self.asked += 1
        return {"Organization": "org-bench"}

    def reach(self) -> None:
        """It is there."""


@contextmanager
def a_store() -> Iterator[BenchStore]:
    """It comes before every other source, for the block."""
    from connections.conf import resolver
    from connections.sources.kept import KeptStore

    found, store = resolver(), BenchStore()
    before = found._sources
    found._sources = (KeptStore(store, 0), *before)
    try:
        yield store
    finally:
        found._sources = before


def signed_in() -> "Client":
    """A browser, signed in."""
    from django.contrib.auth.models import User
    from django.test import Client

    client = Client(headers={"host": "localhost"})
    client.force_login(User.objects.get_or_create(username="bench", is_superuser=True)[0])
    return client


def list_page() -> Callable[[int], object]:
    """Asks for the first page of the list."""
    client = signed_in()
    return lambda _: client.get("/connections/")


class Decryptions:
    """Counts Fernet decryptions inside its block."""

    count = 0

    def __enter__(self) -> "Decryptions":
        from cryptography.fernet import MultiFernet

        self.original = MultiFernet.decrypt

        def counting(fernet: MultiFernet, *arguments: object, **options: object) -> bytes:
            self.count += 1
            return self.original(fernet, *arguments, **options)  # type: ignore[arg-type]

        MultiFernet.decrypt = counting  # type: ignore[method-assign]
        return self

    def __exit__(self, *exc: object) -> None:
        from cryptography.fernet import MultiFernet

        MultiFernet.decrypt = self.original  # type: ignore[method-assign]


def measure_pages(few: float) -> None:
    """Pages through the test client: middleware, view, template; no network."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    from connections.models import Connection

    from .rows import call_all

    client = signed_in()
    row = Connection.objects.get(alias="connection-77")
    call_all()
    report(f"list, first page, while only {FEW} connections existed", few)
    pages = {
        "list, first page": "/connections/",
        "list, page 200": "/connections/?page=200",
        "list, searched": "/connections/?q=Connection+0777",
        "detail": f"/connections/{row.pk}/",
        "edit form": f"/connections/{row.pk}/edit/",
        "references": "/references/",
        "dashboard": "/",
        "attention": "/attention/",
        "list, failing only": "/connections/?health=failed",
        "profiles": "/profiles/",
    }
    base = median(lambda _: client.get("/password/"), 20)
    report("floor: a page without rows (password change)", base)
    for name, address in pages.items():
        with CaptureQueriesContext(connection) as captured, Decryptions() as decrypted:
            assert client.get(address).status_code == 200
        queries = len(captured)
        time_taken = median(
            lambda _, address=address: client.get(address),
            5 if name in FEW_ROUNDS else 20,
        )
        report(name, time_taken, base, f"{queries} queries, {decrypted.count} rows decrypted")


def measure_save() -> None:
    """One save through the service: judge, encrypt, row, history."""
    from connections import services
    from connections.models import Connection

    row = Connection.objects.get(alias="connection-78")

    def save(_number: int) -> object:
        settings = {
            "organization": f"org-{time.perf_counter_ns()}",
            "base_url": "https://host-78.example.com/v1",
        }
        return services.update_connection(row, actor=None, settings=settings)

    def floor(_number: int) -> object:
        return Connection.objects.filter(pk=row.pk).update(
            name=f"Connection {time.perf_counter_ns()}"
        )

    base = median(floor, 50)
    report("floor: one UPDATE through the ORM", base)
    report("save: judged, encrypted, stored, with its history row", median(save, 50), base)


def measure(path: Path, connections: int) -> None:
    """Fills the migrated SQLite file at `path`, and prints one table."""
    from .rows import fill

    fill(0, FEW)
    few = median(list_page(), 20)
    started = time.perf_counter()
    fill(FEW, connections)
    print(
        f"{connections:,} connections, {2 * connections:,} profiles in "
        f"{time.perf_counter() - started:.1f} s\n"
    )
    measure_resolve(path)
    measure_pages(few)
    measure_save()

"""The cost of pages in one process, as ratios of a page without rows that is asked in turns with
them: CPU of this process and of PostgreSQL's for it, milliseconds, queries.
"""

import statistics
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from .processes import cpu

if TYPE_CHECKING:
    from django.test import Client

EMPTY = "/password/"
ROUNDS, LONGEST = 7, 10.0  # seconds for one page
HEAD = f"  {'':<52}{'CPU ms':>8}{'of empty':>10}{'ms':>8}{'queries':>9}"


class Cost(NamedTuple):
    """The seconds of one request: of CPU, and on the clock."""

    cpu: float
    wall: float


def measure(client: "Client", addresses: Mapping[str, str]) -> None:
    """Prints a table of these pages. Each is asked once before, so that its modules are loaded."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    print(HEAD, flush=True)
    for name, address in {"floor: a page without rows": EMPTY, **addresses}.items():
        _ask(client, address)
        with CaptureQueriesContext(connection) as captured:
            _ask(client, address)
        queries = len(captured)  # the log is emptied when the next request begins
        empty, mine = _in_turns(client, address)
        ratio = mine.cpu / empty.cpu
        print(
            f"  {name:<52}{mine.cpu * 1000:>8,.0f}{ratio:>9,.1f}x{mine.wall * 1000:>8,.0f}"
            f"{queries:>9}",
            flush=True,
        )


def _in_turns(client: "Client", address: str) -> tuple[Cost, Cost]:
    """The cost of the empty page and of this one: CPU on average, since the kernel counts that of
    PostgreSQL in hundredths of a second, and the median on the clock.
    """
    found: list[tuple[str, list[Cost]]] = [(EMPTY, []), (address, [])]
    started = time.perf_counter()
    for number in range(ROUNDS):
        if number and time.perf_counter() - started > LONGEST:
            break
        for one, costs in found:
            costs.append(cost_of(client, one))
    empty, mine = (
        Cost(
            statistics.fmean(one.cpu for one in costs), statistics.median(one.wall for one in costs)
        )
        for _, costs in found
    )
    return empty, mine


def cost_of(client: "Client", address: str) -> Cost:
    """The cost of one request."""
    server, began, used = _server_cpu(), time.perf_counter(), time.process_time()
    _ask(client, address)
    own, wall = time.process_time() - used, time.perf_counter() - began
    return Cost(own + _server_cpu() - server, wall)


def _ask(client: "Client", address: str) -> None:
    answer = client.get(address)
    if answer.status_code != 200:
        raise RuntimeError(f"{address} answered {answer.status_code}")


def _server_cpu() -> float:
    """CPU seconds of PostgreSQL's process that answers us; 0 on SQLite, or where it cannot be
    seen.
    """
    from django.db import connection

    if connection.vendor != "postgresql":
        return 0.0
    with suppress(OSError), connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return cpu(cursor.fetchone()[0]) or 0.0
    return 0.0

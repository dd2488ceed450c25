"""The figures of one worker, noted twice a second: `/metrics` may be asked of another one."""

import asyncio
import resource
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections

from connections.telemetry import metrics
from connections.telemetry.declared import (
    CPU,
    DESCRIPTORS,
    LOOP_LAG,
    MEMORY,
    MOST_DESCRIPTORS,
    POOL_MOST,
    POOL_USED,
    POOL_WAITING,
    RECORDS_WAITING,
    RUNNING,
    SOCKETS,
)
from gateway.routing.gateway import running_gateway

EVERY = 0.5  # seconds
SELDOM = 10  # of these, for what takes longer to find out
PAGE = resource.getpagesize()


class WorkerFigures:
    """Notes them as long as the event loop runs. `sockets`: tells how many are open."""

    def __init__(self, sockets: Callable[[], int]) -> None:
        self._loop, self._sockets = asyncio.get_running_loop(), sockets
        self._times = 0
        self._cpu = 0.0
        self._due = self._loop.time()

    def note(self) -> None:
        """Notes what is so now, and again later."""
        metrics.observe(LOOP_LAG, max(0.0, self._loop.time() - self._due))
        metrics.set_gauge(SOCKETS, self._sockets())
        if gateway := running_gateway():
            metrics.set_gauge(RUNNING, gateway.recorder.running)
            metrics.set_gauge(RECORDS_WAITING, gateway.recorder.waiting)
        _note_pool()
        used = time.process_time()
        metrics.add(CPU, amount=used - self._cpu)
        self._cpu = used
        if self._times % SELDOM == 0:
            _note_process()
        self._times += 1
        self._due = self._loop.time() + EVERY
        self._loop.call_at(self._due, self.note)


def _note_pool() -> None:
    """Notes the pool of PostgreSQL's connections, where there is one and it has been used."""
    pools: dict[str, Any] = getattr(connections[DEFAULT_DB_ALIAS], "_connection_pools", {})
    if pool := pools.get(DEFAULT_DB_ALIAS):
        told = pool.get_stats()
        metrics.set_gauge(POOL_MOST, told["pool_max"])
        metrics.set_gauge(POOL_USED, told["pool_size"] - told["pool_available"])
        metrics.set_gauge(POOL_WAITING, told["requests_waiting"])


def _note_process() -> None:
    """Notes memory and descriptors, where the system tells them: https://man7.org, proc(5)."""
    metrics.set_gauge(MOST_DESCRIPTORS, resource.getrlimit(resource.RLIMIT_NOFILE)[0])
    proc = Path("/proc/self")
    if proc.exists():
        pages = (proc / "statm").read_text().split()[1]
        metrics.set_gauge(MEMORY, int(pages) * PAGE)
        metrics.set_gauge(DESCRIPTORS, sum(1 for _ in (proc / "fd").iterdir()))

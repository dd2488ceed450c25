"""The API under the production command with two workers, asked by 1, 10 and 50 clients that keep
their connections.
"""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from .load import Job, run
from .processes import Running, free_port
from .rows import prepare

CLIENTS = (1, 10, 50)
SECONDS = float(os.environ.get("BENCH_SECONDS", "3"))


@contextmanager
def server(**environment: str) -> Iterator[Running]:
    """The production command on a free port or on PORT, with this environment beside our own."""
    port = int(environment.get("PORT") or free_port())
    ours = {
        "PORT": str(port),
        "HOST": "127.0.0.1",
        "WEB_CONCURRENCY": "2",
        "GUNICORN_CMD_ARGS": "--access-logfile /dev/null",
    }
    command = [sys.executable, "-m", "gunicorn", "--config", "python:backoffice.gunicorn_conf"]
    process = subprocess.Popen(
        command, env=os.environ | environment | ours, stdout=subprocess.DEVNULL
    )
    try:
        wait(port)
        yield Running(port, process.pid)
    finally:
        process.terminate()
        process.wait(30)


def wait(port: int) -> None:
    """Until the server accepts connections, three minutes at most."""
    for _ in range(1800):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.1)
    raise TimeoutError("the server did not start")


def measure(port: int, token: str) -> None:
    """Prints one table: an empty Django view is the floor."""
    paths = {
        "floor: an empty view (/health/live)": "/health/live",
        "GET one by alias": "/api/v1/connections/connection-77",
    }
    paths["list of 50"] = "/api/v1/connections?take=50&skip=100"
    floors: dict[int, float] = {}
    print(f"{'':<38}{'clients':>8}{'requests/s':>12}{'p50 ms':>9}{'p99 ms':>9}{'of floor':>10}")
    for name, path in paths.items():
        request = (
            f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\nAccept: "
            "application/json\r\n\r\n"
        )
        run(Job(port, request, 10, 0.5))  # both workers are warm
        for clients in CLIENTS:
            found = run(Job(port, request, clients, SECONDS))
            if found.errors:
                raise RuntimeError(found.error)
            floors.setdefault(clients, found.rate)
            times = f"{found.p50:>9.1f}{found.p99:>9.1f}{found.rate / floors[clients]:>9.2f}x"
            print(f"{name:<38}{clients:>8}{found.rate:>12,.0f}{times}", flush=True)


def main() -> None:
    """Prepares the database of DATABASE_URL, serves it, measures."""
    token = prepare(int(sys.argv[1]), "admin")[0]
    with server() as running:
        measure(running.port, token)


if __name__ == "__main__":
    main()

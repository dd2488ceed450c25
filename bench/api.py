"""The API under the production command with two workers, asked by 1, 10 and 50 clients that keep their connections."""

import asyncio
import os
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

CLIENTS = (1, 10, 50)
SECONDS = float(os.environ.get("BENCH_SECONDS", "3"))


async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> None:
    """One request and its whole answer on a kept connection. Raises RuntimeError unless it is a 200."""
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    if b" 200 " not in head[:20]:
        raise RuntimeError(head.decode())
    lines = [line.lower() for line in head.split(b"\r\n")]
    length = next(int(line.split(b":")[1]) for line in lines if line.startswith(b"content-length"))
    await reader.readexactly(length)


async def client(port: int, request: bytes, until: float, times: list[float]) -> None:
    """Asks until the time is up, and notes how long each took."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while (started := time.perf_counter()) < until:
        await ask(reader, writer, request)
        times.append(time.perf_counter() - started)
    writer.close()


async def load(port: int, request: bytes, clients: int, seconds: float) -> list[float]:
    """The time of every request, in seconds."""
    times: list[float] = []
    until = time.perf_counter() + seconds
    await asyncio.gather(*(client(port, request, until, times) for _ in range(clients)))
    return times


@contextmanager
def server() -> Iterator[int]:
    """The production command on a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = os.environ | {
        "PORT": str(port),
        "HOST": "127.0.0.1",
        "WEB_CONCURRENCY": "2",
        "GUNICORN_CMD_ARGS": "--access-logfile /dev/null",
    }
    command = [sys.executable, "-m", "gunicorn", "--config", "python:backoffice.gunicorn_conf"]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    try:
        wait(port)
        yield port
    finally:
        process.terminate()
        process.wait(30)


def wait(port: int) -> None:
    """Until the server accepts connections, 20 s at most."""
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.1)
    raise TimeoutError("the server did not start")


def prepare(connections: int) -> str:
    """Tables and rows, where they are missing, and a token."""
    import django

    django.setup()
    from django.contrib.auth.models import User
    from django.core.management import call_command
    from django.db import connection

    from bench.rows import fill
    from connections import services
    from connections.models import Connection

    call_command("migrate", verbosity=0)
    if not Connection.objects.exists():
        fill(0, connections)
    user = User.objects.get_or_create(username="bench", is_superuser=True)[0]
    _, token = services.create_token("bench", user=user, actor=None, scopes=["admin"])
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    connection.close()
    return token


def measure(port: int, token: str) -> None:
    """Prints one table: an empty Django view is the floor."""
    paths = {"floor: an empty view (/health/live)": "/health/live", "GET one by alias": "/api/v1/connections/connection-77"}
    paths["list of 50"] = "/api/v1/connections?take=50&skip=100"
    floors: dict[int, float] = {}
    print(f"{'':<38}{'clients':>8}{'requests/s':>12}{'p50 ms':>9}{'p99 ms':>9}{'of floor':>10}")
    for name, path in paths.items():
        request = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\nAccept: application/json\r\n\r\n".encode()
        asyncio.run(load(port, request, 10, 0.5))  # both workers are warm
        for clients in CLIENTS:
            times = sorted(asyncio.run(load(port, request, clients, SECONDS)))
            rate = len(times) / SECONDS
            floors.setdefault(clients, rate)
            p50, p99 = statistics.median(times) * 1000, times[int(len(times) * 0.99)] * 1000
            print(f"{name:<38}{clients:>8}{rate:>12,.0f}{p50:>9.1f}{p99:>9.1f}{rate / floors[clients]:>9.2f}x", flush=True)


def main() -> None:
    """Prepares the database of DATABASE_URL, serves it, measures."""
    token = prepare(int(sys.argv[1]))
    with server() as port:
        measure(port, token)


if __name__ == "__main__":
    main()

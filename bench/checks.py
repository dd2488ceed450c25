"""The cost of checks that run by themselves: 10,000 connections, one check each in 15 minutes.

The whole plan is there, and a part of the interval is measured: `BENCH_SECONDS`, 60 by default, 900
for a full round. The stub counts what it is asked by path, so that a billed call would be seen.
"""

import asyncio
import json
import os
import subprocess
import sys
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress

INTERVAL = 15 * 60  # seconds
SECONDS = float(os.environ.get("BENCH_SECONDS", "60"))
MODELS = {"object": "list", "data": [{"id": f"model-{n}", "object": "model"} for n in range(20)]}


class Models(asyncio.Protocol):
    """A service that lists models, and tells at /counts how often it was asked what."""

    body = json.dumps(MODELS).encode()
    counts: Counter[str] = Counter()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: asyncio.Transport = transport  # type: ignore[assignment]
        self.buffer = b""

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        while b"\r\n\r\n" in self.buffer:
            head, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
            asked = head.split(b" HTTP/", 1)[0].decode()
            if asked == "GET /counts":
                self.answer(json.dumps(self.counts).encode())
            else:
                self.counts[asked] += 1
                self.answer(self.body)

    def answer(self, body: bytes) -> None:
        """Writes an answer with this body."""
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
        self.transport.write(head % len(body) + body)


async def serve() -> None:
    """Serves until it is killed; prints the port first."""
    server = await asyncio.get_running_loop().create_server(Models, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


@contextmanager
def stub() -> Iterator[int]:
    """The service as a process of its own: its port."""
    command = [sys.executable, "-m", "bench.checks", "stub"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield int(process.stdout.readline())  # type: ignore[union-attr]
        finally:
            process.terminate()


def fill(number: int, port: int) -> None:
    """Connections that are checked at the stub, each with a key of its own."""
    from connections.models import Connection

    from .rows import newest_key

    key = newest_key()
    rows = [
        Connection(
            alias=f"checked-{n}",
            name=f"Checked {n:05}",
            provider_id="openai-compatible",
            settings={"base_url": f"http://127.0.0.1:{port}/v1"},
            credentials={"api_key": f"sk-bench-{n:020}"},
            credentials_key=key,
        )
        for n in range(number)
    ]
    Connection.objects.bulk_create(rows, batch_size=500)


def measure(number: int) -> None:
    """Runs the schedule as a worker does, and prints what it costs."""
    import django

    django.setup()
    from django.conf import settings
    from django.core.management import call_command

    from connections.models import ConnectionCheck
    from connections.schedule.services import Scheduler
    from gateway.routing.warming import load_sdks

    call_command("migrate", verbosity=0)
    settings.RUN_DUE, settings.CONNECTIONS_CHECK_MINUTES = True, INTERVAL / 60
    with stub() as port:
        fill(number, port)
        load_sdks()
        __import__("openai")  # what a worker has loaded that serves such a connection
        schedule = Scheduler()
        schedule.start()
        time.sleep(5)  # the first look at all rows, and the first checks
        before = ConnectionCheck.objects.count()
        cpu, began = time.process_time(), time.monotonic()
        time.sleep(SECONDS)
        cpu, seconds = time.process_time() - cpu, time.monotonic() - began
        made = ConnectionCheck.objects.count() - before
        threads = threading.active_count()
        schedule.stop()
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/counts") as answer:
            counts = json.load(answer)
    whole = INTERVAL / seconds
    failed = ConnectionCheck.objects.filter(success=False).count()
    print(f"  {made} checks in {seconds:.0f} s, {failed} failed, due were {number / whole:.0f}")
    print(
        f"  {cpu:.1f} s of CPU, which is {cpu * whole:.0f} s in 15 minutes (90 are 10 % of a core)"
    )
    print(f"  {cpu / max(1, made) * 1000:.1f} ms of CPU a check, {threads} threads")
    print(f"  asked: {counts}", flush=True)


# `stub`, or the number of connections
if __name__ == "__main__":
    if sys.argv[1] == "stub":
        with suppress(KeyboardInterrupt):
            asyncio.run(serve())
    else:
        measure(int(sys.argv[1]))

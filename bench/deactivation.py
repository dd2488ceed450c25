"""Measures for how long a worker still answers from a connection that was switched off: `python -m
bench.deactivation <port> <pid> ...`, with as many pairs as there are instances.

The token is in BENCH_TOKEN. The service switches in this process; each worker is asked in turn on a
kept connection of its own until all have refused.
"""

import http.client
import json
import os
import statistics
import sys
import time

from .load import body
from .processes import served_by, tree

ROUNDS = 20
TRIES = 64  # connections that are opened to find one to each worker
PATIENCE = 30  # seconds


class Worker:
    """A kept connection, which is one worker's."""

    def __init__(self, port: int, token: str) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        self.headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        self.answers()

    def answers(self) -> bool:
        """Asks once: True for an answer, False for the refusal.

        Raises RuntimeError for anything else.
        """
        self.connection.request("POST", "/v1/chat/completions", body(False, "bench"), self.headers)
        answer = self.connection.getresponse()
        text = answer.read().decode()
        if answer.status != 200 and "connection_inactive" not in text:
            raise RuntimeError(f"{answer.status} {text[:500]}")
        return answer.status == 200

    def own_port(self) -> int:
        """This side's port."""
        return int(self.connection.sock.getsockname()[1])


def workers(port: int, pid: int, token: str) -> list[Worker]:
    """One connection to each worker; a few to any where that cannot be seen."""
    found: dict[int | None, Worker] = {}
    unknown: list[Worker] = []
    for _ in range(TRIES):
        worker = Worker(port, token)
        holder = served_by(pid, port, worker.own_port())
        if holder is None:
            unknown.append(worker)
        elif holder not in found:
            found[holder] = worker
        if len(found) >= len(tree(pid)) - 1 > 0 or len(unknown) == 8:
            break
    return list(found.values()) or unknown


def one_round(connection: object, asked: list[Worker]) -> tuple[float, int]:
    """Milliseconds until the last worker refused, and how many requests were answered that began
    after the switch.
    """
    from connections import services

    services.set_active(connection, False, actor=None)
    switched, answered, left = time.perf_counter(), 0, list(asked)
    while left and time.perf_counter() < switched + PATIENCE:
        still = [worker for worker in left if worker.answers()]
        answered, left = answered + len(still), still
    taken = (time.perf_counter() - switched) * 1000
    services.set_active(connection, True, actor=None)
    until = time.perf_counter() + PATIENCE
    while not all(worker.answers() for worker in asked):
        if time.perf_counter() > until:
            raise RuntimeError(f"switched on again, it was still refused after {PATIENCE} s")
    return taken, answered


def main() -> None:
    """Prints the figures as JSON."""
    import django

    django.setup()
    from connections.models import Connection

    pairs = zip(map(int, sys.argv[1::2]), map(int, sys.argv[2::2]), strict=True)
    token = os.environ["BENCH_TOKEN"]
    asked = [one for port, pid in pairs for one in workers(port, pid, token)]
    connection = Connection.objects.get(alias="bench")
    rounds = [one_round(connection, asked) for _ in range(ROUNDS)]
    times = [taken for taken, _ in rounds]
    found = {"workers": len(asked), "median": statistics.median(times), "most": max(times)}
    print(json.dumps(found | {"answered": sum(answered for _, answered in rounds)}))


if __name__ == "__main__":
    main()

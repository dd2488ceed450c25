"""How long `/health/live` takes while the gateway and pages are asked: `python -m bench.alive`, on
the database that DATABASE_URL names.

Sixteen clients ask the gateway without a rest, one opens pages, and `/health/live` is asked fifty
times a second. Clients, upstream and workers share the cores, so each answer is told twice: as it
was, and without the time in which the event loop or who asked it was ready to run and waited for a
core. The second is what the server itself makes of it.
"""

import http.client
import os
import statistics
import time
from dataclasses import dataclass, field

from .api import server
from .load import Found, Job, chat, finish, start
from .memory import page, prepared
from .processes import Running, served_by, waited
from .upstream import upstream

SECONDS = float(os.environ.get("BENCH_SECONDS", "20"))
CLIENTS, EVERY = 16, 0.02
PAGES = ("/", "/connections/", "/usage/", "/audit/")
PROMISED = 5.0  # milliseconds, for 99 of 100


@dataclass
class Answers:
    """Times in milliseconds, and the same without waiting for a core."""

    times: list[float] = field(default_factory=list)
    own: list[float] = field(default_factory=list)

    def ask(self, running: Running, until: float) -> None:
        """Asks over a connection of its own until then."""
        line = http.client.HTTPConnection("127.0.0.1", running.port, timeout=30)
        line.connect()
        time.sleep(0.1)  # a worker has taken it
        worker = served_by(running.pid, running.port, line.sock.getsockname()[1]) or 0
        while time.perf_counter() < until:
            before, began = waited(worker) + waited(os.getpid()), time.perf_counter()
            line.request("GET", "/health/live")
            line.getresponse().read()
            taken = time.perf_counter() - began
            waiting = waited(worker) + waited(os.getpid()) - before
            self.times.append(taken * 1000)
            self.own.append(max(0.0, taken - waiting) * 1000)
            time.sleep(EVERY)
        line.close()


def told(times: list[float]) -> str:
    """Median, p99 and the most."""
    times = sorted(times)
    p99 = times[int(len(times) * 0.99)]
    return f"{statistics.median(times):>9.1f}{p99:>9.1f}{times[-1]:>9.1f}"


def line(name: str, running: Running, jobs: list[Job]) -> None:
    """Prints one line: what was answered beside the probe, and its times."""
    begun = [start(job) for job in jobs]
    time.sleep(0.5 if jobs else 0)  # they ask by now
    answers = Answers()
    answers.ask(running, time.perf_counter() + SECONDS)
    found: list[Found] = [finish(one) for one in begun]
    rates = "".join(f"{one.rate:>9,.0f}" for one in found) or f"{'-':>9}"
    errors = "".join(f"  {one.errors} errors: {one.error[:200]!r}" for one in found if one.errors)
    figures = f"{told(answers.times)}{told(answers.own)}"
    print(f"{name:<34}{len(answers.times):>7}{figures}   {rates.strip()}{errors}", flush=True)


def measure() -> None:
    """Prints the table."""
    with upstream() as stub:
        model = f"alive-{time.time_ns()}"
        token, cookie = prepared(stub.port, model)
        with server() as running:
            gateway = Job(running.port, chat(token, False, model), CLIENTS, SECONDS + 1)
            print(
                f"/health/live, {1 / EVERY:.0f} times a second; ms; at most {PROMISED:g} promised "
                "for p99\n"
                f"{'':<34}{'asked':>7}{'median':>9}{'p99':>9}{'most':>9}"
                f"{'without waiting for a core':>27}   beside it, requests/s"
            )
            line("at rest", running, [])
            line(f"gateway, {CLIENTS} clients", running, [gateway])
            for path in PAGES:
                viewer = Job(running.port, page(path, cookie), 1, SECONDS + 1, 0.2)
                line(f"gateway, and {path}", running, [gateway, viewer])


if __name__ == "__main__":
    measure()

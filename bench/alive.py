"""How long `/health/live` takes while the gateway and pages are asked: `python -m bench.alive`, on
the database that DATABASE_URL names.

Sixteen clients ask the gateway without a rest, one opens pages, and `/health/live` is asked fifty
times a second. Clients, upstream and workers share the cores. So the p99 is also told without the
time for which who asked and the event loop were ready to run and waited for a core (more is not the
server's own), and without that of the worker's thread that waited longest, which may have held the
interpreter meanwhile (less is not).
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
    """Times in milliseconds, and the same without waiting for a core: the most and the least that
    is the server's own.
    """

    times: list[float] = field(default_factory=list)
    own_most: list[float] = field(default_factory=list)
    own_least: list[float] = field(default_factory=list)

    def ask(self, running: Running, until: float) -> None:
        """Asks over a connection of its own until then."""
        line = http.client.HTTPConnection("127.0.0.1", running.port, timeout=30)
        line.connect()
        line.request("GET", "/health/live")
        line.getresponse().read()  # a worker has taken it
        worker = served_by(running.pid, running.port, line.sock.getsockname()[1]) or 0
        while time.perf_counter() < until:
            before, began = (waited(worker), waited(os.getpid())), time.perf_counter()
            line.request("GET", "/health/live")
            line.getresponse().read()
            taken = time.perf_counter() - began
            server, asker = more(before[0], waited(worker)), more(before[1], waited(os.getpid()))
            own = taken - max(asker.values(), default=0.0)
            loop, longest = server.get(str(worker), 0.0), max(server.values(), default=0.0)
            self.times.append(taken * 1000)
            self.own_most.append(max(0.0, own - loop) * 1000)
            self.own_least.append(max(0.0, own - longest) * 1000)
            time.sleep(EVERY)
        line.close()


def until_ready(port: int) -> None:
    """Until the workers have loaded what they need: eight in turn have said so."""
    ready = 0
    while ready < 8:
        line = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        line.request("GET", "/health/ready")
        ready = ready + 1 if line.getresponse().status == 200 else 0
        line.close()
        time.sleep(0.2)


def more(before: dict[str, float], after: dict[str, float]) -> dict[str, float]:
    """How much longer each thread has waited."""
    return {name: value - before.get(name, value) for name, value in after.items()}


def p99(times: list[float]) -> float:
    """Of a hundred answers the last but one."""
    return sorted(times)[int(len(times) * 0.99)]


def line(name: str, running: Running, jobs: list[Job]) -> None:
    """Prints one line: what was answered beside the probe, and its times."""
    begun = [start(job) for job in jobs]
    time.sleep(0.5 if jobs else 0)  # they ask by now
    answers = Answers()
    answers.ask(running, time.perf_counter() + SECONDS)
    found: list[Found] = [finish(one) for one in begun]
    rates = "".join(f"{one.rate:>9,.0f}" for one in found) or f"{'-':>9}"
    errors = "".join(f"  {one.errors} errors: {one.error[:200]!r}" for one in found if one.errors)
    times = (statistics.median(answers.times), p99(answers.times), max(answers.times))
    figures = "".join(
        f"{one:>9.1f}" for one in (*times, p99(answers.own_least), p99(answers.own_most))
    )
    print(f"{name:<34}{len(answers.times):>7}{figures}   {rates.strip()}{errors}", flush=True)


def measure() -> None:
    """Prints the table."""
    with upstream() as stub:
        model = f"alive-{time.time_ns()}"
        token, cookie = prepared(stub.port, model)
        with server() as running:
            until_ready(running.port)
            gateway = Job(running.port, chat(token, False, model), CLIENTS, SECONDS + 1)
            print(
                f"/health/live, {1 / EVERY:.0f} times a second; ms; at most {PROMISED:g} promised "
                "for p99\n"
                f"{'':<34}{'asked':>7}{'median':>9}{'p99':>9}{'most':>9}"
                f"{'own p99':>18}   beside it, requests/s"
            )
            line("at rest", running, [])
            line(f"gateway, {CLIENTS} clients", running, [gateway])
            for path in PAGES:
                viewer = Job(running.port, page(path, cookie), 1, SECONDS + 1, 0.2)
                line(f"gateway, and {path}", running, [gateway, viewer])


if __name__ == "__main__":
    measure()

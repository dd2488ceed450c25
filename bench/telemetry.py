"""The cost of telling of the work: the gateway with and without, in turns within one run, and what
a count takes by itself.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from .api import server
from .databases import NAME, postgresql
from .load import Job, chat, run
from .processes import Running, cpu
from .upstream import upstream

COLLECTOR = "http://127.0.0.1:{}/v1/traces"  # at the port of the service, which takes anything
# What is on in each line of the table, as settings. The first is the one to compare with.
WAYS: dict[str, dict[str, str]] = {
    "nothing": {},
    "metrics": {"METRICS_TOKEN": "reads-the-figures-of-a-bench-5f1d"},
    "traces": {
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": COLLECTOR,
        "OTEL_TRACES_SAMPLER": "parentbased_traceidratio",
        "OTEL_TRACES_SAMPLER_ARG": "0.01",
    },
    "JSON": {"LOG_FORMAT": "json"},
}
WAYS["all"] = {name: value for way in WAYS.values() for name, value in way.items()}
WAYS["calls"] = WAYS["all"] | {"GATEWAY_LOG_CALLS": "true"}
CLIENTS, SECONDS, WARM, TURNS = 16, 1.5, 0.4, 18


def measure(urls: dict[str, str]) -> None:
    """Prints the tables. `urls`: databases by name."""
    print_counts()
    for name, url in urls.items():
        print(f"\nThe gateway on {name}; {CLIENTS} clients, {TURNS} turns of {SECONDS:g} s")
        heads = f"{'requests/s':>12}{'of nothing':>12}{'CPU s/1,000':>13}{'of nothing':>12}"
        print(f"{'':<12}{'stream':>8}{heads}")
        with ExitStack() as stack:
            servers = served(stack, url)
            for stream in (False, True):
                print_turns(servers, stream)


def served(stack: ExitStack, url: str) -> dict[str, "Served"]:
    """A server for each way. Each has a database of its own: of servers that share one, a single
    one runs what is due and counts the totals of all.
    """
    service = stack.enter_context(upstream("--chunks", "20"))
    found = {}
    for name, settings in WAYS.items():
        own = f"{url}.{name}"
        if url.startswith("postgres"):
            own = stack.enter_context(postgresql(f"{NAME}_{name.lower()}")) or ""
        common = {"DATABASE_URL": own, "DATABASE_POOL_SIZE": "4", "CONNECTIONS_CHECK_MINUTES": "0"}
        command = [sys.executable, "-m", "bench.rows", "100", str(service.port), str(service.port)]
        made = subprocess.run(
            command, env=os.environ | common, stdout=subprocess.PIPE, text=True, check=True
        )
        given = {key: one.format(service.port) for key, one in settings.items()}
        running = stack.enter_context(server(**common, **given))
        found[name] = Served(running, made.stdout.split()[-2])
    return found


@dataclass(frozen=True)
class Served:
    """A server, and a token for it."""

    running: Running
    token: str


def print_turns(servers: dict[str, Served], stream: bool) -> None:
    """A line for each way: medians over the turns, of its own figures and of their ratios to those
    of `nothing` in the same turn.
    """
    turns: list[dict[str, Turn]] = []
    names = list(servers)
    for number in range(TURNS):
        # each is first as often as the others, and has the same ones before and behind it
        place = number % len(names)
        turns.append(
            {name: take_turn(servers[name], stream) for name in names[place:] + names[:place]}
        )
    for name in servers:
        mine, base = [one[name] for one in turns], [one["nothing"] for one in turns]
        rates = [one.rate / other.rate for one, other in zip(mine, base, strict=True)]
        costs = [one.cost / other.cost for one, other in zip(mine, base, strict=True)]
        rate, cost = median(one.rate for one in mine), median(one.cost for one in mine)
        print(
            f"{name:<12}{'yes' if stream else 'no':>8}"
            f"{rate:>12,.0f}{median(rates):>12.1%}{cost:>13.3f}{median(costs):>12.1%}",
            flush=True,
        )


@dataclass(frozen=True)
class Turn:
    """Requests a second, and seconds of CPU for 1,000 of them."""

    rate: float
    cost: float


def take_turn(one: Served, stream: bool) -> Turn:
    """What one server takes and gives for SECONDS."""
    pid = one.running.pid
    run(Job(one.running.port, chat(one.token, stream), CLIENTS, WARM))  # it has rested
    before = cpu(pid) or 0.0
    found = run(Job(one.running.port, chat(one.token, stream), CLIENTS, SECONDS))
    spent = (cpu(pid) or 0.0) - before
    return Turn(found.rate, spent * 1000 / found.count)


def print_counts() -> None:
    """What one count and one time take, in ours and in prometheus-client's files for processes."""
    print("\nMicroseconds for one count, and for one time of a histogram with 13 buckets")
    with tempfile.TemporaryDirectory() as folder:
        for name in ("ours", "files"):
            command = [sys.executable, "-m", "bench.telemetry", name]
            environment = os.environ | {"PROMETHEUS_MULTIPROC_DIR": folder}
            done = subprocess.run(
                command, env=environment, stdout=subprocess.PIPE, text=True, check=True
            )
            print(f"{name:<12}{done.stdout.strip()}", flush=True)
            size = sum(one.stat().st_size for one in Path(folder).iterdir())
    print(f"A process leaves {size / 1024:,.0f} KB of files")


def ours() -> tuple[Callable[[], object], Callable[[], object]]:
    """A count and a time, as the gateway notes them."""
    from bisect import bisect_left

    from connections.telemetry import metrics
    from connections.telemetry.declared import REQUEST_SECONDS, REQUESTS

    place = metrics.cell(REQUESTS, ("bench", "Chat", "ok"))
    start, width = metrics.cell(REQUEST_SECONDS, ("bench",)), REQUEST_SECONDS.width
    buckets = REQUEST_SECONDS.buckets
    lock, values = metrics.numbers()

    def count() -> None:
        with lock:
            values[place] += 1.0

    def observe() -> None:
        with lock:
            values[start + bisect_left(buckets, 0.3)] += 1.0
            values[start + width - 1] += 0.3

    return count, observe


def files() -> tuple[Callable[[], object], Callable[[], object]]:
    """The same in prometheus-client."""
    from prometheus_client import Counter, Histogram

    from connections.telemetry.declared import REQUEST_SECONDS

    counter = Counter("requests", "Requests", ["profile", "capability", "outcome"])
    times = Histogram("times", "Times", ["profile"], buckets=REQUEST_SECONDS.buckets)
    return (
        lambda: counter.labels("bench", "Chat", "ok").inc(),
        lambda: times.labels("bench").observe(0.3),
    )


def microseconds(act: Callable[[], object]) -> float:
    """The time of one call, the best of some rounds."""
    rounds = []
    for _ in range(5):
        began = time.process_time()
        for _ in range(20_000):
            act()
        rounds.append((time.process_time() - began) / 20_000 * 1e6)
    return min(rounds)


if __name__ == "__main__":
    import django

    django.setup()
    acts = ours() if sys.argv[1] == "ours" else files()
    print("".join(f"{microseconds(act):>8.2f}" for act in acts))

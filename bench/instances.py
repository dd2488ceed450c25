"""Four instances behind HAProxy, on PgBouncer, a PostgreSQL with a replica, and one Redis.

Each instance has a folder of its own for temporary files, and the proxy gives each request to the
next one. What is promised stands in each line beside what was found.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import Any

from .api import server
from .callers import Callers
from .cluster import Cluster, cluster
from .load import Job, chat, finish, start
from .processes import Running, cpu, free_port, kill, tree
from .upstream import upstream

INSTANCES, CLIENTS, SECONDS = 4, 64, float(os.environ.get("BENCH_SECONDS", "5"))
A_MINUTE, A_DAY = 100, 2_900  # limits of tokens: requests, and tokens of services
SLOW = 0.2  # seconds that the slow stub takes
READING = """
SELECT count(*) FROM pg_stat_activity
WHERE query LIKE '%FROM "gateway_%' AND pid <> pg_backend_pid()
"""
ASKING = "SELECT sum(calls)::int FROM pg_stat_statements WHERE query LIKE '%schedulelease%'"
CHECKED = 0.25  # minutes between two checks of the quiet connection


@dataclass(frozen=True)
class Scene:
    """What is measured: tokens by their names, and the instances."""

    cluster: Cluster
    tokens: dict[str, str]
    instances: list[Running]


def rows(*arguments: object, environment: dict[str, str]) -> Any:
    """What a function of bench.instances_rows answers, in a process on the primary."""
    direct = environment | {"DATABASE_URL": environment["DATABASE_DIRECT_URL"]}
    command = [sys.executable, "-m", "bench.instances_rows", *map(str, arguments)]
    done = subprocess.run(
        command, env=os.environ | direct, stdout=subprocess.PIPE, text=True, check=True
    )
    return json.loads(done.stdout)


def measure() -> None:
    """Prints the figures."""
    ports = [free_port() for _ in range(INSTANCES)]
    with ExitStack() as stack:
        servers = stack.enter_context(cluster(ports))
        fast = stack.enter_context(upstream())
        slow = stack.enter_context(upstream("--first-byte", str(SLOW)))
        own = servers.environment | {"DATABASE_POOL_SIZE": "4"}
        own |= {"CONNECTIONS_CHECK_MINUTES": str(CHECKED), "LOG_LEVEL": "CRITICAL"}
        own |= {"DATABASE_REPLICA_SECONDS": "2"}
        tokens = rows("prepare", fast.port, slow.port, A_MINUTE, A_DAY, environment=own)
        starting = []
        for port in ports:
            folder = stack.enter_context(tempfile.TemporaryDirectory())
            starting.append(server(**own, PORT=str(port), TMPDIR=folder))
        with ThreadPoolExecutor() as pool:  # all at once
            instances = list(pool.map(stack.enter_context, starting))
        scene = Scene(servers, tokens, instances)
        cores = os.cpu_count()
        load = os.getloadavg()[0]
        print(f"{INSTANCES} instances, {cores} cores, load of this machine before: {load:.1f}")
        capacity(scene)
        switching_off(scene, own)
        limits(scene, own)
        totals(own, fast.port)
        replica(scene)
        killed(scene)
        schedule(scene, own)
        redis(scene)
        failover(scene)


def line(name: str, found: str) -> None:
    """Prints one of them."""
    print(f"{name:<26}{found}", flush=True)


def capacity(scene: Scene) -> None:
    """Chats of one instance and of all, through the proxy or not."""
    request = chat(scene.tokens["free"], False)
    first = scene.instances[0]
    of_proxy = scene.cluster.haproxy.pid
    finish(start(Job(scene.cluster.proxy, request, CLIENTS, 1)))  # all have loaded what they need
    for name, port, asked in (
        ("1 instance", first.port, [first]),
        ("all, behind the proxy", scene.cluster.proxy, scene.instances),
    ):
        watched = [*(one.pid for one in asked), of_proxy]
        before = [cpu(pid) or 0 for pid in watched]
        found = finish(start(Job(port, request, CLIENTS, SECONDS)))
        *used, last = ((cpu(pid) or 0) - past for pid, past in zip(watched, before, strict=True))
        each, proxied = (one / max(1, found.count) * 1000 for one in (sum(used), last))
        line(
            name,
            f"{found.rate:,.0f} chats/s with {CLIENTS} callers, p50 {found.p50:.0f} ms, p99 "
            f"{found.p99:.0f} ms, {each:.2f} ms of CPU each (the proxy {proxied:.2f}), "
            f"{found.errors} failed. The cores of this machine bound it",
        )


def switching_off(scene: Scene, own: dict[str, str]) -> None:
    """From the commit of a switch until each worker of each instance has refused."""
    pairs = [str(one) for running in scene.instances for one in (running.port, running.pid)]
    variables = {**own, "DATABASE_URL": own["DATABASE_DIRECT_URL"]}
    variables["BENCH_TOKEN"] = scene.tokens["free"]
    done = subprocess.run(
        [sys.executable, "-m", "bench.deactivation", *pairs],
        env=os.environ | variables,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    found = json.loads(done.stdout)
    line(
        "switching off, 20 times",
        f"{found['workers']} workers refuse after {found['median']:.0f} ms (median), "
        f"{found['most']:.0f} ms (most); answered though begun after it: {found['answered']} (0)",
    )


def limits(scene: Scene, own: dict[str, str]) -> None:
    """What a token with a limit of requests, and one with a limit of tokens, get in all."""
    time.sleep(max(0, 61 - time.time() % 60) if time.time() % 60 > 40 else 0)
    with Callers(scene.cluster.proxy, scene.tokens["minute"], CLIENTS) as callers:
        time.sleep(SECONDS)
    got = callers.statuses
    line("requests of a minute", f"{got[200]} of {got.total()} answered ({A_MINUTE})")
    answered = 0
    for callers_at_once in (CLIENTS, 1):  # one alone uses what many had reserved
        with Callers(scene.cluster.proxy, scene.tokens["day"], callers_at_once) as callers:
            time.sleep(SECONDS)
        answered += callers.statuses[200]
    time.sleep(2)
    used = rows("tokens", environment=own)
    line(
        "tokens of a day",
        f"{used:,} used by {answered} answers of {used / max(1, answered):.0f}, {A_DAY - used} "
        f"left (at most {A_DAY:,} used, less left than a call reserves)",
    )


def totals(own: dict[str, str], port: int) -> None:
    """What the service has answered, what is recorded, and what the totals say."""
    time.sleep(1)
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", "/answered")
    answered = json.loads(connection.getresponse().read())["answered"]
    recorded, total, sizes = rows("usage", environment=own)
    line("usage", f"the service answered {answered:,}, recorded {recorded:,}, in totals {total:,}")
    line("bytes", ", ".join(f"{name} {size:,.0f}" for name, size in sizes.items()))
    count = rows("connections", environment=own)
    line("connections", ", ".join(f"{name} {number}" for name, number in count.items()))


def asked(scene: Scene, path: str) -> tuple[int, dict[str, Any]]:
    """Status and document of an address of the API, through the proxy."""
    connection = HTTPConnection("127.0.0.1", scene.cluster.proxy, timeout=30)
    connection.request("GET", path, headers={"Authorization": f"Bearer {scene.tokens['admin']}"})
    answer = connection.getresponse()
    return answer.status, json.loads(answer.read())


def replica(scene: Scene) -> None:
    """Usage while the replica is there, is late and is away."""
    path = "/api/v1/analytics/usage-summary?from=2020-01-01&to=2100-01-01"
    standby = scene.cluster.standby
    there = Counter(asked(scene, path)[0] for _ in range(8))
    reads = scene.cluster.query(standby, READING)
    scene.cluster.query(standby, "SELECT pg_wal_replay_pause()")
    time.sleep(4)
    late = Counter(asked(scene, path)[0] for _ in range(8))
    told = asked(scene, "/health/ready")[1]["checks"]["replica"]
    scene.cluster.query(standby, "SELECT pg_wal_replay_resume()")
    line(
        "replica",
        f"{dict(there)}, {reads} connections read it there (1 or more); late: {dict(late)}, told "
        f"as {told}",
    )
    time.sleep(3)
    standby.stop()
    away = Counter(asked(scene, path)[0] for _ in range(16))
    standby.start()
    line("replica away", f"{dict(away)}")


def killed(scene: Scene) -> None:
    """An instance is killed while calls run on all of them."""
    victim = scene.instances[-1]
    with Callers(scene.cluster.proxy, scene.tokens["free"], 32, "bench-slow") as callers:
        time.sleep(2)
        running = scene.cluster.running(victim.port)
        began = time.monotonic()
        kill(victim.pid)
        gone = time.monotonic()
        time.sleep(5)
    line("one killed", f"{callers.outage(began, gone)} (0); it was answering about {running}")


def schedule(scene: Scene, own: dict[str, str]) -> None:
    """Checks by themselves, and who does them when their holder is killed."""
    holder = rows("holder", environment=own)
    process = int(holder.split(":")[1]) if holder else 0
    of = [one for one in scene.instances[:-1] if process in tree(one.pid)]
    if of:
        os.kill(process, 9)
    began = time.monotonic()
    new = _until(lambda: rows("holder", environment=own), lambda found: found not in ("", holder))
    taken = time.monotonic() - began
    scene.cluster.query(scene.cluster.primary, "CREATE EXTENSION pg_stat_statements")
    before, wait = scene.cluster.query(scene.cluster.primary, ASKING), CHECKED * 60 * 2
    time.sleep(wait)
    asking = (scene.cluster.query(scene.cluster.primary, ASKING) - before) / wait
    workers = sum(len(tree(one.pid)[1:]) for one in scene.instances[:-1])
    number, least = rows("checks", environment=own)
    line(
        "schedule",
        f"holder killed, another after {taken:.0f} s (30): {bool(new)}; {number} checks of a quiet "
        f"connection, {least:.1f} s apart at least (every {CHECKED * 60:.0f} s); {workers} workers "
        f"ask for the lease {asking:.1f} times a second",
    )


def _until(ask: Callable[[], str], is_right: Callable[[str], bool]) -> str:
    until = time.monotonic() + 60
    while not is_right(found := ask()) and time.monotonic() < until:
        time.sleep(0.5)
    return found


def redis(scene: Scene) -> None:
    """Redis ends, and an empty one starts."""
    with Callers(scene.cluster.proxy, scene.tokens["free"], 8) as callers:
        time.sleep(1)
        began = time.monotonic()
        scene.cluster.restart_redis()
        time.sleep(5)
    line("Redis started anew", callers.outage(began))


def failover(scene: Scene) -> None:
    """The primary ends; two seconds later its replica takes over, at the same address."""
    with Callers(scene.cluster.proxy, scene.tokens["free"], 8) as callers:
        time.sleep(1)
        began = time.monotonic()
        scene.cluster.primary.stop()
        time.sleep(2)
        scene.cluster.standby.promote()
        taken = time.monotonic() - began
        time.sleep(12)
    line("PostgreSQL taken over", f"after {taken:.1f} s; {callers.outage(began)}")

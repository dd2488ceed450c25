"""What ten thousand connections cost a worker, and what a worker costs the servers that all share:
one instance of two workers behind HAProxy, on PgBouncer, PostgreSQL and Redis of its own.

From what one worker asks while nobody asks it follows what those of a hundred instances do.
"""

import os
import statistics
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from http.client import HTTPConnection

import psycopg
import redis

from .api import server
from .cluster import Cluster, cluster
from .instances import line, rows
from .load import Job, body, chat, run
from .processes import Running, cpu, free_port, memory, tree
from .upstream import upstream

ROUNDS, IDLE, PROBES, CALLS = 20, 20.0, 50, 15.0  # times, seconds, times, seconds
STATEMENTS = "SELECT sum(calls)::int FROM pg_stat_statements"
RECORDED = "SELECT count(*) FROM gateway_usagerecord"
RECORDS = """
SELECT count(*), pg_total_relation_size('gateway_usagerecord'),
       pg_total_relation_size('gateway_usageattempt') FROM gateway_usagerecord
"""


@dataclass(frozen=True)
class Scene:
    """What is measured."""

    cluster: Cluster
    tokens: dict[str, str]
    running: Running

    def ask(self, method: str, path: str, token: str, text: str = "") -> tuple[float, bytes]:
        """Milliseconds and the answer's body. Raises RuntimeError for a refusal."""
        head = {"Authorization": f"Bearer {self.tokens[token]}", "Content-Type": "application/json"}
        if token == "cookie":
            head = {"Cookie": f"sessionid={self.tokens[token]}"}
        connection = HTTPConnection("127.0.0.1", self.running.port, timeout=60)
        began = time.perf_counter()
        connection.request(method, path, text or None, head)
        answer = connection.getresponse()
        found = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{path}: {answer.status} {found[:300]!r}")
        return (time.perf_counter() - began) * 1000, found

    def chat(self) -> float:
        """The milliseconds of a call."""
        return self.ask("POST", "/v1/chat/completions", "free", body(False, "bench"))[0]

    @property
    def statements(self) -> int:
        """Those that PostgreSQL has done so far."""
        return int(self.cluster.query(self.cluster.primary, STATEMENTS))

    def memories(self) -> str:
        """The MB of each worker, shared pages counted once."""
        found = [memory(pid) or (0.0, 0.0) for pid in tree(self.running.pid)[1:]]
        return ", ".join(f"{one[1]:.0f}" for one in found)


def measure(connections: int) -> None:
    """Prints the figures."""
    port = free_port()
    with ExitStack() as stack:
        servers = stack.enter_context(cluster([port]))
        stub = stack.enter_context(upstream())
        own = servers.environment | {"DATABASE_POOL_SIZE": "4", "LOG_LEVEL": "CRITICAL"}
        own |= {"RUN_DUE": "false", "METRICS_ALLOW": "127.0.0.0/8"}
        tokens = rows("prepare", stub.port, stub.port, 10**6, 10**9, environment=own)
        tokens["cookie"] = rows("fill", connections, environment=own)
        servers.query(servers.primary, "CREATE EXTENSION pg_stat_statements")
        print(f"{connections:,} connections, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
        began = time.monotonic()
        running = stack.enter_context(server(**own, PORT=str(port)))
        scene = Scene(servers, tokens, running)
        _until_ready(scene)
        used = cpu(running.pid) or 0
        taken = time.monotonic() - began
        line("start of 2 workers", f"{taken:.1f} s to ready, {used:.1f} s of CPU")
        line("MB of each after it", scene.memories())
        pages(scene)
        switches(scene)
        idle(scene)
        probes(scene)
        calls(scene)
        line("MB of each in the end", scene.memories())


def _until_ready(scene: Scene) -> None:
    for _ in range(600):
        try:
            scene.ask("GET", "/health/ready", "free")
        except (OSError, RuntimeError):
            time.sleep(0.1)
        else:
            return
    raise TimeoutError("the server is not ready")


def _costs(scene: Scene, act: Callable[[], object], rounds: int = ROUNDS) -> str:
    """Milliseconds, CPU and statements of one."""
    act()
    asked, used = scene.statements, cpu(scene.running.pid) or 0
    of_database = cpu(_postmaster(scene)) or 0
    times = []
    for _ in range(rounds):
        began = time.perf_counter()
        act()
        times.append((time.perf_counter() - began) * 1000)
    each = ((cpu(scene.running.pid) or 0) - used) / rounds * 1000
    of_database = ((cpu(_postmaster(scene)) or 0) - of_database) / rounds * 1000
    return (
        f"{statistics.median(times):.1f} ms (median), {each:.1f} ms of CPU and {of_database:.1f} "
        f"of PostgreSQL's, {(scene.statements - asked) / rounds:.1f} statements"
    )


def _postmaster(scene: Scene) -> int:
    return int((scene.cluster.primary.folder / "postmaster.pid").read_text().splitlines()[0])


def pages(scene: Scene) -> None:
    """The list of connections, its API, and /metrics."""
    for name, path, token in (
        ("list of connections", "/connections/", "cookie"),
        ("API, 50 connections", "/api/v1/connections?take=50", "admin"),
        ("/metrics", "/metrics", "free"),
    ):
        line(name, _costs(scene, lambda path=path, token=token: scene.ask("GET", path, token)))  # type: ignore[misc]
    line("/metrics", f"{len(scene.ask('GET', '/metrics', 'free')[1]):,} bytes")


def switches(scene: Scene) -> None:
    """A switch, and the first call after it, which reads anew what its worker remembered."""
    for _ in range(50):
        scene.chat()
    quiet = statistics.median(scene.chat() for _ in range(ROUNDS * 5))
    state, firsts = [False], []

    def switch() -> None:
        text = '{"isActive": %s}' % ("true" if state[0] else "false")
        scene.ask("PATCH", "/api/v1/connections/connection-7", "admin", text)
        state[0] = not state[0]
        firsts.append(scene.chat())

    line("a switch, and a call", _costs(scene, switch))
    found = f"{statistics.median(firsts):.1f} ms, any other {quiet:.1f} ms (medians)"
    line("the first call after it", found)


def idle(scene: Scene) -> None:
    """What the workers ask while nobody asks them."""
    workers = len(tree(scene.running.pid)) - 1
    with redis.Redis(port=scene.cluster.redis_port) as client:
        asked, past = scene.statements, client.info()["total_commands_processed"]
        used, of_database = cpu(scene.running.pid) or 0, cpu(_postmaster(scene)) or 0
        time.sleep(IDLE)
        info = client.info()
        each = (scene.statements - asked) / IDLE / workers
        of_redis = (info["total_commands_processed"] - past) / IDLE / workers
        used = ((cpu(scene.running.pid) or 0) - used) / IDLE / workers * 100
        of_database = ((cpu(_postmaster(scene)) or 0) - of_database) / IDLE / workers * 100
        line(
            "an idle worker",
            f"{each:.1f} statements/s, {of_redis:.2f} commands/s of Redis, {used:.1f} % of a core "
            f"and {of_database:.2f} % of PostgreSQL's",
        )
        count = rows("connections", environment=scene.cluster.environment)
        words = ", ".join(f"{name} {number}" for name, number in count.items())
        line("connections of 2 workers", f"{words}, of Redis {info['connected_clients'] - 1}")


def probes(scene: Scene) -> None:
    """What a question of a load balancer costs."""
    line("/health/ready", _costs(scene, lambda: scene.ask("GET", "/health/ready", "free"), PROBES))


def calls(scene: Scene) -> None:
    """A call of the gateway, and the rows that it leaves."""
    watched = {"instance": scene.running.pid, "PostgreSQL": _postmaster(scene)}
    before, asked = {name: cpu(pid) or 0 for name, pid in watched.items()}, scene.statements
    found = run(Job(scene.running.port, chat(scene.tokens["free"], False), 32, CALLS))
    while scene.cluster.query(scene.cluster.primary, RECORDED) < found.count:
        time.sleep(1)
    each = ", ".join(
        f"{((cpu(pid) or 0) - before[name]) / found.count * 1000:.2f} ms of {name}"
        for name, pid in watched.items()
    )
    statements = (scene.statements - asked) / found.count
    line("a call", f"CPU {each}, {statements:.2f} statements ({found.count:,} calls)")
    with psycopg.connect(scene.cluster.primary.address) as database:
        number, of_records, of_attempts = database.execute(RECORDS).fetchone() or (1, 0, 0)
    sizes = f"{of_records / number:.0f} a record, {of_attempts / number:.0f} its attempt"
    line("bytes with indexes", f"{sizes} ({number:,} records)")


if __name__ == "__main__":
    measure(int(sys.argv[1]))

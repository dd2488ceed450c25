"""Servers of one's own, for a run: PostgreSQL with a streaming replica, PgBouncer, HAProxy and
Redis. They are Debian's packages postgresql, pgbouncer, haproxy and redis-server.
"""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import psycopg

from .processes import free_port

USER = "postgres"  # the servers of PostgreSQL refuse to run as root
PROGRAMS = {"haproxy": "haproxy", "pgbouncer": "pgbouncer", "redis-server": "redis-server"}
POSTGRESQL = """
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
max_connections = 300
wal_level = replica
hot_standby = on
shared_preload_libraries = 'pg_stat_statements'
"""
BOUNCER = """
[databases]
* = host=127.0.0.1 port={server} user=postgres
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 20
max_client_conn = 2000
server_idle_timeout = 5
server_login_retry = 1
logfile = {folder}/pgbouncer.log
[users]
"""
PROXY = """
global
  maxconn 8000
  stats socket {folder}/haproxy.sock level admin
defaults
  timeout connect 2s
  timeout client 120s
  timeout server 120s
  default-server check inter 500 fall 1 rise 1
frontend instances
  mode http
  bind 127.0.0.1:{port}
  default_backend instances
backend instances
  mode http
  balance roundrobin
  retries 3
  option redispatch 1
  retry-on conn-failure
  option httpchk GET /health/live
  http-response set-header X-Instance %s
{instances}
listen database
  mode tcp
  bind 127.0.0.1:{database}
  timeout client 1d
  timeout server 1d
  default-server on-marked-down shutdown-sessions
  server primary 127.0.0.1:{primary}
  server standby 127.0.0.1:{standby} backup
"""


def require_programs() -> None:
    """Raises RuntimeError with the command that installs what is missing."""
    missing = [package for name, package in PROGRAMS.items() if not shutil.which(name)]
    if not _folders():
        missing.append("postgresql")
    if missing:
        raise RuntimeError(f"Missing here: apt-get install {' '.join(missing)}")


def _folders() -> list[Path]:
    return sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda one: float(one.parent.name))


def _as_user(*command: object) -> list[str]:
    """The command line, by another user where we are root."""
    words = [str(word) for word in command]
    return ["runuser", "-u", USER, "--", *words] if os.getuid() == 0 else words


def run(program: str, *arguments: object) -> None:
    """Runs a program of PostgreSQL's. Raises CalledProcessError."""
    command = _as_user(_folders()[-1] / program, *arguments)
    subprocess.run(command, cwd="/", stdout=subprocess.DEVNULL, check=True)


class Postgres:
    """A server of PostgreSQL in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()

    @property
    def address(self) -> str:
        """The address of its database."""
        return f"postgres://{USER}@127.0.0.1:{self.port}/switchboard"

    def make(self) -> None:
        """Makes an empty server."""
        run("initdb", "--no-sync", "-D", self.folder, "-A", "trust", "-U", USER)
        with (self.folder / "postgresql.conf").open("a") as file:
            file.write(POSTGRESQL)

    def follow(self, primary: "Postgres") -> None:
        """Makes a copy of a running server that streams from it."""
        source = f"host=127.0.0.1 port={primary.port} user={USER}"
        run("pg_basebackup", "-d", source, "-D", self.folder, "-R", "-X", "stream")

    def start(self) -> None:
        """Returns when it answers."""
        log, options = f"{self.folder}.log", f"-p {self.port}"
        run("pg_ctl", "-D", self.folder, "-l", log, "-o", options, "-w", "start")

    def stop(self) -> None:
        """Ends it as a power cut does."""
        run("pg_ctl", "-D", self.folder, "-m", "immediate", "-w", "stop")

    def promote(self) -> None:
        """Makes a replica the primary."""
        run("pg_ctl", "-D", self.folder, "-w", "promote")


class Cluster:
    """All of them. `proxy` is the port where the instances at `ports` are asked."""

    def __init__(self, stack: ExitStack, folder: Path, ports: list[int]) -> None:
        self._stack, self._folder = stack, folder
        self.primary, self.standby = Postgres(folder / "a"), Postgres(folder / "b")
        self.proxy, self.database, self.bouncer, self.redis_port = (free_port() for _ in range(4))
        self.redis = self._start_redis()
        for server, prepare in (
            (self.primary, self.primary.make),
            (self.standby, lambda: self.standby.follow(self.primary)),
        ):
            prepare()
            server.start()
            stack.callback(_stop, server)
        self.haproxy = self._start_haproxy(ports)
        run("createdb", "-h", "127.0.0.1", "-p", self.primary.port, "-U", USER, "switchboard")
        config = folder / "pgbouncer.ini"
        values = {"server": self.database, "port": self.bouncer, "folder": folder}
        config.write_text(BOUNCER.format(**values))
        self._program(_as_user(shutil.which("pgbouncer"), config), self.bouncer)

    @property
    def environment(self) -> dict[str, str]:
        """The settings of an instance."""
        at = f"{USER}@127.0.0.1"
        return {
            "DATABASE_URL": f"postgres://{at}:{self.bouncer}/switchboard",
            "DATABASE_DIRECT_URL": f"postgres://{at}:{self.database}/switchboard",
            "DATABASE_REPLICA_URL": self.standby.address,
            "CACHE_URL": f"redis://127.0.0.1:{self.redis_port}/0",
        }

    def _start_haproxy(self, ports: list[int]) -> "subprocess.Popen[bytes]":
        lines = [f"  server i{port} 127.0.0.1:{port}" for port in ports]
        values = {"folder": self._folder, "port": self.proxy, "database": self.database}
        values |= {"primary": self.primary.port, "standby": self.standby.port}
        config = self._folder / "haproxy.cfg"
        config.write_text(PROXY.format(**values, instances="\n".join(lines)))
        return self._program(["haproxy", "-db", "-f", str(config)], self.proxy)

    def running(self, port: int) -> int:
        """Requests that an instance answers at this moment, as HAProxy counts them."""
        with socket.socket(socket.AF_UNIX) as stats:
            stats.connect(f"{self._folder}/haproxy.sock")
            stats.sendall(b"show stat\n")
            text = b"".join(iter(lambda: stats.recv(65536), b"")).decode()
        rows = [line.split(",") for line in text.splitlines()]
        return next(int(row[4]) for row in rows if row[:2] == ["instances", f"i{port}"])

    def query(self, server: Postgres, statement: str) -> Any:
        """The first value that a server answers; None without one."""
        with psycopg.connect(server.address, autocommit=True) as connection:
            done = connection.execute(statement.encode())
            row = done.fetchone() if done.description else None
        return row[0] if row else None

    def restart_redis(self) -> None:
        """Ends Redis and starts an empty one at the same port."""
        self.redis.kill()
        self.redis.wait()
        self.redis = self._start_redis()

    def _start_redis(self) -> "subprocess.Popen[bytes]":
        command = ["redis-server", "--port", str(self.redis_port), "--save", ""]
        return self._program([*command, "--bind", "127.0.0.1"], self.redis_port)

    def _program(self, command: list[str], port: int) -> "subprocess.Popen[bytes]":
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        process = subprocess.Popen(command, cwd="/", **quiet)  # type: ignore[call-overload]
        self._stack.callback(process.wait, 10)
        self._stack.callback(process.terminate)
        _wait(port)
        return process  # type: ignore[no-any-return]


def _stop(server: Postgres) -> None:
    if (server.folder / "postmaster.pid").exists():
        server.stop()


def _wait(port: int) -> None:
    for _ in range(100):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise TimeoutError(f"nothing listens at {port}")


@contextmanager
def cluster(ports: list[int]) -> Iterator[Cluster]:
    """The servers, until the block ends, with HAProxy before the instances at these ports."""
    require_programs()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="cluster-")))
        if os.getuid() == 0:
            shutil.chown(folder, USER)
        yield Cluster(stack, folder, ports)

"""A drill: a server under load, a backup of it, a restore into it while it runs, `kill -9`, and a
restore elsewhere; on the servers of CI from PostgreSQL to SQLite and back.
"""

import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import psycopg
import pytest

from bench.processes import tree
from tests.connections.api.serving import PREPARE, ROOT, Served, environment, running
from tests.databases import address, migrated, template

pytestmark = pytest.mark.server
ON_POSTGRESQL = os.environ.get("DATABASE_URL", "").startswith("postgres")
LOOK = """
import json, os
from connections import services
from connections.audit.services import verify
from connections.models import Connection
from gateway.models import UsageRecord
print("LOOK" + json.dumps({
    "aliases": [*Connection.every.values_list("alias", flat=True)],
    "secret": Connection.every.get(alias="openai-production").credentials["api_key"],
    "caller": services.find_caller(os.environ["TOKEN"]) is not None,
    "problems": [one.text for one in verify().problems],
    "records": UsageRecord.objects.count(),
}))
"""


@contextmanager
def postgresql(copied_from: str = "template0") -> Iterator[str]:
    """The address of a database of its own."""
    given, name = os.environ["DATABASE_URL"], f"switchboard_drill_{uuid4().hex[:12]}"
    with psycopg.connect(given, autocommit=True) as server:
        server.execute(f"CREATE DATABASE {name} TEMPLATE {copied_from}")
        try:
            yield urlsplit(given)._replace(path=f"/{name}").geturl()
        finally:
            server.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


def manage(variables: dict[str, str], *line: Any) -> str:
    """What a command says, which ends well."""
    done = subprocess.run(
        [sys.executable, "manage.py", *map(str, line)],
        cwd=ROOT,
        env=variables,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def looked_at(variables: dict[str, str]) -> dict[str, Any]:
    said = manage(variables, "shell", "-v", "0", "-c", LOOK)
    found: dict[str, Any] = json.loads(said.partition("LOOK")[2])
    return found


def chat(server: Served) -> int:
    """The status that the gateway answers."""
    body = {"model": "rehearsal", "messages": [{"role": "user", "content": "Hello"}]}
    headers = {"Authorization": f"Bearer {server.token}", "Content-Type": "application/json"}
    request = urllib.request.Request(
        f"{server.url}/v1/chat/completions", json.dumps(body).encode(), headers
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def switch(server: Served, is_on: bool) -> None:
    server.ask("PATCH", "/connections/rehearsal", {"isActive": is_on})


@contextmanager
def load(server: Served) -> Iterator[list[str]]:
    """Saves connections and asks the gateway; the aliases that were acknowledged."""
    saved: list[str] = []
    ended = threading.Event()

    def work() -> None:
        while not ended.is_set():
            alias = f"drill-{len(saved)}"
            body = {"alias": alias, "name": alias, "providerId": "echo", "settings": {}}
            server.ask("POST", "/connections", body)
            saved.append(alias)
            assert chat(server) == 200

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield saved
    finally:
        ended.set()
        thread.join()


def wait_until(is_so: Any, seconds: float) -> None:
    until = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < until
        time.sleep(0.05)


def test_all_that_was_acknowledged_is_there_after_a_kill_and_a_restore(tmp_path: Path):
    with source(tmp_path) as database:
        variables = environment(database, WEB_CONCURRENCY="2")
        tokens = manage(variables, "shell", "-v", "0", "-c", PREPARE).split()
        file = tmp_path / "backup.zip"
        with running(variables, tmp_path / "log") as started:
            server = Served(started.url, tokens[0], started.log)
            with load(server) as saved:
                wait_until(lambda: len(saved) > 5, 60)
                acknowledged = [*saved]
                manage(variables, "backup", file)
            switch(server, is_on=False)
            assert chat(server) == 409
            manage(variables, "restore", file, "--replace", "--yes", "--no-safety-copy")
            # both workers hear of it at once; on a busy machine they are asked again for a while
            wait_until(lambda: {chat(server) for _ in range(8)} == {200}, 30)
            for pid in tree(started.process.pid):
                os.kill(pid, signal.SIGKILL)
        keys = {one: variables[one] for one in ("SECRET_KEY", "FERNET_KEYS")}
        with elsewhere(tmp_path) as places:
            for place in places:
                there = environment(place, TOKEN=tokens[0], **keys)
                manage(there, "restore", file)
                found = looked_at(there)
                assert {*acknowledged} <= {*found["aliases"]}
                assert (found["secret"], found["caller"]) == ("sk-example-not-a-key", True)
                assert found["problems"] == [] and found["records"] > 0
                manage(there, "backup", file, "--overwrite")


@contextmanager
def source(folder: Path) -> Iterator[str]:
    """The database that is backed up."""
    if ON_POSTGRESQL:
        with postgresql(template()) as database:
            yield database
    else:
        yield migrated(folder / "source.sqlite3")


@contextmanager
def elsewhere(folder: Path) -> Iterator[list[str]]:
    """The databases that are restored into, one after the other."""
    lite = address(folder / "elsewhere.sqlite3")
    if ON_POSTGRESQL:
        with postgresql() as database:
            yield [lite, database]
    else:
        yield [lite]

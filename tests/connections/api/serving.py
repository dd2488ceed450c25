"""The production server for tests of the API: gunicorn with a database of its own, people, tokens
and a few rows.
"""

import base64
import json
import os
import secrets
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.databases import closed, copied, migrated, once, shared_folder

ROOT = Path(__file__).resolve().parents[3]
MIGRATE = """
from django.core.management import call_command
call_command("migrate", verbosity=0)
"""
PREPARE = """
from django.contrib.auth.models import Group, User
from connections import services
user = User.objects.create_user("ada")
user.groups.add(Group.objects.get(name="Administrators"))
openai = services.create_connection(
    "openai", actor=user, name="OpenAI production", alias="openai-production",
    settings={"api_key": "sk-example-not-a-key"},
).row
services.create_profile(
    openai, actor=user, capability="Chat", name="Answers", alias="support-answers", model="gpt-4o"
)
echo = services.create_connection("echo", actor=user, name="Rehearsal", alias="rehearsal").row
for capability, alias in (("Chat", "rehearsal"), ("Embedding", "rehearsal-search")):
    services.create_profile(
        echo, actor=user, capability=capability, name="Rehearsal", alias=alias, model="echo-1"
    )
for scope in ("admin", "connections:read"):
    print(services.create_token(scope, user=user, actor=user, scopes=[scope])[1])
"""


@dataclass(frozen=True)
class Served:
    """A running server: its address, tokens of an administrator for everything and for reading
    connections, and what it writes.
    """

    url: str
    token: str
    log: Path
    reader: str = field(default="", repr=False)

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """The JSON that the API answers."""
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(
            urllib.request.Request(f"{self.url}/api/v1{path}", data, headers, method=method),
            timeout=30,
        ) as answer:
            return json.load(answer)


@contextmanager
def serving(place: Path, database_url: str = "") -> Iterator[Served]:
    """Serves until the block ends; a database that is named must be empty.

    Its log is free of tracebacks in the end.
    """
    if database_url:
        variables = environment(database_url)
        tokens = _prepare(variables, MIGRATE + PREPARE)
    else:
        found = json.loads(once("served.json", _prepare_once).read_text())
        database = copied(shared_folder() / "served.sqlite3", place / "api.sqlite3")
        variables = environment(database, **found["keys"])
        tokens = found["tokens"]
    with running(variables, place / "log", "--graceful-timeout=1") as server:
        yield Served(server.url, tokens[0], server.log, tokens[1])
    text = server.log.read_text(errors="replace")
    assert "Traceback" not in text, text[text.index("Traceback") - 500 :][:5000]


def _prepare(variables: dict[str, str], code: str) -> list[str]:
    """Runs this in the shell of Django. Gives the lines that it prints: the tokens."""
    command = [sys.executable, "manage.py", "shell", "-v", "0", "-c", code]
    done = subprocess.run(command, cwd=ROOT, env=variables, check=True, capture_output=True)
    return done.stdout.decode().split()


def _prepare_once(file: Path) -> None:
    """Writes the tokens of the database beside this file, and the keys that it was made with."""
    variables = environment(migrated(file.with_name("served.sqlite3")))
    tokens = _prepare(variables, PREPARE)
    closed(file.with_name("served.sqlite3"))
    keys = {name: variables[name] for name in ("SECRET_KEY", "FERNET_KEYS")}
    file.write_text(json.dumps({"tokens": tokens, "keys": keys}))


@dataclass(frozen=True)
class Server:
    """A running gunicorn: its address, what it writes, its process."""

    url: str
    log: Path
    process: "subprocess.Popen[bytes]"


@contextmanager
def running(
    variables: dict[str, str],
    log: Path,
    *options: str,
    code: Path = ROOT,
    python: str = sys.executable,
    port: int | None = None,
) -> Iterator[Server]:
    """gunicorn with the configuration of production, until the block ends.

    The database must be there. `code`: the folder of manage.py, which `python` runs. `port`: a
    free one if none is named.
    """
    port = port or _free_port()
    command = [
        python,
        "-m",
        "gunicorn",
        "-c",
        "python:backoffice.gunicorn_conf",
        "-b",
        f"127.0.0.1:{port}",
        *options,
    ]
    with (
        log.open("wb") as file,
        subprocess.Popen(command, cwd=code, env=variables, stdout=file, stderr=file) as process,
    ):
        server = Server(f"http://127.0.0.1:{port}", log, process)
        try:
            _wait_for(server)
            yield server
        finally:
            process.terminate()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def environment(database_url: str, **variables: str) -> dict[str, str]:
    """What the server's process gets: new keys, nothing of this machine that would decide a test,
    and `variables`.
    """
    own = ("CONNECTIONS_", "CACHE_URL", "API_", "HTTPS", "ALLOWED_HOSTS", "GATEWAY_")
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(own) and "__" not in name
    }
    return inherited | {
        "DATABASE_URL": database_url,
        "SECRET_KEY": secrets.token_urlsafe(50),
        "FERNET_KEYS": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        "WEB_CONCURRENCY": "1",
        "API_THROTTLE_RATE": "1000000/s",
        "CONNECTIONS_TEST_RATE": "1000000",
        "LOG_LEVEL": "WARNING",
        "RUN_DUE": "false",
        "PYTHONUNBUFFERED": "1",
        **variables,
    }


def _wait_for(server: Server) -> None:
    for _ in range(1200):
        try:
            urllib.request.urlopen(f"{server.url}/health/live", timeout=10).close()
        except OSError:  # nothing listens yet, or nothing answers: a worker starts
            assert server.process.poll() is None, server.log.read_text()[-5000:]
            time.sleep(0.1)
        else:
            return
    raise AssertionError(
        f"The server did not start within two minutes:\n{server.log.read_text()[-5000:]}"
    )

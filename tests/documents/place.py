"""A fresh copy of this checkout with `make run` running in it, where the blocks are done."""

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import urlencode, urlsplit

import psycopg

from tests.httpserver import HttpServer
from tests.upstreams import GOOD_KEY
from tools.check_start import OURS, copy_files, free_port, wait

from .asking import Warm
from .blocks import ROOT

SECONDS = 120
POSTGRESQL = "postgres://postgres@127.0.0.1:5432/postgres"  # as in .ci/run
KEPT = "shell-variables"  # what one block of a shell gives to the next, for a page reads on


@dataclass(frozen=True)
class Answered:
    """What the server answered."""

    status: int
    text: str

    def json(self) -> Any:
        """Its body."""
        return json.loads(self.text)


@dataclass(eq=False)
class Place:
    """The copy, its server, and what a reader has at hand: the token, the key of a service."""

    folder: Path
    service: str  # the address of what stands in for OpenAI
    shop: HttpServer  # and for an API of one's own
    port: int = field(default_factory=free_port)
    server: "subprocess.Popen[bytes] | None" = None
    started_with: bytes = b""
    warm: Warm = field(init=False)
    made: ExitStack = field(default_factory=ExitStack)  # what has to end or go at the end

    def __post_init__(self) -> None:
        self.warm = Warm(self)

    @property
    def address(self) -> str:
        """Where the server is."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def copy(self) -> Path:
        """The repository of the reader."""
        return self.folder / "switchboard"

    def environment(self) -> dict[str, str]:
        """That of a reader's terminal: nothing of this checkout's."""
        ours = {**os.environ, "HOME": str(self.folder), "PYTHONIOENCODING": "utf-8"}
        path = f"{self.copy / '.venv/bin'}:{os.environ['PATH']}"
        kept = {name: value for name, value in ours.items() if name not in OURS}
        return {
            **{name: value for name, value in kept.items() if not name.startswith("MAKE")},
            "PATH": path,
            "PORT": str(self.port),
            "WEB_CONCURRENCY": "1",  # one reader
        }

    def told(self, text: str) -> str:
        """A block with what is this reader's own in the place of what the page shows."""
        own = {
            "http://127.0.0.1:8000": self.address,
            "https://switchboard.example.com": self.address,
            'api_key="sk-..."': f'api_key="{GOOD_KEY}", base_url="{self.service}/v1"',
            "sk-...": GOOD_KEY,
            "https://shop.example.com": self.shop.url,
            "/backups": str(self.folder),
            "/var/run/secrets/tokens/switchboard": str(self.folder / "token"),
            '"apiKey": "$OpenAI:ApiKey"': '"apiKey": "$OpenAI:ApiKey", "baseUrl": "'
            f'{self.service}/v1"',
        }
        for shown, mine in own.items():
            text = text.replace(shown, mine)
        (self.folder / "token").write_text(self.token())
        text = re.sub(r"\bsbr_\.\.\.", lambda _: self.reveal_token, text)
        return re.sub(r"\bsb_\.\.\.", lambda _: self.token(), text)

    def write(self, name: str, text: str) -> None:
        """A file of the reader's."""
        (self.copy / name).parent.mkdir(parents=True, exist_ok=True)
        (self.copy / name).write_text(self.told(text), encoding="utf-8")

    def token(self) -> str:
        """The token that the last block of a shell has in TOKEN."""
        variables = self.folder / KEPT
        text = variables.read_text() if variables.exists() else ""
        found = re.search(r"^declare -x TOKEN=(.*)$", text, re.MULTILINE)
        return shlex.split(found[1])[0] if found else "sb_none"

    def start(self) -> None:
        """`make run`, until there is a sign-in page. One that runs with this `.env` goes on."""
        settings = self.copy / ".env"
        now = settings.read_bytes() if settings.exists() else b""
        if self.server and now == self.started_with:
            return
        self.stop()
        with (self.folder / "run.log").open("ab") as log:
            self.server = subprocess.Popen(
                ["make", "run", f"PORT={self.port}"],
                cwd=self.copy,
                env=self.environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        wait(self.server, f"{self.address}/", time.monotonic(), SECONDS)
        self.started_with = settings.read_bytes()

    def stop(self) -> None:
        """Ctrl-C."""
        if self.server and self.server.poll() is None:
            self.server.terminate()
            try:
                self.server.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(self.server.pid, signal.SIGKILL)

    def forget(self, row: str) -> None:
        """Deletes a row, if it is there."""
        self.ask("DELETE", f"/api/v1/{row}")

    def ask(
        self,
        method: str,
        path: str,
        body: object = None,
        token: str | None = None,
        headers: Mapping[str, str] = MappingProxyType({}),
    ) -> Answered:
        """A request to the server, by an administrator's token, or `token`; none if it is empty.

        Bytes and a text are sent as they are, anything else as JSON.
        """
        token = self.administrator if token is None else token
        sent = {"Authorization": f"Bearer {token}"} if token else {}
        data = body.encode() if isinstance(body, str) else body
        if not isinstance(data, bytes | None):
            data, sent["Content-Type"] = json.dumps(body).encode(), "application/json"
        request = urllib.request.Request(
            f"{self.address}{path}", data, {**sent, **headers}, method=method
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return Answered(answer.status, answer.read().decode())
        except urllib.error.HTTPError as error:
            with error:
                return Answered(error.code, error.read().decode())

    @cached_property
    def administrator(self) -> str:
        """A token that may all."""
        command = "manage.py token create tests --user admin --scope admin"
        return self.shell(f".venv/bin/python {command}").stdout.strip()

    @cached_property
    def reveal_token(self) -> str:
        """A token for flows that reads the tutorial's connection to OpenAI."""
        command = "manage.py reveal_token create tests --user admin --connection openai-production"
        return self.shell(f".venv/bin/python {command}").stdout.strip().rpartition("/")[2]

    @cached_property
    def postgresql(self) -> str:
        """The address of a new database on PostgreSQL, migrated; empty where that is away."""
        address = os.environ.get("CI_DATABASE_URL", POSTGRESQL)
        name = f"documents_{os.getpid()}"
        try:
            with psycopg.connect(address, connect_timeout=5, autocommit=True) as connection:
                connection.execute(f"CREATE DATABASE {name}")
        except psycopg.OperationalError:
            return ""
        self.made.callback(_drop, address, name)
        own = urlsplit(address)._replace(path=f"/{name}").geturl()
        set_up = f"export DATABASE_URL={own}\n"
        self.shell(f"{set_up}.venv/bin/python manage.py migrate -v 0").check_returncode()
        return own

    def log(self) -> str:
        """What the server wrote."""
        return (self.folder / "run.log").read_text(encoding="utf-8", errors="replace")

    def fail_to_sign_in(self, name: str, browser: str) -> None:
        """Somebody of this name enters a wrong password at the page."""
        opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
        opener.addheaders = [("User-Agent", browser)]
        address = f"{self.address}/sign-in/"
        page = opener.open(address, timeout=30).read().decode()
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)
        form = {"username": name, "password": "wrong", "csrfmiddlewaretoken": token and token[1]}
        opener.open(address, urlencode(form).encode(), timeout=30).close()

    def shell(self, script: str, text: str = "") -> "subprocess.CompletedProcess[str]":
        """A script of bash, whose commands of manage.py begin at once; `text` is its input."""
        script = f"set -euo pipefail\n{self.warm.prelude()}{script}"
        return self.run("bash", "-c", script, text=text)

    def password(self) -> str:
        """The password that the first start printed."""
        found = re.search(r"Password +(\S+)", (self.folder / "run.log").read_text())
        return found[1] if found else ""

    def run(self, *command: str, text: str = "") -> "subprocess.CompletedProcess[str]":
        """A command in the reader's terminal, with `text` as its input."""
        return subprocess.run(
            command,
            cwd=self.copy,
            env=self.environment(),
            input=text,
            capture_output=True,
            text=True,
            check=False,
            timeout=SECONDS,
            start_new_session=True,  # what asks is answered by `text`, not by who runs this
        )


def _drop(address: str, name: str) -> None:
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@contextmanager
def place(folder: Path, service: str, shop: HttpServer) -> Iterator[Place]:
    """A copy with the packages of this checkout. Its server runs from
    the first block with `make run` on. `service`
    stands in for OpenAI, `shop` for an API of one's own."""
    here = Place(folder, service, shop)
    copy_files(here.copy)
    for compiled in ROOT.glob("[a-z]*/**/__pycache__"):
        if (folder := here.copy / compiled.relative_to(ROOT)).parent.is_dir():
            shutil.copytree(compiled, folder)
    for name in (".venv", "node_modules"):
        (here.copy / name).symlink_to(ROOT / name)
    try:
        yield here
    finally:
        here.made.close()
        here.stop()

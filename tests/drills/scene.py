"""The product as `make run` starts it, with two workers, on a database of its own, with a service
behind it; and what a drill asks of it.
"""

import json
import os
import resource
import signal
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import psycopg

from bench.processes import free_port, tree
from tests.connections.api.serving import ROOT, environment
from tests.databases import migrated
from tests.gateway.office import KEY, USER, Office, office
from tests.gateway.upstream import Upstream

START_SECONDS = 180  # on a machine that is busy with other things
Found = TypeVar("Found")


class Broken(Exception):
    """A promise that was not kept, in a sentence."""


def promise(is_kept: bool, said: str) -> None:
    """Raises Broken with this sentence unless it is kept."""
    if not is_kept:
        raise Broken(said)


def eventually(look: Callable[[], Found], seconds: float, said: str) -> tuple[Found, float]:
    """What `look` finds as soon as it is something, and the seconds until then. Raises Broken."""
    began = time.monotonic()
    while not (found := look()):
        promise(time.monotonic() - began < seconds, f"{said}: not within {seconds:g} s")
        time.sleep(0.05)
    return found, time.monotonic() - began


@dataclass(frozen=True)
class Answer:
    """One answer: status (0 for none), seconds, its text, its id, and the moment it was asked."""

    status: int
    seconds: float
    text: str
    request_id: str
    asked_at: float

    @property
    def body(self) -> Any:
        """Its JSON."""
        return json.loads(self.text)

    @property
    def code(self) -> str:
        """The code of a refusal: OpenAI's form or problem+json."""
        try:
            found = json.loads(self.text)
        except ValueError:
            return ""
        return str((found.get("error") or found).get("code", ""))


def ask(
    url: str, token: str = "", method: str = "GET", body: Any = None, wait: float = 30
) -> Answer:
    """Asks once, on a connection of its own."""
    headers = {"Content-Type": "application/json"} if body is not None else {}
    headers |= {"Authorization": f"Bearer {token}"} if token else {}
    data = None if body is None else json.dumps(body).encode()
    began = time.monotonic()
    try:
        with urllib.request.urlopen(
            urllib.request.Request(url, data, headers, method=method), timeout=wait
        ) as answer:
            text, status, found = answer.read().decode(), answer.status, answer.headers
    except urllib.error.HTTPError as error:
        with error:
            text, status, found = error.read().decode(), error.code, error.headers
    except (OSError, ValueError) as error:
        return Answer(0, time.monotonic() - began, repr(error), "", began)
    except Exception as error:  # noqa: BLE001 http.client's: a broken transfer
        return Answer(0, time.monotonic() - began, repr(error), "", began)
    return Answer(status, time.monotonic() - began, text, found.get("X-Request-ID") or "", began)


@dataclass
class Product:
    """The product's processes, started and stopped as often as a drill wants."""

    variables: dict[str, str] = field(repr=False)
    log: Path
    port: int = field(default_factory=free_port)
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(
        self,
        before: Sequence[str] = (),
        descriptors: int = 0,
        is_waited_for: bool = True,
        probe: str = "ready",
    ) -> float:
        """Starts it, and gives the seconds until it is ready. `before`: a command that starts it.
        `descriptors`: how many each process may have. `probe`: the one that is waited for.
        """

        def limit() -> None:
            if descriptors:
                resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, descriptors))

        began = time.monotonic()
        with self.log.open("ab") as file:
            self.process = subprocess.Popen(
                [*before, sys.executable, "-m", "backoffice.serve"],
                cwd=ROOT,
                env=self.variables | {"PORT": str(self.port)},
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                start_new_session=True,
                preexec_fn=limit,
            )
        if is_waited_for:
            eventually(lambda: self._answers(probe), START_SECONDS, f"the server: {probe}")
        return time.monotonic() - began

    def _answers(self, probe: str) -> bool:
        assert self.process
        promise(self.process.poll() is None, f"the server runs: {self.said[-2000:]}")
        return ask(f"{self.url}/health/{probe}", wait=5).status == 200

    @property
    def said(self) -> str:
        """What it has written."""
        return self.log.read_text(errors="replace")

    @property
    def workers(self) -> list[int]:
        """The processes of the workers."""
        assert self.process
        return tree(self.process.pid)[1:]

    def kill(self) -> None:
        """`kill -9` of all of its processes."""
        assert self.process
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        """Ends it as Ctrl-C does."""
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(40)
            except subprocess.TimeoutExpired:
                self.kill()


@dataclass
class Scene:
    """A running product, with a profile `drill` and a connection `written` to change."""

    place: Path
    database: str
    upstream: Upstream
    product: Product
    office: Office = None  # type: ignore[assignment]
    token: str = ""
    admin: str = ""
    another_process: ExitStack = field(default_factory=ExitStack)

    def end_office(self) -> None:
        """Ends the other process on the database, so that nobody but the product has it open."""
        self.another_process.close()

    def chat(self, model: str = "drill", token: str = "", wait: float = 30) -> Answer:
        """A chat at /v1."""
        body = {"model": model, "messages": [{"role": "user", "content": "How are you?"}]}
        url = f"{self.product.url}/v1/chat/completions"
        return ask(url, token or self.token, "POST", body, wait)

    def api(self, method: str, path: str, body: Any = None, wait: float = 30) -> Answer:
        """A request of an administrator to the API."""
        return ask(f"{self.product.url}/api/v1{path}", self.admin, method, body, wait)

    def ready(self) -> Answer:
        return ask(f"{self.product.url}/health/ready", wait=5)

    def failed_checks(self) -> set[str]:
        """What readiness says has failed; everything where it does not answer."""
        answer = self.ready()
        if not answer.text.startswith("{"):
            return {"no answer"}
        return {name for name, said in answer.body["checks"].items() if said != "ok"}

    def until_degraded(self, name: str, seconds: float = 10) -> float:
        """Seconds until readiness names this check as failed."""
        return eventually(
            lambda: name in self.failed_checks(), seconds, f"readiness tells that {name} failed"
        )[1]

    def until_well(self, seconds: float = 20) -> float:
        """Seconds until readiness says ok, and nothing else."""
        return eventually(
            lambda: self.ready().text.startswith('{"status": "ok"'), seconds, "all is well again"
        )[1]

    def manage(self, *words: str) -> "subprocess.CompletedProcess[str]":
        """Runs a command of manage.py on this database."""
        return subprocess.run(
            [sys.executable, "manage.py", *words],
            cwd=ROOT,
            env=self.product.variables,
            capture_output=True,
            text=True,
            check=False,
        )

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Asks the database itself."""
        if self.database.startswith("sqlite"):
            with sqlite3.connect(self.database.removeprefix("sqlite:///"), timeout=20) as file:
                return file.execute(sql).fetchall()
        with psycopg.connect(self.database) as server:
            return server.execute(sql).fetchall()  # type: ignore[arg-type]

    def recorded(self) -> set[str]:
        """The ids of the requests that have a usage record."""
        return {one for (one,) in self.query("SELECT request_id FROM gateway_usagerecord")}

    def until_recorded(self, answered: set[str], seconds: float = 20) -> float:
        """Seconds until each of these requests has its record."""

        def are_all_there() -> bool:
            return answered <= self.recorded()

        return eventually(are_all_there, seconds, f"{len(answered)} requests are recorded")[1]

    def name_of(self, alias: str) -> str:
        """The name of a connection, as the database has it."""
        sql = f"SELECT name FROM connections_connection WHERE alias = '{alias}'"
        return str(self.query(sql)[0][0])


@contextmanager
def scene(place: Path, database: str = "", **settings: str) -> Iterator[Scene]:
    """The product, started and filled, until the block ends. Without a database, on a file of
    SQLite in this place.
    """
    database = database or migrated(place / "drill.sqlite3")
    common = {"RUN_DUE": "true", "WEB_CONCURRENCY": "2", "STATIC_ROOT": str(place / "static")}
    variables = environment(database, **{**common, **settings})
    with ExitStack() as stack:
        upstream = stack.enter_context(Upstream())
        one = Scene(place, database, upstream, Product(variables, place / "log"))
        stack.callback(one.product.stop)
        one.product.start()
        one.office = one.another_process.enter_context(office(variables))
        stack.push(one.another_process)
        fill(one)
        yield one


def fill(one: Scene) -> None:
    """Connections, a profile and tokens."""
    settings = {"base_url": one.upstream.url, "api_key": KEY, "max_retries": 0}
    for alias in ("drill", "written", "switched"):
        one.office.connect(alias, **settings)
    one.office.profile("drill", "drill", "words")
    one.office.person("root", "Administrators")
    one.token, one.admin = one.office.token(USER), one.office.token("root", scopes=("admin",))

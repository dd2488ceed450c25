"""The running gateway of these tests: gunicorn as in production, an upstream with faults behind it,
another process beside it.
"""

import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit
from uuid import uuid4

import httpx2

from tests.connections.api.serving import Server, environment, running
from tests.databases import migrated, template

from .office import KEY, Office, office
from .upstream import Upstream

HELLO = [{"role": "user", "content": "How are you?"}]
Found = TypeVar("Found")
_numbers = count(1)


@dataclass
class Surroundings:
    """Everything around a gateway: another process on its database, and the service it asks.

    `token` is that of an operator, for the gateway alone.
    """

    office: Office
    upstream: Upstream
    variables: dict[str, str] = field(repr=False)
    token: str
    shared: dict[str, str] = field(default_factory=dict, kw_only=True)


@dataclass
class Gateway(Surroundings):
    """A server with two workers, unless it was made otherwise, and its surroundings."""

    server: Server
    client: httpx2.Client

    @property
    def url(self) -> str:
        return self.server.url

    @property
    def log(self) -> str:
        """What the server has written so far."""
        return self.server.log.read_text(errors="replace")

    def name(self) -> str:
        """An alias that nobody has."""
        return f"name-{next(_numbers)}"

    def connection(self, provider: str = "openai-compatible", **settings: Any) -> str:
        """A new connection to the upstream; its alias."""
        alias = self.name()
        common: dict[str, Any] = {"base_url": self.upstream.url, "api_key": KEY, "max_retries": 0}
        self.office.connect(
            alias,
            provider,
            **({**common, **settings} if provider.startswith("openai") else settings),
        )
        return alias

    def profile(self, model: str = "words", connection: str = "", **more: Any) -> str:
        """A new profile, on a new connection unless one is named; its alias.

        The model says how the upstream behaves.
        """
        alias = self.name()
        self.office.profile(alias, connection or self.connection(), model, **more)
        return alias

    def known(self, model: str, capability: str = "Chat") -> str:
        """A profile for this model that other tests use too, so nothing may be changed about it."""
        key = f"{model} {capability}"
        if key not in self.shared:
            self.shared[key] = self.profile(model, capability=capability)
        return self.shared[key]

    def echo(self, capability: str = "Chat") -> str:
        """A profile of the built-in provider, which is asked through its class and not by wire."""
        if f"echo {capability}" not in self.shared:
            self.shared[f"echo {capability}"] = self.profile(
                "echo-1", self.connection("echo"), capability=capability
            )
        return self.shared[f"echo {capability}"]

    def post(
        self, path: str, body: Any, token: str | None = None, **headers: str
    ) -> httpx2.Response:
        """One request. Bytes are sent as they are, the rest as JSON."""
        sent = {
            "content-type": "application/json",
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        if token != "":
            sent["authorization"] = f"Bearer {token or self.token}"
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.client.post(self.url + path, content=content, headers=sent)

    def chat(
        self, profile: str, token: str | None = None, messages: Any = HELLO, **fields: Any
    ) -> httpx2.Response:
        """A chat at /v1."""
        return self.post(
            "/v1/chat/completions", {"model": profile, "messages": messages, **fields}, token
        )

    def get(self, path: str, token: str | None = None) -> httpx2.Response:
        return self.client.get(
            self.url + path, headers={"Authorization": f"Bearer {token or self.token}"}
        )

    def record(self, profile: str, **wanted: Any) -> dict[str, Any]:
        """The usage record of the last request for a profile, once it is written."""
        found = eventually(lambda: self.office.records(profile_alias=profile, **wanted))
        return dict(found[-1])

    def records(self, profile: str, number: int) -> list[dict[str, Any]]:
        """All of them, as soon as there are so many."""
        return eventually(
            lambda: (
                found if len(found := self.office.records(profile_alias=profile)) >= number else []
            )
        )


def eventually(look: Callable[[], Found], seconds: float = 10) -> Found:
    """What `look` finds, as soon as it is something."""
    until = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < until, "it did not come"
        time.sleep(0.05)
    return found


@contextmanager
def database(place: Path) -> Iterator[str]:
    """The address of a database without rows: beside the one of this run where that is a server's,
    else a file.
    """
    given = os.environ.get("DATABASE_URL", "")
    if not given.startswith("postgres"):
        yield migrated(place / "gateway.sqlite3")
        return
    import psycopg

    name = f"switchboard_{uuid4().hex[:12]}"
    with psycopg.connect(given, autocommit=True) as server:
        server.execute(f"CREATE DATABASE {name} TEMPLATE {template()}")
        try:
            yield urlsplit(given)._replace(path=f"/{name}").geturl()
        finally:
            server.execute(f"DROP DATABASE {name} WITH (FORCE)")


@contextmanager
def surroundings(place: Path, **settings: str) -> Iterator[Surroundings]:
    """Everything around a gateway, with a database of its own."""
    cache = {name: os.environ[name] for name in ("CACHE_URL",) if os.environ.get(name)}
    with database(place) as address, Upstream() as upstream:
        variables = environment(
            address, **{"WEB_CONCURRENCY": "2", "LOG_LEVEL": "DEBUG", **cache, **settings}
        )
        with office(variables) as there:
            yield Surroundings(there, upstream, variables, there.token())


@contextmanager
def gateway(place: Path, **settings: str) -> Iterator[Gateway]:
    """A gateway with everything around it. In the end its log has no traceback."""
    with (
        surroundings(place, **settings) as around,
        another_server(around, place / "log", "--graceful-timeout=1") as one,
    ):
        yield one
    text = one.log
    assert "Traceback" not in text, text[text.index("Traceback") - 500 :][:5000]


@contextmanager
def another_server(
    one: Surroundings, log: Path, *options: str, **settings: str
) -> Iterator[Gateway]:
    """One more server on the same database, as on another host, with settings of its own."""
    variables = {**one.variables, **settings}
    with running(variables, log, *options) as server, httpx2.Client(timeout=30) as client:
        yield Gateway(
            one.office, one.upstream, variables, one.token, server, client, shared=one.shared
        )

"""A running server, and both clients under one face."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from switchboard import AsyncClient, Client
from tests.connections.api.serving import Served


class Awaited:
    """An asynchronous client's methods, each run to its end in one event loop."""

    def __init__(self, runner: asyncio.Runner, part: Any) -> None:
        self.runner, self.part = runner, part

    def __getattr__(self, name: str) -> Any:
        return lambda *args, **kwargs: self.runner.run(getattr(self.part, name)(*args, **kwargs))


class AwaitedClient:
    """An AsyncClient that is called like a Client."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.runner = asyncio.Runner()
        self.client = AsyncClient(*args, **kwargs)
        self.connections = Awaited(self.runner, self.client.connections)
        self.profiles = Awaited(self.runner, self.client.profiles)
        self.replacements = Awaited(self.runner, self.client.replacements)
        self.tokens = Awaited(self.runner, self.client.tokens)
        self.service_accounts = Awaited(self.runner, self.client.service_accounts)

    def __enter__(self) -> "AwaitedClient":
        return self

    def __exit__(self, *_: object) -> None:
        self.runner.run(self.client.aclose())
        self.runner.close()


@pytest.fixture(scope="session")
def reader(served: Served) -> str:
    """A token that may only read."""
    return served.reader


@pytest.fixture(params=[Client, AwaitedClient], ids=["sync", "async"])
def kind(request: pytest.FixtureRequest) -> Any:
    """Each client once."""
    return request.param


@pytest.fixture
def client(kind: Any, served: Served) -> Iterator[Any]:
    """A client that may do everything."""
    with kind(served.url, served.token) as made:
        yield made


@pytest.fixture
def sync_client(served: Served) -> Iterator[Client]:
    """The one client, for the many cases of what both do in `switchboard/calls.py`."""
    with Client(served.url, served.token) as made:
        yield made


@pytest.fixture
def name() -> str:
    """A name that nothing has, and that is no alias."""
    return f"my_{uuid4().hex[:12]}_connection"


def row(served: Served, name: str) -> dict[str, Any]:
    """What the API itself shows of a connection of this name."""
    rows = served.ask("GET", f"/connections?filter={name}")["items"]
    return dict(served.ask("GET", f"/connections/{rows[0]['id']}"))


def everything(value: BaseException) -> str:
    """All that an exception tells, and those behind it."""
    told = [f"{value!s} {value!r} {json.dumps(getattr(value, 'problem', {}))}"]
    return " ".join(told + [everything(one) for one in (value.__cause__, value.__context__) if one])

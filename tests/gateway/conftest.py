"""One running gateway for a whole run, because a start costs seconds.

Every test makes the rows it changes.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from .serving import Gateway, Surroundings, another_server, gateway, surroundings


@pytest.fixture(scope="session")
def gate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """The gateway with two workers, which pages of one other origin may call."""
    place, origins = tmp_path_factory.mktemp("gateway"), "https://chat.example"
    with gateway(place, GATEWAY_CORS_ORIGINS=origins) as one:
        yield one


@pytest.fixture(scope="module")
def apart(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Surroundings]:
    """The surroundings of servers that are ended. `gate` has profiles of every SDK, and a server
    that finds them loads those SDKs when it starts: some seconds.
    """
    with surroundings(tmp_path_factory.mktemp("apart")) as one:
        yield one


@pytest.fixture
def own(apart: Surroundings, tmp_path: Path) -> Iterator[Gateway]:
    """A server for one test, which may end it. It has six seconds to stop."""
    with another_server(apart, tmp_path / "log", GRACEFUL_TIMEOUT="6") as one:
        yield one

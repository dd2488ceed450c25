"""One running gateway for a whole run, because a start costs seconds.

Every test makes the rows it changes.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from .serving import Gateway, another_server, gateway


@pytest.fixture(scope="session")
def gate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """The gateway with two workers, which pages of one other origin may call."""
    place, origins = tmp_path_factory.mktemp("gateway"), "https://chat.example"
    with gateway(place, GATEWAY_CORS_ORIGINS=origins) as one:
        yield one


@pytest.fixture
def own(gate: Gateway, tmp_path: Path) -> Iterator[Gateway]:
    """A server for one test, which may end it, on the same database. It has six seconds to stop."""
    with another_server(gate, tmp_path / "log", GRACEFUL_TIMEOUT="6") as one:
        yield one

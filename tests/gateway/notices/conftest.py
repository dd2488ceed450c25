"""A connection whose calls fail when a test says so."""

from typing import Any

import pytest

from connections.models import Connection
from tests.fakes import connect


@pytest.fixture
def row(fake: Any) -> Connection:
    return connect(name="Main")

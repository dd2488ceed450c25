"""Callers of the API."""

from typing import Any

import pytest

from .api.calls import Api, token_of


@pytest.fixture
def api(administrator: Any) -> Api:
    """An administrator's program, with a token of every scope."""
    return Api(token_of(administrator))

"""Callers of the API, and passphrases that cost nothing."""

from typing import Any

import pytest

from connections.packages.format import sealing

from .api.calls import Api, token_of


@pytest.fixture
def api(administrator: Any) -> Api:
    """An administrator's program, with a token of every scope."""
    return Api(token_of(administrator))


@pytest.fixture
def cheap_passphrases(monkeypatch: pytest.MonkeyPatch) -> int:
    """Makes passphrases of packages cheap: as dear as they are, tests with them take minutes.

    Gives what they cost else.
    """
    cost = sealing.N
    monkeypatch.setattr(sealing, "N", 2**4)
    return cost

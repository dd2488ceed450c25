"""A program that speaks to the prefix of Umbraco.AI's client."""

import importlib
from collections.abc import Iterator
from typing import Any

import pytest
from django.urls import clear_url_caches

import backoffice.urls
from tests.connections.api.calls import Api, token_of
from tests.teams.conftest import teams  # noqa: F401 a fixture

PREFIX = "umbraco/ai/management/api/v1"


@pytest.fixture
def prefix(settings: Any) -> Iterator[str]:
    """The addresses under Umbraco.AI's prefix."""
    settings.API_EXTRA_PREFIXES = [PREFIX]
    importlib.reload(backoffice.urls)
    clear_url_caches()
    yield f"/{PREFIX}"
    settings.API_EXTRA_PREFIXES = []
    importlib.reload(backoffice.urls)
    clear_url_caches()


@pytest.fixture
def api(administrator: Any) -> Api:
    """An administrator's program at our own addresses."""
    return Api(token_of(administrator))


@pytest.fixture
def umbraco(api: Api, prefix: str) -> Api:
    """The same under the prefix."""
    return Api(api.token, prefix=prefix)

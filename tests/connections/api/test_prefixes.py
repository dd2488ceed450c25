"""API_EXTRA_PREFIXES: the same routes a second time, so that a client of Umbraco.AI finds its
paths. What has another shape there is in tests/gateway/umbraco.
"""

import importlib
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import clear_url_caches

import backoffice.urls
from connections.models import Connection

from .calls import Api, problem

pytestmark = pytest.mark.django_db
PREFIX = "umbraco/ai/management/api/v1"
USAGE = "/analytics/usage-summary?from=2026-01-01&to=2026-01-02"


@pytest.fixture
def umbraco(api: Api, settings: Any) -> Iterator[Api]:
    """The same caller, under Umbraco's prefix."""
    settings.API_EXTRA_PREFIXES = [PREFIX]
    importlib.reload(backoffice.urls)
    clear_url_caches()
    yield Api(api.token, prefix=f"/{PREFIX}")
    settings.API_EXTRA_PREFIXES = []
    importlib.reload(backoffice.urls)
    clear_url_caches()


def test_there_is_no_other_prefix_by_itself(settings: Any):
    assert settings.API_EXTRA_PREFIXES == []
    assert Client().get(f"/{PREFIX}/connections").status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        "/connections",
        "/connections/production",
        "/profiles",
        "/connections/production/usages",
        USAGE,
    ],
)
def test_the_same_is_served_under_another_prefix(
    api: Api, umbraco: Api, connection: Connection, path: str
):
    assert umbraco.read(path) == api.read(path)


def test_a_new_thing_is_where_it_was_made(umbraco: Api):
    response = umbraco.post("/connections", {"alias": "echo", "name": "Echo", "providerId": "echo"})
    assert response["Location"] == f"/{PREFIX}/connections/{response.json()['id']}"
    assert (
        umbraco.client.get(
            response["Location"], headers={"authorization": f"Bearer {umbraco.token}"}
        ).status_code
        == 200
    )


def test_a_program_changes_and_deletes_under_another_prefix(umbraco: Api, connection: Connection):
    assert umbraco.put(f"/connections/{connection.pk}", {"name": "N"}).status_code == 200
    assert umbraco.delete(f"/connections/{connection.pk}").status_code == 200


def test_errors_are_problems_there_too(umbraco: Api):
    for path in ("/", "/nothing", "/connections/a/b"):
        assert problem(umbraco.get(path), 404)["code"] == "not_found"
    problem(umbraco("DELETE", "/connections"), 405)
    problem(Api("wrong", prefix=umbraco.prefix).get("/connections"), 401)


def test_the_description_names_one_prefix_only(umbraco: Api):
    assert PREFIX not in umbraco.get("/schema?format=json", accept="*/*").text

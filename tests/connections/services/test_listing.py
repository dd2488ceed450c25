"""One rule for what a list holds: the page, the API and the command find the same rows."""

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client

from connections import services
from connections.models import Connection, Profile
from tests.connections.api.calls import Api, token_of
from tests.fakes import REFUSED, connect, profile_of, reload
from tests.people import browser

pytestmark = [pytest.mark.django_db, pytest.mark.server]


@pytest.fixture
def page(administrator: Any) -> Client:
    return browser(administrator)


@pytest.fixture
def api(administrator: Any) -> Api:
    return Api(token_of(administrator))


@pytest.fixture
def several(fake: Any) -> list[Connection]:
    """Connections of every health, and two whose names say nothing of their aliases."""
    rows = [
        connect(name="Berlin", alias="north", tags=["eu", "größe"]),
        connect(name="amsterdam", alias="south", tags=["eu"], is_active=False),
        connect(name="100% north", alias="east"),
        connect("echo", name="Echo", alias="west", settings={}),
    ]
    services.test_connection(rows[0], actor=None)
    services.test_connection(rows[2], actor=None)
    services.update_connection(reload(rows[2]), actor=None, settings={"api_key": "fk-another"})
    fake.answer = REFUSED
    services.test_connection(rows[1], actor=None)
    return rows


@pytest.fixture
def profiles(several: list[Connection]) -> list[Profile]:
    return [
        profile_of(several[0], name="Answers", alias="first", tags=["eu"]),
        profile_of(several[0], name="Talk", model="first-model", is_active=False),
        profile_of(several[3], name="Vectors", model="echo-embedding-1", capability="Embedding"),
    ]


def shown(page: Client, path: str) -> list[str]:
    """The names on the page of a list, in its order."""
    return [row.name for row in page.get(path).context["page"]]


ALIKE = [
    ("", "", ["100% north", "amsterdam", "Berlin", "Echo"]),
    ("q=BER", "filter=BER", ["Berlin"]),
    ("q=NORTH", "filter=NORTH", ["100% north", "Berlin"]),
    ("q=%25", "filter=%25", ["100% north"]),
    ("q=+south+", "filter=+south+", ["amsterdam"]),
    ("provider=echo", "providerId=echo", ["Echo"]),
    ("status=active&tag=eu", "isActive=true&tag=eu", ["Berlin"]),
    ("status=inactive", "isActive=false", ["amsterdam"]),
    ("tag=größe", "tag=größe", ["Berlin"]),
    ("tag=GRÖSSE", "tag=GRÖSSE", ["Berlin"]),
    ("tag=grosse", "tag=grosse", []),
    ("health=ok", "health=ok", ["Berlin"]),
    ("health=failed", "health=failed", ["amsterdam"]),
    ("health=stale", "health=stale", ["100% north"]),
    ("health=never", "health=never", ["Echo"]),
    (
        "sort=-name",
        "orderBy=name&orderDirection=desc",
        ["Echo", "Berlin", "amsterdam", "100% north"],
    ),
    ("sort=provider", "orderBy=providerId", ["Echo", "100% north", "amsterdam", "Berlin"]),
]


@pytest.mark.parametrize(("on_page", "by_api", "expected"), ALIKE, ids=[one[0] for one in ALIKE])
def test_page_and_api_find_the_same_connections(
    several: Any, page: Client, api: Api, on_page: str, by_api: str, expected: list[str]
):
    assert shown(page, f"/connections/?{on_page}") == expected
    assert api.names(f"/connections?{by_api}") == expected


PROFILES_ALIKE = [
    ("", "", ["Answers", "Talk", "Vectors"]),
    ("q=FIRST", "filter=FIRST", ["Answers", "Talk"]),
    ("connection=north", "connection=north", ["Answers", "Talk"]),
    ("capability=Embedding", "capability=Embedding", ["Vectors"]),
    ("status=inactive", "isActive=false", ["Talk"]),
    ("tag=eu", "tag=eu", ["Answers"]),
    ("sort=-modified", "orderBy=dateModified&orderDirection=desc", ["Vectors", "Talk", "Answers"]),
]


@pytest.mark.parametrize(
    ("on_page", "by_api", "expected"), PROFILES_ALIKE, ids=[one[0] for one in PROFILES_ALIKE]
)
def test_page_and_api_find_the_same_profiles(
    profiles: Any, page: Client, api: Api, on_page: str, by_api: str, expected: list[str]
):
    assert shown(page, f"/profiles/?{on_page}") == expected
    assert api.names(f"/profiles?{by_api}") == expected


def test_an_id_is_found_by_page_and_api(several: list[Connection], page: Client, api: Api):
    assert shown(page, f"/connections/?q={several[3].pk}") == ["Echo"]
    assert api.names(f"/connections?filter={several[3].pk}") == ["Echo"]


def test_the_command_lists_in_the_order_of_the_page(several: Any, page: Client):
    out = StringIO()
    call_command("connection", "list", stdout=out)
    names = [one["name"] for one in json.loads(out.getvalue())]
    assert names == shown(page, "/connections/")


def test_the_api_refuses_a_health_that_there_is_not(api: Api):
    response = api.get("/connections?health=fine")
    assert response.status_code == 400
    assert [one["pointer"] for one in response.json()["errors"]] == ["/health"]

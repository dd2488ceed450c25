"""Lists by cursor: what was there all the time is there once, whatever comes and goes."""

from itertools import product
from typing import Any

import pytest

from connections import services
from connections.models import Connection
from tests.fakes import connect, profile_of

from .calls import Api, errors, problem

pytestmark = [pytest.mark.django_db, pytest.mark.server]


@pytest.fixture
def rows(fake: Any) -> list[Connection]:
    return [connect(name=f"Row {number:02}") for number in range(12)]


def follow(api: Api, path: str, between: Any = lambda: None) -> list[str]:
    """The names of all pages of a list; `between` is done after the first."""
    page = api.read(path)
    names = [one["name"] for one in page["items"]]
    between()
    while "next" in page:
        page = api.read(f"{path}&after={page['next']}")
        names += [one["name"] for one in page["items"]]
    return names


ORDERS = ["name", "alias", "providerId", "isActive", "dateCreated", "dateModified"]


def test_pages_make_up_the_whole_list(api: Api, rows: Any):
    services.set_active(rows[3], False, actor=None)
    for order, direction in product(ORDERS, ("asc", "desc")):
        path = f"/connections?orderBy={order}&orderDirection={direction}"
        assert follow(api, f"{path}&take=5") == api.names(path), path


def test_pages_of_profiles_make_up_the_whole_list(api: Api, rows: Any):
    for row in rows:
        profile_of(row, name=f"of {row.name}")
    for order in ("name", "alias", "capability", "dateCreated", "dateModified"):
        path = f"/profiles?orderBy={order}"
        assert follow(api, f"{path}&take=5") == api.names(path), path


@pytest.mark.parametrize("order", ["name", "dateCreated"])
def test_nothing_is_missing_or_comes_twice_while_rows_come_and_go(api: Api, rows: Any, order: str):
    def come_and_go() -> None:
        for row in rows[:5]:  # the cursor's own among them
            services.delete_connection(row, actor=None)
        connect(name="A new one")

    names = follow(api, f"/connections?orderBy={order}&take=5", come_and_go)
    assert [one for one in names if one.startswith("Row")] == [row.name for row in rows]


def test_usages_and_capabilities_have_pages_too(api: Api, rows: Any):
    for number in range(3):
        profile_of(rows[0], name=f"Profile {number}")
    assert len(follow(api, f"/connections/{rows[0].pk}/usages?take=2")) == 3
    assert len(follow(api, "/connections/capabilities/Chat?take=5")) == 12


def test_a_page_tells_how_many_there_are_in_all(api: Api, rows: Any):
    first = api.read("/connections?take=5")
    second = api.read(f"/connections?take=5&after={first['next']}")
    assert first["total"] == second["total"] == 12 and len(second["items"]) == 5


def test_the_last_page_names_no_next(api: Api, rows: Any):
    assert "next" not in api.read("/connections?take=12")
    assert "next" in api.read("/connections?take=11")


@pytest.mark.parametrize("cursor", ["", "x", "0", "WyJhIl0:1vO0Q4:abc", "%F0%9F%98%80"])
def test_what_is_not_a_cursor_is_refused(api: Api, rows: Any, cursor: str):
    response = api.get(f"/connections?after={cursor}")
    assert errors(response) == {"/after": "bad_cursor"}
    assert "Begin again without after" in problem(response, 400)["detail"]


def test_a_cursor_is_for_its_list_and_its_order(api: Api, rows: Any):
    profile_of(rows[0])
    cursor = api.read("/connections?take=5&orderBy=dateCreated")["next"]
    for path in ("/connections?orderBy=name", "/profiles?orderBy=dateCreated"):
        assert errors(api.get(f"{path}&after={cursor}")) == {"/after": "bad_cursor"}
    assert errors(api.get(f"/connections?orderBy=dateCreated&after={cursor[:-1]}")) == {
        "/after": "bad_cursor"
    }


def test_after_and_skip_exclude_each_other(api: Api, rows: Any):
    cursor = api.read("/connections?take=5")["next"]
    assert errors(api.get(f"/connections?skip=1&after={cursor}")) == {"/after": "invalid"}


def test_a_name_is_asked_for_exactly(api: Api, rows: Any):
    profile_of(rows[0], name="Answers")
    assert api.names("/connections?name=Row%2003") == ["Row 03"]
    assert api.names("/connections?name=row%2003") == api.names("/profiles?name=answers") == []
    assert api.names("/profiles?name=Answers") == ["Answers"]


def test_a_refusal_says_its_sentence_once(api: Api, fake: Any):
    body = {"name": "A\u200b", "alias": "a", "providerId": "fake", "tags": ["x\u200b"]}
    refused = problem(api.post("/connections", body | {"settings": {"apiKey": "k"}}), 400)
    assert len(refused["errors"]) == 2 and refused["detail"].count("The name has") == 1


@pytest.mark.parametrize(
    "path",
    [
        "/connections?search=x",
        "/profiles?connectionID=x",
        "/providers?filter=x",
        "/connections/capabilities/Chat?filter=x",
        "/analytics/usage-records?from=2026-01-01T00:00:00Z&to=2026-01-02T00:00:00Z&profil=x",
    ],
)
def test_a_parameter_that_a_list_does_not_have_is_refused(api: Api, path: str):
    (error,) = problem(api.get(path), 400)["errors"]
    assert error["code"] == "unknown_parameter" and "no such parameter" in error["detail"]

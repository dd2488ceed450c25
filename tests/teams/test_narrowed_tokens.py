"""A token that is narrowed to a team, or to tags, does not get out of that."""

import re
from functools import cache
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import resolve

from backoffice.people.service_accounts.services import add_service_account
from connections.models import Connection
from connections.services import Scope, delete_connection, set_member
from tests.fakes import connect

from .conftest import Teams
from .rows import token_of
from .test_table import operations

pytestmark = pytest.mark.django_db

# What a narrowed token keeps of the rights that an operation names: docs/teams.md.
KEPT = re.compile(r"_(connection|profile|connectioncheck|usagerecord)$|view_defaultprofile$")


@cache
def operations_of_all() -> list[tuple[str, str]]:
    """The operations of the API that take another right, with their addresses."""
    return [
        (method, route)
        for route, methods in operations()
        for method in methods
        if not KEPT.search(_right(method, route))
    ]


def _right(method: str, route: str) -> str:
    """The right that an operation takes; of one that says none, such as to undo: one that all
    keep, because what it is about decides.
    """
    view: Any = resolve("/" + re.sub("<[^>]*>", "1", route)).func
    return view.view_class.access[method][1] or "connections.view_connection"


@pytest.fixture(params=["team", "tags", "team of a superuser"])
def narrowed(request: Any, teams: Teams) -> Any:
    """Asks the API with an administrator's token that is narrowed."""
    of = {"tags": ["mine"]} if request.param == "tags" else {"team": teams.a}
    user = teams.people["global administrator"]
    if "superuser" in request.param:
        user.is_superuser = True
        user.save()
    _, text = token_of(user, scopes=[*Scope], **of)
    client = Client(headers={"Authorization": f"Bearer {text}"})

    def ask(method: str, path: str, **body: Any) -> Any:
        sent = () if method == "GET" else (body, "application/json")
        return getattr(client, method.lower())(f"/api/v1/{path}", *sent)

    return ask


def test_it_is_refused_what_belongs_to_all(narrowed: Any, teams: Teams):
    """Of its own team and person too, and of a row that it may change."""
    row = connect(name="Its own", team=teams.a, tags=["mine"])
    named = {"teams": teams.a.name, "members": "sten", "connections": row.alias}
    wrong = []
    for method, route in operations_of_all():
        words = route.split("/")
        kinds = {at: named.get(words[at - 1], "1") for at, one in enumerate(words) if "<" in one}
        path = "/".join(kinds.get(at, one) for at, one in enumerate(words))
        answer = narrowed(method, path.removeprefix("api/v1/"), name="Mine", role="administrator")
        if answer.status_code != 403:
            wrong.append(f"{method} {path}: {answer.status_code} {answer.content!r}")
    assert not wrong, "\n".join(wrong)
    assert len(operations_of_all()) > 40


@pytest.mark.parametrize("is_own", [True, False])
def test_it_undoes_only_what_it_is_for(narrowed: Any, teams: Teams, is_own: bool):
    user = teams.people["global administrator"]
    row = connect(name="It", team=teams.a if is_own else teams.b, tags=["mine"] if is_own else [])
    delete_connection(row, actor=user)
    assert bool(narrowed("GET", "undo").json()["last"]) is is_own
    assert narrowed("POST", "undo").status_code == (200 if is_own else 409)
    assert Connection.every.filter(pk=row.pk).exists() is is_own


def test_it_reads_notices_and_its_persons_tokens_alone(narrowed: Any, teams: Teams):
    token_of(teams.people["viewer"], "of-another")
    assert narrowed("GET", "notices").status_code == 200
    answer = narrowed("GET", "tokens")
    assert answer.status_code == 403 or "of-another" not in answer.content.decode()


def test_it_works_with_rows_all_the_same(narrowed: Any, teams: Teams):
    row = connect(name="Its own", team=teams.a, tags=["mine"])
    assert narrowed("PATCH", f"connections/{row.alias}", name="Renamed").status_code == 200
    assert Connection.every.get(pk=row.pk).name == "Renamed"


def test_a_shared_profile_does_not_tell_its_connection(teams: Teams):
    connection, profile = teams.rows["used"]
    connection.shares.all().delete()
    own = Client()
    own.force_login(teams.people["operator"])
    assert own.get(f"/api/v1/profiles?connection={connection.alias}").json()["total"] == 0
    assert own.get(f"/api/v1/profiles?filter={profile.alias}").json()["total"] == 1
    page = own.get("/profiles/add/chat/").content.decode()
    assert profile.name in page and connection.name not in page


def test_a_reference_of_another_team_is_not_found(teams: Teams, settings: Any):
    settings.CONNECTIONS_REFERENCE_SECTIONS = ["Zqb"]
    connect(name="Theirs", team=teams.b, settings={"api_key": "$Zqb:Hidden"})
    client = Client()
    client.force_login(teams.people["operator"])
    assert b"$Zqb" not in client.get("/find/?q=zqb").content
    client.force_login(teams.people["global administrator"])
    assert b"$Zqb" in client.get("/find/?q=zqb").content


def test_a_service_account_of_another_team_is_as_one_that_is_not_there(teams: Teams):
    account = add_service_account(
        "zqb-svc", contact="x@example.com", role=Group.objects.get(name="Viewers"), actor=None
    )
    set_member(teams.b, account.user, "operator", actor=None)
    client = Client()
    client.force_login(teams.people["administrator"])
    said = []
    for name in ("zqb-svc", "nobody"):
        body = {"name": "h", "scopes": ["gateway:use"], "team": teams.a.name}
        body["serviceAccount"] = name
        answer = client.post("/api/v1/tokens", body, "application/json")
        said.append((answer.status_code, answer.json()["errors"]))
    assert said[0] == said[1] and said[0][0] == 400

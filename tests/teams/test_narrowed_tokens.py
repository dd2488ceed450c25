"""A token that is narrowed to a team, or to tags, does not get out of that."""

from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.test import Client

from backoffice.people.service_accounts.services import add_service_account
from connections.models import Connection
from connections.services import set_member
from tests.fakes import connect

from .conftest import Teams
from .rows import token_of

pytestmark = pytest.mark.django_db

OF_ALL = [  # what would give back what the token lacks
    ("GET", "service-accounts"),
    ("POST", "service-accounts"),
    ("GET", "teams/{b}"),
    ("GET", "teams/{b}/members"),
    ("PUT", "teams/{b}/members/sten"),
    ("PATCH", "teams/{b}"),
    ("DELETE", "teams/{b}"),
    ("POST", "teams"),
    ("POST", "trusted-issuers"),
    ("GET", "notice-targets"),
    ("PUT", "settings"),
    ("GET", "host-approvals/00000000-0000-0000-0000-000000000000"),
    ("PATCH", "host-approvals/00000000-0000-0000-0000-000000000000"),
    ("POST", "tokens"),
]


@pytest.fixture(params=["team", "tags"])
def narrowed(request: Any, teams: Teams) -> Any:
    """Asks the API with an administrator's token that is narrowed."""
    of = {"team": teams.a} if request.param == "team" else {"tags": ["mine"]}
    _, text = token_of(teams.people["global administrator"], scopes=["admin"], **of)
    client = Client(headers={"Authorization": f"Bearer {text}"})

    def ask(method: str, path: str, **body: Any) -> Any:
        sent = () if method == "GET" else (body, "application/json")
        return getattr(client, method.lower())(f"/api/v1/{path}", *sent)

    return ask


@pytest.mark.parametrize(("method", "path"), OF_ALL)
def test_it_is_refused_what_belongs_to_all(narrowed: Any, teams: Teams, method: str, path: str):
    answer = narrowed(method, path.format(b=teams.b.name), name="Mine", role="administrator")
    assert answer.status_code in (403, 404, 405), answer.content


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

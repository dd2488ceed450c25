"""How many queries teams cost: none where there are none, and none for more of them."""

from typing import Any

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext

from connections import services
from connections.models import Connection, Profile, Team
from tests.connections.api.calls import Api, token_of
from tests.fakes import connect, profile_of
from tests.people import browser, person

pytestmark = pytest.mark.django_db
ADDRESSES = ("/", "/connections/", "/profiles/", "/find/?q=made", "/connections/{pk}/")


def queries(ask: Any) -> int:
    """The queries of one answer, the second one, so that what is kept in a process is there."""
    ask()
    with CaptureQueriesContext(database) as found:
        assert ask().status_code == 200
    return len(found)


def counted(client: Any, api: Api, row: Connection) -> dict[str, int]:
    """The queries of each page, and of both lists of the API."""
    found = {one: queries(lambda one=one: client.get(one.format(pk=row.pk))) for one in ADDRESSES}
    lists = ("/connections", "/profiles")
    return found | {f"api{one}": queries(lambda one=one: api.get(one)) for one in lists}


def rows(number: int, team: Any = None) -> list[Connection]:
    """Connections with a profile each."""
    made = [connect(name=f"made {one}", team=team) for one in range(number)]
    for row in made:
        profile_of(row, team=team)
    return made


def test_teams_cost_no_query_each(fake: Any):
    user = person("olaf", "Operators")
    client, api = browser(user), Api(token_of(user))
    row = rows(6)[0]
    without = counted(client, api, row)
    team = services.create_team("A", actor=None)
    services.set_member(team, user, "operator", actor=None)
    services.move_to_team([*Connection.every.all()], team, actor=None, with_profiles=True)
    of_one = counted(client, api, row)
    for number, one in enumerate(Connection.every.exclude(pk=row.pk)):
        other = services.create_team(f"B{number}", actor=None)
        services.set_member(other, user, "viewer", actor=None)
        services.move_to_team([one], other, actor=None, with_profiles=True)
    Team.objects.bulk_create(Team(name=f"C{number}") for number in range(50))
    of_many = counted(client, api, row)
    assert of_many == of_one
    more = {one: of_one[one] - without[one] for one in without}
    # of a list: the teams of its rows, those to choose from, their views, what a row may not tell
    assert {one: number for one, number in more.items() if number > 4} == {}
    assert more["api/connections"] == 1


def test_without_teams_no_query_knows_of_them(fake: Any):
    user = person("olaf", "Operators")
    row = rows(2)[0]
    client = browser(user)
    for address in ADDRESSES:
        client.get(address.format(pk=row.pk))
        with CaptureQueriesContext(database) as found:
            client.get(address.format(pk=row.pk))
        filtered = [one["sql"] for one in found if '"team_id" IS NULL' in one["sql"]]
        assert not filtered, address
        assert sum("connections_team" in one["sql"] for one in found) <= 1  # with the rights


def test_profiles_and_connections_have_no_filter_for_who_sees_all(fake: Any, administrator: Any):
    services.create_team("A", actor=None)
    rows(1)
    with CaptureQueriesContext(database) as found:
        browser(administrator).get("/connections/")
    assert Profile.every.exists() and not [
        one for one in found if '"team_id" IS NULL' in one["sql"]
    ]

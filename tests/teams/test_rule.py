"""The rule of docs/teams.md as one table: who may what with what, asked of `may`, and of the rows
that are there for them.
"""

from typing import Any

import pytest
from django.contrib.auth.models import User

from connections import services
from connections.models import ApiToken, Connection, ConnectionCheck, Profile
from connections.services import may, share
from connections.standing import viewer_of
from connections.viewing import viewing
from tests.people import person

from .conftest import Teams

pytestmark = [pytest.mark.django_db, pytest.mark.server]

# The acts on a connection: view, use (a test), change, delete, and manage its shares.
ACTS = {
    "v": "connections.view_connection",
    "u": "connections.test_connection",
    "c": "connections.change_connection",
    "d": "connections.delete_connection",
    "m": "connections.manage_teams",
    "e": "connections.export_secrets",
}
#                        of all  own     foreign seen    used
TABLE = {
    "viewer":               ("v",      "v",      "",       "v",      "v"),
    "operator":             ("vu",     "vuc",    "",       "v",      "vu"),
    "administrator":        ("vu",     "vucdm",  "",       "v",      "vu"),
    "global viewer":        ("v",      "",       "",       "",       ""),
    "global operator":      ("vuc",    "",       "",       "",       ""),
    "global administrator": ("vucdme", "vucdme", "vucdme", "vucdme", "vucdme"),
    "stranger":             ("",       "",       "",       "",       ""),
}  # fmt: skip
# The same by a token that is narrowed to team a.
NARROWED = {
    "viewer":               ("v",      "v",      "",       "v",      "v"),
    "operator":             ("vu",     "vuc",    "",       "v",      "vu"),
    "administrator":        ("vu",     "vucd",   "",       "v",      "vu"),
    "operator of both":     ("vu",     "vuc",    "",       "v",      "vu"),
    "global operator":      ("vuc",    "",       "",       "",       ""),
    "global administrator": ("vucd",   "vucd",   "",       "v",      "vu"),
    "superuser":            ("vucd",   "vucd",   "",       "v",      "vu"),
    "stranger":             ("",       "",       "",       "",       ""),
}  # fmt: skip
ROWS = ("of all", "own", "foreign", "seen", "used")


def fresh(user: Any) -> Any:
    """The person as a request finds them."""
    return User.objects.get(pk=user.pk)


def cells(actor: Any, teams: Teams) -> tuple[str, ...]:
    """What somebody may do with each row."""
    return tuple(
        "".join(key for key, act in ACTS.items() if may(actor, act, teams.rows[row][0]))
        for row in ROWS
    )


def test_who_may_what(teams: Teams):
    found = {name: cells(fresh(user), teams) for name, user in teams.people.items()}
    assert found == TABLE


def test_what_a_token_leaves_of_it(teams: Teams):
    teams.people |= {"operator of both": person("bo"), "superuser": person("su", is_superuser=True)}
    for team in (teams.a, teams.b):
        services.set_member(team, teams.people["operator of both"], "operator", actor=None)
    found = {}
    for name in NARROWED:
        actor = fresh(teams.people[name])
        actor.token = ApiToken(team=teams.a)
        found[name] = cells(actor, teams)
    assert found == NARROWED


def test_who_sees_what(teams: Teams):
    for row in teams.rows.values():
        services.test_connection(row[0], actor=None)
    for name, cells in TABLE.items():
        wanted = {row for row, acts in zip(ROWS, cells, strict=True) if "v" in acts}
        # whoever may view nothing at all is refused by each page; shared rows are not hidden
        wanted |= {"of all"}
        with viewing(viewer_of(fresh(teams.people[name]))):
            connections = set(Connection.objects.values_list("name", flat=True))
            profiles = set(Profile.objects.values_list("name", flat=True))
            checks = set(ConnectionCheck.objects.values_list("connection__name", flat=True))
            assert Connection.every.count() == len(ROWS) and Profile.every.count() == len(ROWS)
        assert connections == checks == {f"Connection {one}" for one in wanted}, name
        assert profiles == {f"Profile {one}" for one in wanted}, name


def test_nobody_who_looks_leaves_nothing_out(teams: Teams):
    assert Connection.objects.count() == len(ROWS)


def test_a_right_in_a_team_opens_pages_and_no_foreign_rows(teams: Teams):
    operator = fresh(teams.people["operator"])
    assert operator.has_perm("connections.add_connection")
    assert may(operator, "connections.add_connection", Connection(team=teams.a))
    for team in (None, teams.b):
        assert not may(operator, "connections.add_connection", Connection(team=team))


@pytest.mark.parametrize("level", ["see", "use"])
def test_a_share_gives_no_more_than_the_role(teams: Teams, level: str):
    row = teams.rows["foreign"][1]
    share(row, teams.a, level, actor=None)
    viewer, operator = (fresh(teams.people[one]) for one in ("viewer", "operator"))
    use = "connections.use_profile"
    assert may(viewer, "connections.view_profile", row) and not may(viewer, use, row)
    assert may(operator, use, row) is (level == "use")


def test_everything_takes_one_query_of_a_person(teams: Teams, django_assert_num_queries: Any):
    user = fresh(teams.people["operator"])
    with django_assert_num_queries(2), viewing(viewer_of(user)):
        assert user.has_perm("connections.view_connection")
        assert len(Connection.objects.listed()) == 4
        assert may(user, "connections.change_connection", teams.rows["own"][0])

"""What is undone comes back to its team, and never to where it may not be any more."""

from typing import Any

import pytest
from django.contrib.auth.models import User

from connections import services
from connections.models import Connection, Profile
from connections.services import NotUndone

from .conftest import Teams

pytestmark = pytest.mark.django_db


def fresh(user: Any) -> Any:
    """The person as a request finds them."""
    return User.objects.get(pk=user.pk)


def test_a_deletion_that_is_undone_brings_team_and_shares_back(teams: Teams):
    boss = fresh(teams.people["administrator"])
    profile = teams.rows["own"][1]
    services.share(profile, teams.b, "use", actor=boss)
    services.delete_profile(profile, actor=boss)
    services.undo_last_act(boss)
    back = Profile.every.get(pk=profile.pk)
    assert (back.team, [one.team for one in services.shares_of(back)]) == (teams.a, [teams.b])


def test_a_change_is_not_undone_onto_a_connection_that_is_not_shared_any_more(teams: Teams):
    operator, used = fresh(teams.people["operator"]), teams.rows["used"][0]
    mine = teams.rows["own"]
    profile = services.create_profile(
        used, actor=operator, capability="Chat", name="x", model="m", team=teams.a
    ).row
    services.update_profile(profile, actor=operator, connection=mine[0])
    services.unshare(used, teams.a, actor=None)
    with pytest.raises(NotUndone, match="another team"):
        services.undo_last_act(operator)
    with pytest.raises(services.Invalid, match="another team"):
        services.move_profiles(mine[0], used, actor=None)


def test_who_left_a_team_undoes_nothing_there(teams: Teams):
    operator, row = fresh(teams.people["operator"]), teams.rows["own"][0]
    services.set_active(row, False, actor=operator)
    services.remove_member(teams.a, operator, actor=None)
    with pytest.raises(services.MissingRight):
        services.undo_last_act(fresh(operator))
    assert not Connection.every.get(pk=row.pk).is_active


@pytest.mark.parametrize("act", ["change", "toggle", "delete", "copy", "tag", "test", "export"])
def test_services_ask_for_the_right_on_the_row(teams: Teams, act: str):
    """No surface is asked here: whoever is handed a row all the same may do nothing with it."""
    operator = fresh(teams.people["operator"])
    before = list(Connection.every.order_by("pk").values_list("version", "is_active", "tags"))
    for name in ("foreign", "seen"):
        row = teams.rows[name][0]
        acts: dict[str, Any] = {
            "change": lambda row=row: services.update_connection(row, actor=operator, name="x"),
            "toggle": lambda row=row: services.set_active(row, False, actor=operator),
            "delete": lambda row=row: services.delete_connection(row, actor=operator),
            "copy": lambda row=row: services.duplicate_connection(row, actor=operator),
            "tag": lambda row=row: services.retag([row], add=["x"], actor=operator),
            "test": lambda row=row: services.test_connection(row, actor=operator),
            "export": lambda row=row: services.http_client(row.alias, actor=operator),
        }
        if act == "copy" and name == "seen":
            copy = services.duplicate_connection(row, actor=operator).row
            assert copy.team == teams.a and copy.lacking == ["api_key"]  # no secret comes along
            copy.delete()
            continue
        with pytest.raises(services.MissingRight):
            acts[act]()
    after = list(Connection.every.order_by("pk").values_list("version", "is_active", "tags"))
    assert after == before

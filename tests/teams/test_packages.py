"""Packages and teams: what is exported, into which team an import goes, what it may not know."""

import json
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import SimpleUploadedFile

from connections import services
from connections.models import Connection, Profile
from connections.packages import services as packages
from connections.standing import viewer_of
from connections.viewing import viewing
from tests.fakes import connect, profile_of
from tests.people import browser

from .conftest import Teams

pytestmark = pytest.mark.django_db
Decisions = packages.Decisions


def fresh(user: Any) -> Any:
    """The person as a request finds them."""
    return User.objects.get(pk=user.pk)


def exported(user: Any, *names: str) -> bytes:
    """A package of all that somebody sees, or of connections with these names."""
    actor = fresh(user)
    with viewing(viewer_of(actor)):
        rows = Connection.objects.filter(name__in=names) if names else Connection.objects.all()
        profiles = Profile.objects.filter(connection__in=rows)
        return packages.export_package(list(rows), list(profiles), actor=actor)


def planned(user: Any, content: bytes, **more: Any) -> dict[str, packages.PlanItem]:
    """The plan of an import by somebody, its items by kind and name."""
    actor = fresh(user)
    with viewing(viewer_of(actor)):
        plan = packages.plan_import(content, actor=actor, **more)
    return {f"{one.kind} {one.name}": one for one in plan.items}


def imported(user: Any, content: bytes, **more: Any) -> packages.Plan:
    """An import by somebody."""
    actor = fresh(user)
    with viewing(viewer_of(actor)):
        return packages.import_package(content, actor=actor, **more)


def opened(content: bytes) -> str:
    """Everything in a package, as the operator of the machine is told of it."""
    plan = packages.plan_import(content, actor=None, decisions=Decisions(on_conflict="keep"))
    return json.dumps([[one.kind, one.name] for one in plan.items]) + " ".join(plan.notes)


def test_an_export_has_what_is_one_s_own_and_says_what_it_leaves_out(teams: Teams):
    text = opened(exported(teams.people["operator"]))
    for name in ("of all", "own"):
        assert f"Connection {name}" in text and f"Profile {name}" in text
    for name in ("seen", "used", "foreign"):
        assert f'"Connection {name}"' not in text and f'"Profile {name}"' not in text
    assert "connection-used is not in this package" in text and "foreign" not in text


def test_a_profile_whose_connection_another_team_lends_stays_behind(teams: Teams):
    profile_of(teams.rows["used"][0], name="Borrowed", team=teams.a)
    text = opened(exported(teams.people["operator"]))
    assert '"Borrowed"' not in text and "borrowed is not in this package" in text


def test_a_fallback_that_one_may_not_see_is_not_named(teams: Teams):
    services.share(teams.rows["foreign"][1], teams.a, "use", actor=None)
    own, foreign = teams.rows["own"][1], teams.rows["foreign"][1]
    services.update_profile(own, actor=None, fallbacks=[foreign])
    foreign.shares.all().delete()
    content = exported(teams.people["operator"], "Connection own")
    profile = planned(teams.people["operator"], content)["profile Profile own"]
    assert "foreign" not in " ".join(profile.notes)


@pytest.mark.parametrize("who", ["operator", "administrator"])
def test_new_rows_go_into_the_team_that_is_chosen(teams: Teams, who: str):
    content = exported(teams.people["global administrator"], "Connection of all")
    services.delete_profile(teams.rows["of all"][1], actor=None)
    services.delete_connection(teams.rows["of all"][0], actor=None)
    with pytest.raises(PermissionDenied):
        imported(teams.people[who], content)
    with pytest.raises(PermissionDenied):
        imported(teams.people[who], content, team=teams.b)
    imported(teams.people[who], content, team=teams.a)
    assert Connection.every.get(name="Connection of all").team == teams.a
    assert Profile.every.get(name="Profile of all").team == teams.a


def test_a_row_of_another_team_is_neither_overwritten_nor_named(teams: Teams):
    content = exported(teams.people["global administrator"], "Connection foreign")
    row = teams.rows["foreign"][0]
    services.update_connection(row, actor=None, name="A name of theirs")
    before = Connection.every.get(pk=row.pk)
    items = planned(teams.people["operator"], content, team=teams.a)
    one = items["connection Connection foreign"]
    assert (one.state, one.action, one.row_id, one.differences) == ("new", "refuse", None, ())
    assert "A name of theirs" not in " ".join(one.notes) and "copy" in one.choices
    chosen = Decisions(items={item.id: "copy" for item in items.values()})
    imported(teams.people["operator"], content, team=teams.a, decisions=chosen)
    after = Connection.every.get(pk=row.pk)
    assert (after.version, after.name) == (before.version, before.name)
    copied = Connection.every.get(team=teams.a, name="Connection foreign")
    assert copied.pk != row.pk and copied.alias == "connection-foreign-2"


def test_an_id_of_another_team_s_row_is_not_taken_over(teams: Teams):
    """It has another alias by now, so that nothing but the id tells of it."""
    content = exported(teams.people["global administrator"], "Connection foreign")
    row = teams.rows["foreign"][0]
    Connection.every.filter(pk=row.pk).update(alias="another")
    Profile.every.filter(connection=row).update(alias="another")
    imported(teams.people["operator"], content, team=teams.a)
    made = Connection.every.get(alias="connection-foreign")
    assert made.pk != row.pk and made.team == teams.a
    assert Profile.every.get(alias="profile-foreign").connection == made


def test_a_row_that_is_lent_is_kept_as_it_is(teams: Teams):
    content = exported(teams.people["global administrator"], "Connection used")
    services.update_connection(teams.rows["used"][0], actor=None, tags=["changed"])
    decisions = Decisions(on_conflict="replace")
    with pytest.raises(PermissionDenied):
        imported(teams.people["operator"], content, team=teams.a, decisions=decisions)
    assert Connection.every.get(pk=teams.rows["used"][0].pk).tags == ["changed"]


def test_the_secret_of_a_connection_that_is_lent_is_not_taken(teams: Teams):
    content = exported(teams.people["operator"], "Connection own")
    services.delete_profile(teams.rows["own"][1], actor=None)
    services.delete_connection(teams.rows["own"][0], actor=None)
    for name, told in (("used", PermissionDenied), ("foreign", packages.PackageConflict)):
        secrets = {"connection-own.api_key": f"connection:connection-{name}"}
        with pytest.raises(told):
            imported(
                teams.people["operator"],
                content,
                team=teams.a,
                decisions=Decisions(secrets=secrets),
            )


def test_pages_and_api_import_into_a_team(teams: Teams):
    content = exported(teams.people["operator"], "Connection own")
    services.delete_profile(teams.rows["own"][1], actor=None)
    services.delete_connection(teams.rows["own"][0], actor=None)
    client = browser(teams.people["operator"])

    def file() -> SimpleUploadedFile:
        return SimpleUploadedFile("p.zip", content, "application/zip")

    sent = client.post("/packages/import/", {"file": file()})
    done = client.post(sent["Location"], {"action": "apply"})
    assert done.status_code == 200
    assert Connection.every.get(name="Connection own").team == teams.a  # there is no other
    again = connect(name="Second", team=teams.b)
    assert again.team == teams.b
    boss = browser(teams.people["global administrator"])
    page = boss.post("/packages/import/", {"file": file()}, follow=True).content.decode()
    assert 'name="team"' in page and "Blue" in page
    other = exported(teams.people["global administrator"], "Second")
    services.delete_connection(again, actor=None)
    answer = boss.post(
        "/api/v1/packages/import",
        {"file": SimpleUploadedFile("p.zip", other, "application/zip"), "team": "Blue"},
    )
    assert answer.status_code == 200, answer.content
    assert Connection.every.get(name="Second").team == teams.b

"""What members of a team meet on the pages and in the API of connections and profiles."""

from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client

from connections import services
from connections.models import ApiToken, Connection, Profile, Team, TeamView
from tests.connections.api.calls import Api, errors, token_of
from tests.fakes import SECRET, connect
from tests.pages import html
from tests.people import browser, person

from .conftest import Teams

pytestmark = pytest.mark.django_db


@pytest.fixture
def operator_page(teams: Teams) -> Client:
    """The browser of an operator of team a."""
    return browser(teams.people["operator"])


def page(client: Client, address: str, status: int = 200) -> str:
    """The text of a page."""
    response = client.get(address)
    assert response.status_code == status, response.content
    return response.content.decode()


@pytest.mark.server
@pytest.mark.parametrize("kind", ["connections", "profiles"])
def test_a_list_has_the_teams_and_no_foreign_rows(teams: Teams, operator_page: Client, kind: str):
    text = page(operator_page, f"/{kind}/")
    assert " foreign" not in text and "Shared by all" in text and "Red" in text
    found = page(operator_page, f"/{kind}/?team={teams.a.pk}")
    assert " own" in found and " of all" not in found
    third = services.create_team("Third", actor=None)
    assert "Third" not in page(operator_page, f"/{kind}/?team={third.pk}")


@pytest.mark.server
@pytest.mark.parametrize("kind", ["connections", "profiles"])
def test_a_foreign_row_is_not_there(teams: Teams, operator_page: Client, kind: str):
    row = teams.rows["foreign"][kind == "profiles"]
    for way in ("", "edit/", "team/"):
        page(operator_page, f"/{kind}/{row.pk}/{way}", 404)


def test_what_is_shared_is_shown_and_not_changed(teams: Teams, operator_page: Client):
    for name, row in ((one, teams.rows[one][0]) for one in ("seen", "used")):
        shown = page(operator_page, row.get_absolute_url())
        assert ("Test now" in shown) is (name == "used") and "/edit/" not in shown
        page(operator_page, f"{row.get_absolute_url()}edit/", 403)
        response = operator_page.post(f"{row.get_absolute_url()}toggle/")
        assert response.status_code == 403
    assert Connection.every.filter(is_active=False).count() == 0


def test_a_shared_profile_does_not_tell_its_connection(teams: Teams, operator_page: Client):
    connection = connect(name="Secret behind it", team=teams.b, settings={"api_key": SECRET})
    profile = services.create_profile(
        connection, actor=None, capability="Chat", name="Front", model="m", team=teams.b
    ).row
    services.share(profile, teams.a, "use", actor=None)
    for address in ("/profiles/", profile.get_absolute_url()):
        text = page(operator_page, address)
        assert "Front" in text and "behind it" not in text and str(connection.pk) not in text
    services.create_team("Third", actor=None)
    token = services.create_token(
        "t", user=teams.people["operator"], actor=None, scopes=["profiles:read"]
    )[1]
    item = Api(token).read(f"/profiles/{profile.alias}")
    assert item["connectionId"] is None and item["team"] == "Blue"


def test_a_copy_of_what_is_lent_has_what_its_maker_sees(teams: Teams):
    lent = teams.rows["used"][1]
    services.update_profile(lent, actor=None, fallbacks=[teams.rows["foreign"][1]])
    client = browser(teams.people["operator"])
    copied = client.post(f"/api/v1/profiles/{lent.alias}/duplicate", {}, "application/json")
    assert copied.status_code == 201 and copied.json()["fallbackProfileIds"] == []
    assert Profile.every.get(pk=copied.json()["id"]).team == teams.a


def test_what_is_lent_without_its_connection_is_not_copied(teams: Teams):
    connection, lent = teams.rows["used"]
    services.unshare(connection, teams.a, actor=None)
    client = browser(teams.people["operator"])
    answer = client.post(f"/api/v1/profiles/{lent.alias}/duplicate", {}, "application/json")
    assert {*errors(answer).values()} == {"other_team"}
    assert connection.name not in answer.content.decode()
    page = client.post(f"/profiles/{lent.pk}/duplicate/", follow=True)
    assert "has not let this one use it" in html(page) and connection.name not in html(page)


def test_a_new_row_is_of_the_only_team(teams: Teams, operator_page: Client):
    form = {"name": "Mine", "settings-api_key": SECRET, "is_active": "on"}
    response = operator_page.post("/connections/add/fake/", form)
    assert response.status_code == 302, html(response)
    assert Connection.every.get(name="Mine").team == teams.a


def test_who_may_choose_a_team_is_asked(teams: Teams):
    services.set_member(teams.a, teams.people["global operator"], "operator", actor=None)
    client = browser(teams.people["global operator"])
    assert 'name="team"' in page(client, "/connections/add/fake/")
    form = {"name": "Mine", "settings-api_key": SECRET, "is_active": "on", "team": teams.a.pk}
    assert client.post("/connections/add/fake/", form).status_code == 302
    assert Connection.every.get(name="Mine").team == teams.a
    form |= {"name": "Ours", "team": teams.b.pk}
    assert client.post("/connections/add/fake/", form).status_code == 200
    assert not Connection.every.filter(name="Ours").exists()


def test_a_team_is_named_where_there_are_several(teams: Teams):
    services.set_member(teams.b, teams.people["operator"], "operator", actor=None)
    api = Api(token_of(teams.people["operator"]))
    body = {"alias": "mine", "name": "Mine", "providerId": "fake", "settings": {"apiKey": SECRET}}
    assert errors(api.post("/connections", body)) == {"/team": "required"}
    made = api.post("/connections", body | {"team": "Blue"})
    assert made.status_code == 201 and made.json()["team"] == "Blue"


def test_the_page_of_a_team_moves_and_shares(teams: Teams):
    client = browser(teams.people["administrator"])
    connection, profile = teams.rows["own"]
    address = f"{connection.get_absolute_url()}team/"
    assert "Blue" in page(client, address)
    share = {"action": "share", "team": teams.b.pk, "level": "see"}
    client.post(address, share)
    assert connection.shares.get().team == teams.b
    client.post(address, {"action": "unshare", "team": teams.b.pk})
    assert not connection.shares.exists()
    move = {"action": "move", "team": "none", "profiles": "on"}
    assert client.post(address, move).status_code == 403  # it would be for all
    services.set_member(teams.b, teams.people["administrator"], "operator", actor=None)
    client.post(address, move | {"team": teams.b.pk})
    assert {one.team for one in (Connection.every.get(pk=connection.pk),)} == {teams.b}
    assert Profile.every.get(pk=profile.pk).team == teams.b


def test_a_move_that_would_break_a_profile_is_refused(teams: Teams):
    connection, profile = teams.rows["own"]
    with pytest.raises(services.Invalid, match="Profile own"):
        services.move_to_team([connection], teams.b, actor=None)
    with pytest.raises(services.Invalid, match="Connection own"):
        services.move_to_team([profile], None, actor=None)
    used = teams.rows["used"][0]
    services.create_profile(
        used, actor=None, capability="Chat", name="On it", model="m", team=teams.a
    )
    with pytest.raises(services.Invalid, match="On it"):
        services.unshare(used, teams.a, actor=None)
    with pytest.raises(services.Invalid, match="On it"):
        services.share(used, teams.a, "see", actor=None)
    with pytest.raises(services.Invalid, match="another team"):
        services.create_profile(
            teams.rows["seen"][0], actor=None, capability="Chat", name="x", model="m", team=teams.a
        )


@pytest.mark.server
def test_a_team_ends_when_somebody_gets_what_it_has(teams: Teams):
    with pytest.raises(services.Invalid, match="has things"):
        services.delete_team(teams.b, actor=None)
    services.delete_team(teams.b, actor=None, heir=teams.a)
    assert not Team.objects.filter(name="Blue").exists()
    assert Connection.every.filter(team=teams.a).count() == 4
    services.delete_team(teams.a, actor=None, is_for_all=True)
    assert not Connection.every.exclude(team=None).exists()


def test_the_last_administrator_of_a_team_stays(teams: Teams):
    boss = teams.people["administrator"]
    services.remove_member(teams.a, boss, actor=boss)  # a global one is there
    services.set_member(teams.a, boss, "administrator", actor=None)
    teams.people["global administrator"].groups.clear()
    with pytest.raises(services.Invalid, match="last administrator"):
        services.remove_member(teams.a, boss, actor=boss)
    with pytest.raises(services.Invalid, match="last administrator"):
        services.set_member(teams.a, boss, "viewer", actor=None)


def test_an_administrator_of_a_team_manages_only_that(teams: Teams):
    api = Api(token_of(teams.people["administrator"]))
    person("newcomer")
    assert api.put("/teams/red/members/newcomer", {"role": "viewer"}).json() == {
        "user": "newcomer",
        "role": "viewer",
    }
    assert api.put("/teams/blue/members/newcomer", {"role": "viewer"}).status_code == 404
    assert api.names("/teams") == ["Red"]
    assert api.post("/teams", {"name": "Green"}).status_code == 403
    assert api.delete("/teams/red?heir=all").status_code == 403
    operator = Api(token_of(teams.people["operator"]))
    assert operator.put("/teams/red/members/newcomer", {"role": "viewer"}).status_code == 403


def test_a_taken_alias_tells_nothing_more(teams: Teams):
    api, foreign = Api(token_of(teams.people["operator"])), teams.rows["foreign"][0]
    assert api.get(f"/connections/{foreign.alias}").status_code == 404
    body = {"alias": foreign.alias, "name": "x", "providerId": "fake"}
    answer = api.post("/connections", body | {"settings": {"apiKey": SECRET}})
    assert answer.status_code in (400, 409) and foreign.name not in answer.content.decode()
    services.change_alias(foreign, "renamed-elsewhere", actor=None)
    answer = api.post("/connections", body | {"settings": {"apiKey": SECRET}})
    assert answer.status_code in (400, 409) and "elsewhere" not in answer.content.decode()


def test_a_token_is_narrowed_to_its_team_and_tags(teams: Teams, administrator: Any):
    services.update_connection(teams.rows["own"][0], actor=None, tags=["prod"])
    narrow = {"team": teams.a}
    whole = Api(token_of(administrator))
    assert len(whole.names("/connections")) == 5
    of_team = Api(token_of(administrator, **narrow))
    assert sorted(of_team.names("/connections")) == [
        f"Connection {one}" for one in ("of all", "own", "seen", "used")
    ]
    tagged = Api(token_of(administrator, **narrow, tags=["prod"]))
    assert tagged.names("/connections") == ["Connection own"]
    foreign = teams.rows["foreign"][0]
    assert of_team.get(f"/connections/{foreign.pk}").status_code == 404
    made = of_team.post("/tokens", {"name": "wider", "scopes": ["admin"]})
    assert made.status_code == 403


def test_tokens_of_a_team_are_its_administrators(teams: Teams, administrator: Any):
    boss = teams.people["administrator"]
    token_of(administrator)
    api = Api(token_of(boss))
    made = api.post("/tokens", {"name": "ours", "scopes": ["connections:read"], "team": "Red"})
    assert made.status_code == 201, made.content
    assert api.post("/tokens", {"name": "x", "scopes": ["admin"]}).status_code == 403
    assert set(api.names("/tokens")) == {"ours", "test"}
    other = services.create_token(
        "theirs", user=teams.people["operator"], actor=None, scopes=["admin"], team=teams.a
    )[0]
    assert api.delete(f"/tokens/{other.pk}").status_code == 204
    foreign = ApiToken.every.get(user=administrator)
    assert api.get(f"/tokens/{foreign.pk}").status_code == 404


def test_the_command_makes_and_ends_teams(teams: Teams, capsys: Any):
    person("nina")
    call_command("team", "add", "Green")
    call_command("team", "member", "green", "nina", "operator")
    call_command("team", "list")
    assert "Green  nina (operator)" in capsys.readouterr().out
    call_command("team", "move", "connection", teams.rows["of all"][0].alias, "Green",
                 "--with-profiles")  # fmt: skip
    assert Profile.every.filter(team__name="Green").count() == 1
    call_command("team", "delete", "green", "--to-all")
    assert not Team.objects.filter(name="Green").exists()


@pytest.mark.server
def test_a_view_is_for_the_members_of_a_team(teams: Teams, operator_page: Client):
    saved = {"name": "Of red", "query": "status=active", "team": teams.a.pk}
    operator_page.post("/lists/connection/views/", saved)
    viewer, stranger = (browser(teams.people[one]) for one in ("viewer", "global operator"))
    assert "Of red" in page(viewer, "/connections/") and "Of red" not in page(viewer, "/profiles/")
    assert "Of red" not in page(stranger, "/connections/")
    taken = {"team_view": TeamView.objects.get().pk}
    assert viewer.post("/lists/connection/views/", taken).status_code == 403
    stranger.post("/lists/connection/views/", taken)
    assert TeamView.objects.exists()
    operator_page.post("/lists/connection/views/", taken)
    assert not TeamView.objects.exists()

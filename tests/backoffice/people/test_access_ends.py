"""What ends a person's access ends their sessions and their tokens, whoever does it."""

import time

import pytest
from django.contrib.auth.models import Group, User
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from backoffice.people import services
from backoffice.people.signin import sessions
from connections.models import ApiToken, EndedBecause, RevealToken, Role, Team
from connections.promptflow.services import create_reveal_token
from connections.services import (
    NotUndone,
    create_token,
    find_caller,
    remove_member,
    revoke_token,
    set_member,
    undo_last_act,
)
from tests.pages import words
from tests.people import PASSWORD, browser, person

pytestmark = pytest.mark.django_db
NEW = "a-new-and-long-secret"


@pytest.fixture
def other(administrator) -> User:
    """A second administrator, with a token and a session."""
    return person("oda", "Administrators", is_staff=True)


def token_of(user: User) -> str:
    return create_token("Site", user=user, actor=user, scopes=["gateway:use"])[1]


def change_own(user: User, client: Client) -> None:
    client.post(
        "/password/", {"old_password": PASSWORD, "new_password1": NEW, "new_password2": NEW}
    )


def take_from_group(user: User, by: User) -> None:
    form = {"username": user.username, "is_active": "on", "date_joined_0": "2026-01-01"}
    form |= {"date_joined_1": "00:00:00", "last_login_0": "", "last_login_1": "", "groups": []}
    browser(by).post(f"/admin/auth/user/{user.pk}/change/", form)


WAYS = {
    "a reset password": (
        EndedBecause.PASSWORD,
        lambda u, a: services.set_password(u, NEW, actor=a),
    ),
    "deactivation": (EndedBecause.DEACTIVATED, lambda u, a: services.set_active(u, False, actor=a)),
    "a lesser role": (
        EndedBecause.ROLE,
        lambda u, a: services.set_role(u, Group.objects.get(name="Viewers"), actor=a),
    ),
    "the admin takes the role": (EndedBecause.ROLE, take_from_group),
    "a deleted role": (EndedBecause.ROLE, lambda u, a: u.groups.get().delete()),
}


@pytest.mark.parametrize("way", WAYS)
def test_sessions_and_tokens_end_with_the_reason(administrator, other, way):
    reason, act = WAYS[way]
    text, theirs = token_of(other), browser(other)
    act(User.objects.get(pk=other.pk), administrator)
    assert find_caller(text) is None
    assert ApiToken.objects.get(user=other).revoked_because == reason
    assert theirs.get("/your-sign-in/")["Location"].startswith("/sign-in/")


def test_tokens_of_flows_end_too_and_the_page_says_why(administrator, other, connection):
    create_reveal_token("Flow", user=other, actor=other, connections=[connection.alias])
    services.set_password(other, NEW, actor=administrator)
    assert RevealToken.objects.get().revoked_because == EndedBecause.PASSWORD
    assert str(EndedBecause.PASSWORD.label) in words(browser(administrator).get("/tokens/flows/"))


def test_who_is_activated_again_has_neither_session_nor_token(administrator, other):
    text, theirs = token_of(other), browser(other)
    services.set_active(other, False, actor=administrator)
    services.set_active(other, True, actor=administrator)
    assert find_caller(text) is None
    assert theirs.get("/").status_code == 302


def test_ones_own_new_password_keeps_this_session_and_ends_the_others(operator):
    here, there, text = browser(operator), browser(operator), token_of_anybody(operator)
    assert "ends your 1 token" in words(here.get("/password/"))
    change_own(operator, here)
    assert here.get("/connections/").status_code == 200
    assert there.get("/connections/").status_code == 302
    assert find_caller(text) is None


def token_of_anybody(user: User) -> str:
    return create_token("Site", user=user, actor=None, scopes=["gateway:use"])[1]


def test_a_role_with_more_rights_ends_nothing(administrator, viewer):
    text, theirs = token_of_anybody(viewer), browser(viewer)
    services.set_role(viewer, Group.objects.get(name="Operators"), actor=administrator)
    assert find_caller(text) is not None
    assert theirs.get("/connections/").status_code == 200


def test_the_command_that_changes_a_password_ends_access_too(operator, monkeypatch):
    text = token_of_anybody(operator)
    monkeypatch.setattr("getpass.getpass", lambda **_: NEW)
    call_command("changepassword", "olaf", verbosity=0)
    assert find_caller(text) is None


def test_undo_does_not_bring_back_a_token_of_an_access_that_ended(administrator, other):
    token_of(other)
    row = ApiToken.objects.get(user=other)
    step = revoke_token(row, actor=administrator)
    services.set_password(other, NEW, actor=administrator)
    with pytest.raises(NotUndone):
        undo_last_act(administrator, step.key)


@pytest.mark.parametrize("way", ["lowered", "taken out", "left"])
def test_a_role_in_a_team_ends_the_tokens_of_that_team(administrator, operator, way):
    here, there = (Team.objects.create(name=name) for name in ("Here", "There"))
    for team in (here, there):
        set_member(team, operator, Role.ADMINISTRATOR, actor=administrator)
    made = {"user": operator, "actor": None, "scopes": ["connections:read"]}
    texts = [create_token("Site", **made, team=one)[1] for one in (here, there, None)]
    theirs = browser(operator)
    if way == "lowered":
        set_member(here, operator, Role.VIEWER, actor=administrator)
    else:
        remove_member(here, operator, actor=operator if way == "left" else administrator)
    assert [find_caller(text) is not None for text in texts] == [False, True, False]
    # who leaves by themselves go on
    assert theirs.get("/connections/").status_code == (200 if way == "left" else 302)


def test_a_higher_role_in_a_team_ends_nothing(administrator, operator):
    team = Team.objects.create(name="Here")
    set_member(team, operator, Role.VIEWER, actor=administrator)
    text, theirs = token_of_anybody(operator), browser(operator)
    set_member(team, operator, Role.OPERATOR, actor=administrator)
    assert find_caller(text) is not None
    assert theirs.get("/connections/").status_code == 200


def test_the_sign_in_itself_ends_nothing(operator):
    text, first = token_of_anybody(operator), browser(operator)
    Client().post("/sign-in/", {"username": "olaf", "password": PASSWORD})
    assert find_caller(text) is not None and first.get("/connections/").status_code == 200


# Sessions


def aged(client: Client, **seconds: float) -> Client:
    session = client.session
    for name, ago in seconds.items():
        session[name] = time.time() - ago
    session.save()
    return client


@pytest.mark.parametrize("ages", [{"seen_at": 12.1 * 3600}, {"signed_in_at": 14.1 * 86400}])
def test_a_session_ends_when_it_is_idle_and_when_it_is_old(operator, ages):
    client = aged(browser(operator), **ages)
    assert client.get("/connections/")["Location"].startswith("/sign-in/")
    assert client.get("/api/v1/connections").status_code in (401, 403)


def test_a_session_that_is_used_goes_on_and_is_listed(operator):
    client = aged(browser(operator), seen_at=3600)
    client.get("/connections/", REMOTE_ADDR="192.0.2.9", headers={"User-Agent": "Lynx"})
    shown = words(client.get("/your-sign-in/"))
    assert "192.0.2.9" in shown and "Lynx" in shown and "this one" in shown


def test_a_session_of_the_version_before_goes_on(operator):
    client = browser(operator)
    session = client.session
    del session["signed_in_at"], session["seen_at"]
    session.save()
    assert client.get("/connections/").status_code == 200
    assert client.session["began_at"]


def test_all_other_sessions_are_ended(operator, viewer):
    here, there, foreign = browser(operator), browser(operator), browser(viewer)
    here.post("/your-sign-in/end-others/")
    assert [one.get("/connections/").status_code for one in (here, there, foreign)] == [
        200,
        302,
        200,
    ]


# A fresh proof before what is dangerous


def test_what_is_dangerous_asks_again_and_loses_nothing_that_was_typed(administrator, connection):
    client = aged(browser(administrator), signed_in_at=16 * 60)
    referer = {"Referer": "http://testserver/tokens/flows/"}
    posted = {"name": "My flow", "connections": connection.alias, "expires_in_days": "30"}
    asked = client.post("/tokens/flows/", posted, headers=referer)
    assert asked["Location"].startswith("/sign-in/confirm/?next=")
    assert not RevealToken.objects.exists()
    wrong = client.post(asked["Location"], {"password": "wrong"})
    assert wrong.status_code == 200
    back = client.post(asked["Location"], {"password": PASSWORD})
    page = client.get(back["Location"])
    assert 'value="My flow"' in page.text and 'value="30"' in page.text
    assert client.post("/tokens/flows/", posted).status_code == 200
    assert RevealToken.objects.get().name == "My flow"


@pytest.mark.parametrize(
    "path, posted",
    [
        ("/people/{viewer}/", {"role": "1"}),
        ("/people/add/", {"name": "x"}),
        ("/people/{viewer}/password/", {"password": NEW}),
        ("/people/{viewer}/second-factor/", {}),
        ("/admin/auth/user/{viewer}/change/", {}),
        ("/packages/export/", {"passphrase": NEW, "again": NEW}),
        ("/references/hosts/00000000-0000-0000-0000-000000000000/", {"decision": "approved"}),
    ],
)
def test_each_dangerous_form_asks_again(administrator, viewer, path, posted):
    client = aged(browser(administrator), signed_in_at=16 * 60)
    answer = client.post(path.format(viewer=viewer.pk), posted)
    assert answer.status_code == 302 and answer["Location"].startswith("/sign-in/confirm/")
    assert NEW not in str(dict(client.session.items()))


def test_a_browser_that_calls_the_api_is_asked_too_and_a_token_is_not(administrator):
    client = aged(browser(administrator), signed_in_at=16 * 60)
    path = "/api/v1/host-approvals/00000000-0000-0000-0000-000000000000"
    refused = client.patch(path, {"state": "approved"}, "application/json")
    assert (refused.status_code, refused.json()["code"]) == (403, "confirmation_needed")
    text = create_token("CI", user=administrator, actor=administrator, scopes=["admin"])[1]
    headers = {"Authorization": f"Bearer {text}"}
    found = Client().patch(path, {"state": "approved"}, "application/json", headers=headers)
    assert found.status_code == 404


def test_sessions_that_ended_are_deleted(operator):
    browser(operator)
    Session.objects.update(expire_date=timezone.now())
    assert sessions.prune() == "1 session deleted that had ended."


def test_a_role_in_a_team_asks_again_in_the_api_too(administrator, viewer):
    Team.objects.create(name="Here")
    client = aged(browser(administrator), signed_in_at=16 * 60)
    there, body = f"/api/v1/teams/Here/members/{viewer.username}", {"role": "viewer"}
    refused = client.put(there, body, content_type="application/json")
    assert (refused.status_code, refused.json()["code"]) == (403, "confirmation_needed")
    made = browser(administrator).put(there, body, content_type="application/json")
    assert made.status_code == 200

"""Django's admin at /admin/: the Active column, and nothing secret."""

import re
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.test import Client

from connections.models import Connection, Profile
from tests.fakes import OLDER_KEY, SECRET, connect, profile_of, reload
from tests.pages import html, value_of, words, world
from tests.people import PASSWORD, browser, person

pytestmark = pytest.mark.django_db
LISTS = {"connection": "/admin/connections/connection/", "profile": "/admin/connections/profile/"}


@pytest.fixture
def client(administrator) -> Client:
    """The administrator's browser."""
    return browser(administrator)


@pytest.fixture
def rows(connection: Connection) -> dict[str, Any]:
    return {"connection": connection, "profile": profile_of(connection)}


def untick(client: Client, kind: str, row: Any) -> Any:
    """Posts the list with the row's Active box unticked, and says yes where that is asked."""
    form = {
        "form-TOTAL_FORMS": "1",
        "form-INITIAL_FORMS": "1",
        "form-MIN_NUM_FORMS": "0",
        "form-MAX_NUM_FORMS": "1000",
    }
    answer = client.post(LISTS[kind], {**form, "form-0-id": str(row.pk), "_save": "Save"})
    asks = answer.get("Location", "")
    if "/switch-off/" not in asks:
        return answer
    assert type(row).objects.filter(pk=row.pk, is_active=True).exists()
    return client.post(asks, {"ids": str(row.pk), "next": LISTS[kind]})


@pytest.mark.parametrize("kind", LISTS)
def test_the_active_column_is_saved_through_the_services(
    rows: dict, client: Client, administrator, kind: str
):
    assert untick(client, kind, rows[kind]).status_code == 302
    row = reload(rows[kind])
    assert (row.is_active, row.version, row.modified_by) == (False, 2, administrator)
    assert (row.history.count(), row.history.first().history_user) == (2, administrator)


def test_switching_in_the_list_keeps_the_credentials(rows: dict, client: Client):
    untick(client, "connection", rows["connection"])
    assert dict(reload(rows["connection"]).credentials) == {"api_key": SECRET}


def test_switching_in_the_list_keeps_credentials_that_cannot_be_decrypted(
    rows: dict, client: Client, settings
):
    settings.FERNET_KEYS = [OLDER_KEY]
    untick(client, "connection", rows["connection"])
    settings.FERNET_KEYS = [OLDER_KEY, "newest-key-for-tests-only-0123456789abcdef"]
    row = reload(rows["connection"])
    assert row.is_active is False and dict(row.credentials) == {"api_key": SECRET}


def test_a_row_that_did_not_change_is_no_new_version(rows: dict, client: Client):
    other = connect(name="Other")
    form = {
        "form-TOTAL_FORMS": "2",
        "form-INITIAL_FORMS": "2",
        "form-0-id": str(other.pk),
        "form-0-is_active": "on",
        "_save": "Save",
    }
    rows["profile"].delete()
    client.post(LISTS["connection"], {**form, "form-1-id": str(rows["connection"].pk)})
    assert {row.version for row in Connection.objects.all()} == {1, 2}


def test_a_switch_that_hits_a_profile_is_asked_for(rows: dict, client: Client):
    form = {"form-0-id": str(rows["connection"].pk), "_save": "Save"}
    page = client.post(LISTS["connection"], form, follow=True)
    assert "1 profile will be refused." in words(page) and reload(rows["connection"]).is_active


@pytest.mark.parametrize("kind", LISTS)
def test_a_saved_list_offers_the_way_back(rows: dict, client: Client, kind: str):
    untick(client, kind, rows[kind])
    page = client.get(LISTS[kind])
    came = {"Referer": f"http://testserver{LISTS[kind]}"}
    done = client.post("/undo/", {"step": value_of(page, "step")}, headers=came)
    assert done["Location"].endswith(LISTS[kind]) and reload(rows[kind]).is_active


@pytest.mark.parametrize("kind", LISTS)
def test_nothing_is_added_or_deleted_here(rows: dict, client: Client, kind: str):
    before = world()
    for url in (f"{LISTS[kind]}add/", f"{LISTS[kind]}{rows[kind].pk}/delete/"):
        assert client.get(url).status_code == client.post(url, {"post": "yes"}).status_code == 403
    client.post(
        LISTS[kind],
        {"action": "delete_selected", "_selected_action": [rows[kind].pk], "post": "yes"},
    )
    assert world() == before


@pytest.mark.parametrize("kind", LISTS)
def test_the_page_of_one_row_is_read_only(rows: dict, client: Client, kind: str):
    before, url = world(), f"{LISTS[kind]}{rows[kind].pk}/change/"
    content = html(client.get(url)).split('id="content"')[1].split("</main>")[0]
    assert re.findall(r'<(?:input|textarea|select)\b[^>]*\bname="((?!csrf|_)[^"]*)"', content) == []
    client.post(url, {"name": "Changed", "is_active": "", "settings": "{}", "credentials": "{}"})
    assert world() == before


@pytest.mark.server
@pytest.mark.parametrize("kind", LISTS)
def test_credentials_are_nowhere(rows: dict, client: Client, kind: str):
    for url in (
        LISTS[kind],
        f"{LISTS[kind]}{rows[kind].pk}/change/",
        f"{LISTS[kind]}{rows[kind].pk}/history/",
    ):
        shown = html(client.get(url))
        assert SECRET not in shown and "redentials" not in shown


def test_the_lists_work_without_key_and_provider(rows: dict, client: Client, settings):
    settings.FERNET_KEYS = [OLDER_KEY]
    Connection.objects.update(provider_id="gone")
    assert [client.get(url).status_code for url in LISTS.values()] == [200, 200]


@pytest.mark.server
@pytest.mark.parametrize(
    "query",
    [
        "?q=prod",
        "?is_active__exact=0",
        "?provider_id=fake",
        "?o=1",
        "?o=nonsense",
        "?nonsense=1",
        "?p=99",
    ],
)
def test_the_list_is_searched_filtered_and_sorted(rows: dict, client: Client, query: str):
    assert client.get(LISTS["connection"] + query).status_code in (200, 302)


@pytest.mark.parametrize("who", ["operator", "viewer", "stranger", "nobody"])
def test_who_is_not_staff_does_not_enter(rows: dict, request, who: str):
    client, before = browser(request.getfixturevalue(who)), world()
    for url in ("/admin/", *LISTS.values(), "/admin/auth/user/"):
        assert (client.get(url).status_code, client.get(url)["Location"].split("?")[0]) in (
            (302, "/admin/login/"),
            (302, "/sign-in/"),
        )
    untick(client, "connection", rows["connection"])
    assert world() == before


def test_a_viewer_among_the_staff_sees_and_does_not_switch(rows: dict):
    client = browser(person("vic", "Viewers", is_staff=True))
    assert client.get(LISTS["connection"]).status_code == 200
    untick(client, "connection", rows["connection"])
    assert reload(rows["connection"]).is_active


def test_a_stranger_among_the_staff_sees_nothing(rows: dict):
    client = browser(person("stan", is_staff=True))
    assert [client.get(url).status_code for url in LISTS.values()] == [403, 403]


@pytest.mark.parametrize(
    "who, told",
    [("operator", "The administration is for staff"), ("stranger", "You have no role yet")],
)
def test_who_is_signed_in_but_not_staff_is_told_so(request, who: str, told: str):
    response = browser(request.getfixturevalue(who)).get("/admin/", follow=True)
    assert response.status_code == 403 and told in words(response)


def test_staff_who_sign_in_come_to_the_admin(administrator):
    client = Client()
    asked = client.get("/admin/login/?next=/admin/")["Location"]
    posted = {"username": "ada", "password": PASSWORD, "next": "/admin/"}
    assert asked == "/sign-in/?next=%2Fadmin%2F"
    assert client.post("/sign-in/", posted)["Location"] == "/admin/"


# People


def user_form(user: User, **changes: Any) -> dict[str, Any]:
    when = {
        "date_joined_0": "2026-01-01",
        "date_joined_1": "00:00:00",
        "last_login_0": "",
        "last_login_1": "",
    }
    return {"username": user.username, "is_active": "on", **when, **changes}


def test_an_administrator_adds_a_person(client: Client):
    form = {
        "username": "new",
        "password1": "a-good-password-1",
        "password2": "a-good-password-1",
        "usable_password": "true",
    }
    client.post("/admin/auth/user/add/", form)
    assert User.objects.get(username="new").is_superuser is False


def test_an_administrator_puts_a_person_into_a_group(client: Client, stranger, viewer):
    group = viewer.groups.get()
    client.post(f"/admin/auth/user/{stranger.pk}/change/", user_form(stranger, groups=[group.pk]))
    assert list(stranger.groups.all()) == [group]


@pytest.mark.parametrize("target", ["stranger", "administrator"])
def test_an_administrator_who_is_no_superuser_makes_none(client: Client, request, target: str):
    user = request.getfixturevalue(target)
    client.post(
        f"/admin/auth/user/{user.pk}/change/",
        user_form(user, is_superuser="on", is_staff="on", user_permissions=["1", "2"]),
    )
    user.refresh_from_db()
    assert not user.is_superuser and not user.user_permissions.exists()


def test_an_administrator_does_not_change_a_superuser(client: Client):
    boss = User.objects.create_superuser("boss", password=PASSWORD)
    form = {
        "password1": "a-good-password-1",
        "password2": "a-good-password-1",
        "usable_password": "true",
    }
    answers = [
        client.post(f"/admin/auth/user/{boss.pk}/change/", user_form(boss, username="mine")),
        client.post(f"/admin/auth/user/{boss.pk}/password/", form),
        client.post(f"/admin/auth/user/{boss.pk}/delete/", {"post": "yes"}),
    ]
    client.post(
        "/admin/auth/user/",
        {"action": "delete_selected", "_selected_action": [boss.pk], "post": "yes"},
    )
    boss = User.objects.get(pk=boss.pk)
    assert [answer.status_code for answer in answers] == [403, 403, 403]
    assert boss.username == "boss" and boss.check_password(PASSWORD)


def test_an_administrator_gives_no_group_what_they_do_not_have(client: Client, administrator):
    group, wanted = administrator.groups.get(), Permission.objects.get(codename="delete_session")
    response = client.post(
        f"/admin/auth/group/{group.pk}/change/", {"name": "Rulers", "permissions": [wanted.pk]}
    )
    assert response.status_code == 302 and Group.objects.filter(name="Rulers").exists()
    assert not User.objects.get(pk=administrator.pk).has_perm("sessions.delete_session")
    assert User.objects.get(pk=administrator.pk).has_perm("connections.delete_connection")


def test_a_superuser_may_make_superusers(stranger):
    boss = User.objects.create_superuser("boss", password=PASSWORD)
    browser(boss).post(
        f"/admin/auth/user/{stranger.pk}/change/", user_form(stranger, is_superuser="on")
    )
    stranger.refresh_from_db()
    assert stranger.is_superuser


def test_profiles_in_the_admin_name_their_connection(rows: dict, client: Client):
    assert "Production" in html(client.get(LISTS["profile"])) and Profile.objects.count() == 1


def test_the_page_of_a_profile_shows_its_fallbacks_in_their_order(rows: dict, client: Client):
    others = [profile_of(rows["connection"], name=name) for name in ("Zebra", "Ape")]
    row = profile_of(rows["connection"], name="Chained", fallbacks=others)
    assert "zebra, ape" in words(client.get(f"{LISTS['profile']}{row.pk}/change/"))

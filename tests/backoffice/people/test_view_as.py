"""An administrator sees pages as another person: theirs, read only, recorded, for a while."""

import logging
import re
import time
from datetime import timedelta

import pytest
from django.contrib.auth.models import Group, User
from django.core.exceptions import PermissionDenied
from django.db import connection as database
from django.test import Client
from django.urls import get_resolver
from django.utils import timezone

from backoffice.people.models import ViewAs
from backoffice.people.service_accounts.services import add_service_account
from backoffice.people.signin.sessions import SIGNED_IN
from backoffice.people.view_as import services
from backoffice.people.view_as.middleware import KEY
from connections.models import Connection, ConnectionCheck
from tests.fakes import profile_of
from tests.pages import HTMX, words
from tests.people import browser, person

pytestmark = pytest.mark.django_db
BAR = re.compile(r'\s*<section class="viewing".*?</section>', re.DOTALL)
CHANGING = re.compile(
    r"(?:csrfmiddlewaretoken|CSRFToken)\S*\s\S+|<time.*?</time>"
    r'|name="task" value="[\w-]+"|/tasks/[\w-]+/'
)
THEIRS_ALONE = ("/your-sign-in/", "/password/", "/sign-in/")
ALLOWED = "/connections/allowed/"
SAID = "You see pages as olaf, and do nothing. End it first, then act as yourself."


@pytest.fixture
def client(administrator) -> Client:
    """The administrator's browser."""
    return browser(administrator)


def begin(client: Client, who: User) -> None:
    answer = client.post(f"/people/{who.pk}/view-as/")
    assert (answer.status_code, answer["Location"]) == (302, "/")


def seen(client: Client, path: str) -> tuple[int, str]:
    """The status of a page and the page, without what differs each time."""
    response = client.get(path)
    text = "a file" if response.streaming else response.text
    return response.status_code, " ".join(CHANGING.sub("", BAR.sub("", text)).split())


def pages() -> list[str]:
    """The addresses of pages that need no argument, but for one that is open to all: a service
    leads there, and what it answers is for who asked it.
    """
    lookups = get_resolver().reverse_dict
    names = [one for one in lookups if isinstance(one, str)]
    forms = [lookups.getlist(name)[0][0][0] for name in names]
    found = {f"/{text}" for text, parameters in forms if not parameters}
    return sorted(one for one in found if not one.startswith(("/api/", ALLOWED, *THEIRS_ALONE)))


@pytest.mark.parametrize("who", ["operator", "viewer", "stranger"])
def test_pages_are_those_of_the_person(people, client, connection, who: str):
    profile = profile_of(connection)
    found = [*pages(), connection.get_absolute_url(), profile.get_absolute_url()]
    theirs = browser(people[who])
    expected = {path: seen(theirs, path) for path in found}
    begin(client, people[who])
    different = {
        path
        for path in found
        if expected[path] != (200, "a file") and seen(client, path) != expected[path]
    }
    assert len(found) > 40
    assert different == set()


def test_a_bar_says_on_each_page_as_whom_and_how_to_end(client, operator, connection):
    begin(client, operator)
    for path in ("/", "/connections/", "/people/", "/connections/add/nobody/"):
        text = words(client.get(path))
        assert "You see pages as olaf , until" in text
        assert "See pages as yourself" in text
    ended = client.post("/view-as/end/", follow=True)
    assert "You see pages as yourself again." in words(ended)
    assert BAR.search(ended.text) is None
    assert client.get("/people/").status_code == 200


@pytest.mark.parametrize("headers", [{}, HTMX], ids=["form", "htmx"])
def test_nothing_can_be_done(client, operator, connection, headers: dict[str, str]):
    begin(client, operator)
    there = f"/connections/{connection.pk}"
    for path in (f"{there}/test/", f"{there}/toggle/", f"{there}/edit/", "/people/add/", "/undo/"):
        refused = client.post(path, {"is_active": "false"}, headers=headers)
        assert refused.status_code == 403
        assert SAID in words(refused)
    assert not ConnectionCheck.objects.exists()
    assert Connection.objects.get().is_active


@pytest.mark.parametrize("path", ["/usage/export/", *THEIRS_ALONE[:2], "/your-sign-in/codes/"])
def test_no_file_is_taken_and_the_sign_in_of_a_person_is_theirs_alone(client, operator, path: str):
    begin(client, operator)
    refused = client.get(path)
    assert refused.status_code == 403
    assert SAID in words(refused)


def test_the_api_answers_nothing(client, operator, connection):
    begin(client, operator)
    for ask in (client.get, client.delete):
        refused = ask(f"/api/v1/connections/{connection.alias}")
        assert (refused.status_code, refused.json()["code"]) == (403, "view_as")


def test_a_page_that_would_write_is_refused_by_the_database_itself(
    client, operator, connection, monkeypatch
):
    def get(*_args, **_kwargs):
        with database.cursor() as cursor:
            cursor.execute("UPDATE connections_connection SET name = 'Planted'")

    monkeypatch.setattr("connections.views.connections.ConnectionDetailView.get", get)
    begin(client, operator)
    assert client.get(connection.get_absolute_url()).status_code == 403
    assert Connection.objects.get().name == connection.name


def test_the_session_of_who_views_is_not_seen_and_is_there_afterwards(client, operator):
    begin(client, operator)
    before = dict(client.session.items())
    client.get("/")
    assert dict(client.session.items()) == before
    client.post("/view-as/end/")
    assert dict(client.session.items()) == {k: v for k, v in before.items() if k != KEY}


def test_it_ends_by_itself_and_what_is_asked_then_is_not_done(client, operator, connection):
    begin(client, operator)
    ViewAs.objects.update(until=timezone.now() - timedelta(seconds=1))
    late = client.post(f"/connections/{connection.pk}/toggle/", {"is_active": "false"}, follow=True)
    assert "You see pages as yourself again. Nothing was done." in words(late)
    assert Connection.objects.get().is_active
    assert client.get("/people/").status_code == 200
    assert ViewAs.objects.get().ended_at is not None


def test_forms_of_the_pages_that_were_seen_are_refused_afterwards(administrator, operator, db):
    client = browser(administrator, enforce_csrf_checks=True)
    page = client.get(f"/people/{operator.pk}/").text
    token = re.search(r'csrfmiddlewaretoken" value="(\w+)"', page)[1]
    client.post(f"/people/{operator.pk}/view-as/", {"csrfmiddlewaretoken": token})
    token = re.search(r'csrfmiddlewaretoken" value="(\w+)"', client.get("/").text)[1]
    client.post("/view-as/end/", {"csrfmiddlewaretoken": token})
    again = client.post(f"/people/{operator.pk}/view-as/", {"csrfmiddlewaretoken": token})
    assert again.status_code == 403 or KEY not in client.session


def test_it_is_recorded_and_the_person_sees_by_whom(client, operator, caplog):
    caplog.set_level(logging.INFO, "backoffice.people.view_as")
    begin(client, operator)
    client.post("/view-as/end/")
    row = ViewAs.objects.get()
    assert (row.viewer_name, row.person_name) == ("ada", "olaf")
    assert row.began_at <= row.ended_at <= row.until
    assert row.until - row.began_at == timedelta(minutes=15)
    begun, ended = (one.getMessage() for one in caplog.records)
    assert begun.startswith("ada sees pages as olaf until ")
    assert ended == "ada no longer sees pages as olaf"
    assert "Who saw pages as you" in words(browser(operator).get("/your-sign-in/"))
    assert "Who saw pages as this person" in words(client.get(f"/people/{operator.pk}/"))


def test_it_needs_a_fresh_proof(client, operator):
    session = client.session
    session[SIGNED_IN] = time.time() - 3600
    session.save()
    answer = client.post(f"/people/{operator.pk}/view-as/")
    assert answer["Location"].startswith("/sign-in/confirm/")
    assert not ViewAs.objects.exists()


def test_never_as_an_administrator_oneself_a_service_account_or_one_who_is_away(
    client, administrator, operator
):
    other = person("anna", "Administrators")
    root = person("root", is_superuser=True)
    away = person("nina", "Viewers", is_active=False)
    role = Group.objects.get(name="Viewers")
    account = add_service_account("robot", role=role, contact="ada", actor=administrator).user
    for one in (other, root, away, administrator, account):
        assert client.post(f"/people/{one.pk}/view-as/").status_code in (403, 404)
        with pytest.raises(PermissionDenied):
            services.begin(one, actor=administrator, address="")
    assert not ViewAs.objects.exists()
    assert browser(operator).post(f"/people/{away.pk}/view-as/").status_code == 403


def test_it_ends_when_the_administrator_or_the_person_changes(client, administrator, operator):
    begin(client, operator)
    operator.groups.set([Group.objects.get(name="Administrators")])
    assert client.get("/connections/")["Location"] == f"/people/{operator.pk}/"
    operator.groups.set([Group.objects.get(name="Operators")])
    begin(client, operator)
    administrator.groups.set([Group.objects.get(name="Viewers")])
    assert client.get("/connections/").status_code == 302
    assert client.get("/people/").status_code == 403


def test_another_session_is_not_touched_and_a_foreign_record_is_worth_nothing(client, operator):
    begin(client, operator)
    other = browser(person("anna", "Administrators"))
    assert BAR.search(other.get("/").text) is None
    session = other.session
    session[KEY] = client.session[KEY]
    session.save()
    assert other.get("/").status_code == 302
    assert BAR.search(other.get("/").text) is None


def test_signing_out_is_that_of_who_views(client, operator):
    theirs = browser(operator)
    begin(client, operator)
    assert client.post("/sign-out/").status_code == 302
    assert client.get("/").status_code == 302
    assert theirs.get("/").status_code == 200

"""A session that ends while somebody types, and a form of a session before."""

import json

import pytest
from django.test import Client

from connections.models import Connection
from tests.fakes import SECRET
from tests.pages import HTMX, html, words
from tests.people import PASSWORD, browser

pytestmark = pytest.mark.django_db
FORM = "http://testserver/connections/add/openai/"
TYPED = {"name": "Half a form", "settings-api_key": SECRET, "settings-organization": "org-7"}


def sign_in(client: Client, **posted: str):
    return client.post("/sign-in/", {"username": "olaf", "password": PASSWORD, **posted})


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_what_was_typed_comes_back_after_the_sign_in_without_secrets(operator, headers):
    client = Client()
    headers = {"Referer": FORM} | ({**headers, "HX-Current-URL": FORM} if headers else {})
    asked = client.post("/connections/add/openai/", TYPED, headers=headers)
    assert "Your session has ended, so nothing was saved." in words(asked)
    assert SECRET not in asked.text and not Connection.objects.exists()
    typed = asked.context["typed"]
    back = sign_in(client, next="/connections/add/openai/", typed=typed)["Location"]
    page = client.get(back)
    assert 'value="Half a form"' in page.text and 'value="org-7"' in page.text
    assert SECRET not in page.text


def test_a_wrong_password_loses_nothing_that_was_typed(operator):
    typed = json.dumps([["name", "Half a form"]])
    posted = {"username": "olaf", "password": "wrong", "next": "/", "typed": typed}
    assert Client().post("/sign-in/", posted).context["typed"] == typed


@pytest.mark.parametrize("typed", ["x", "7", '[["name"]]', "[7]"])
def test_what_is_not_a_list_of_entries_is_let_go(operator, typed):
    assert sign_in(Client(), next="/profiles/", typed=typed)["Location"] == "/profiles/"


@pytest.mark.parametrize("path", ["/connections/bulk/", "/undo/"])
def test_an_act_leads_back_to_its_page_and_not_to_a_405(path):
    headers = {"Referer": "http://testserver/connections/?q=open"}
    answer = Client().post(path, {"action": "test"}, headers=headers)
    assert answer["Location"] == "/sign-in/?next=/connections/%3Fq%3Dopen"
    assert Client().post(path)["Location"] == "/sign-in/?next=/"


def test_a_filter_that_is_typed_when_the_session_ends_is_kept():
    headers = {**HTMX, "HX-Current-URL": "http://testserver/connections/"}
    answer = Client().get("/connections/?q=open", headers=headers)
    assert answer["HX-Redirect"] == "/sign-in/?next=/connections/%3Fq%3Dopen"


def test_a_form_of_an_older_session_comes_back_with_what_was_typed(operator):
    client = browser(operator, enforce_csrf_checks=True)
    answer = client.post("/connections/add/openai/", TYPED, headers={"Referer": FORM})
    page = client.get(answer["Location"])
    assert "This form was out of date, so nothing was saved." in words(page)
    assert 'value="Half a form"' in html(page) and SECRET not in html(page)


# A form that has no secret, an entry of it, and how its page shows that again.
FORMS = {
    "/tokens/": ({"name": "nightly"}, 'value="nightly"'),
    "/types/install/": ({"document": "name: acme"}, "name: acme</textarea>"),
    "/teams/add/": ({"name": "Data science"}, 'value="Data science"'),
    "/people/add/": ({"name": "nina"}, 'value="nina"'),
    "/people/service-accounts/add/": ({"contact": "nina"}, 'value="nina"'),
    "/issuers/add/": ({"issuer": "https://ci.test"}, 'value="https://ci.test"'),
    "/notices/targets/add/": ({"time_zone": "Asia/Kolkata"}, 'value="Asia/Kolkata"'),
}


@pytest.mark.parametrize("path", FORMS)
def test_each_form_comes_back_with_what_was_typed(path, administrator):
    typed, shown = FORMS[path]
    client = browser(administrator, enforce_csrf_checks=True)
    headers = {"Referer": f"http://testserver{path}"}
    answer = client.post(path, typed | {"address": SECRET}, headers=headers)
    page = client.get(answer["Location"])
    assert "This form was out of date, so nothing was saved." in words(page)
    assert shown in html(page) and SECRET not in html(page)


def test_a_tick_that_was_taken_away_stays_away(administrator):
    client = browser(administrator, enforce_csrf_checks=True)
    path = "/notices/targets/add/"
    assert 'name="is_active"' in html(client.get(path))
    headers = {"Referer": f"http://testserver{path}"}
    answer = client.post(path, {"name": "Pager", "kinds": ["failing"]}, headers=headers)
    form = client.get(answer["Location"]).context["form"]
    assert form["is_active"].value() is False and form["kinds"].value() == ["failing"]

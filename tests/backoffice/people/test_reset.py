"""Forgotten passwords: the link, and what the page that asks tells."""

import re
import time
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.contrib.auth.tokens import default_token_generator
from django.core import mail
from django.core.exceptions import ImproperlyConfigured
from django.test import Client

from backoffice.email_settings import read_email
from backoffice.environment import Environment
from backoffice.logs import redact
from backoffice.people.reset import services
from connections.models import ApiToken
from tests.connections.api.calls import token_of
from tests.pages import words
from tests.people import PASSWORD, browser

pytestmark = pytest.mark.django_db
ASK, NEW = "/sign-in/reset/", "a better battery 17"


@pytest.fixture(autouse=True)
def at_once(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """E-mail is set up, and what waits for a thread is done at once."""
    settings.EMAIL_IS_SET_UP, settings.SIGN_IN_ADDRESS = True, "https://switchboard.example"

    def submit(typed: str, language: str) -> None:
        for person in services._people_of(typed):
            services._send(person, language)
        services._places.release()

    monkeypatch.setattr(services, "_submit", submit)


@pytest.fixture
def olaf(operator: User) -> User:
    operator.email = "olaf@example.com"
    operator.save()
    return operator


def ask(name: str, address: str = "192.0.2.1", **headers: Any) -> Any:
    return Client().post(ASK, {"name": name}, REMOTE_ADDR=address, **headers)


def link() -> str:
    """The path of the link in the last mail."""
    found = re.search(r"https://switchboard\.example(/\S+)", str(mail.outbox[-1].body))
    assert found is not None
    return found[1]


@pytest.mark.parametrize("name", ["olaf", "OLAF@example.com"])
def test_the_link_sets_a_password_once_and_ends_sessions_and_tokens(olaf: User, name: str):
    session, _token = browser(olaf), token_of(olaf)
    ask(name, HTTP_HOST="localhost")
    client, there = Client(), link()
    shown = client.get(there, follow=True)
    token = there.rstrip("/").rsplit("/", 1)[1]
    assert token not in shown.redirect_chain[-1][0] and token not in shown.content.decode()
    page = shown.redirect_chain[-1][0]
    assert client.post(page, {"password": "short"}).context["form"].errors
    assert client.post(page, {"password": NEW}).url == "/sign-in/"
    olaf.refresh_from_db()
    assert olaf.check_password(NEW) and session.get("/connections/").status_code == 302
    assert ApiToken.objects.get().revoked_because == "password"
    again = Client()
    assert "works no longer" in words(again.get(there, follow=True))
    assert "works no longer" in words(client.post(page, {"password": PASSWORD}))


def test_the_answer_is_the_same_for_every_name(olaf: User, viewer: User):
    told = {re.sub(r"\s+", " ", words(ask(name))) for name in ("olaf", "nobody", "vera")}
    assert len(told) == 1 and len(mail.outbox) == 1
    waits = [ask(name).status_code for name in ("olaf", "nobody") for _ in range(3)]
    assert waits == [200, 200, 429] * 2


def test_nobody_is_looked_for_before_the_answer(
    olaf: User, monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: Any
):
    monkeypatch.setattr(services, "_submit", lambda *_: services._places.release())
    ask("warm up")
    for name in ("olaf", "nobody"):
        with django_assert_num_queries(10, exact=False):
            ask(name)


def test_a_link_ends_after_an_hour(olaf: User, monkeypatch: pytest.MonkeyPatch):
    ask("olaf")
    now = default_token_generator._now()
    for minutes, is_good in ((59, True), (61, False)):
        later = now + timedelta(minutes=minutes)
        monkeypatch.setattr(default_token_generator, "_now", lambda later=later: later)
        page = words(Client().get(link(), follow=True))
        assert ("works no longer" not in page) is is_good


@pytest.mark.parametrize("change", ["is_active", "password", "email"])
def test_who_cannot_sign_in_with_a_password_gets_no_link(olaf: User, change: str):
    values = {"is_active": False, "email": ""}
    if change == "password":
        olaf.set_unusable_password()
    else:
        setattr(olaf, change, values[change])
    olaf.save()
    ask("olaf")
    assert not mail.outbox


def test_the_mail_speaks_german(olaf: User):
    ask("olaf", HTTP_ACCEPT_LANGUAGE="de")
    assert mail.outbox[0].subject == "Passwort zurücksetzen"
    assert "innerhalb einer Stunde" in str(mail.outbox[0].body)


@pytest.mark.parametrize(
    "address", ["/sign-in/reset/MQ/abc-123def/", "/sign-in/%72eset/MQ/abc-123def"]
)
def test_no_log_has_the_token_of_a_link(address: str):
    assert "abc-123def" not in redact(f'GET {address} "-"')


def test_mails_need_an_address_that_their_links_begin_with():
    given = {"EMAIL_URL": "smtp+tls://user:pass@mail.example.com:587"}
    with pytest.raises(ImproperlyConfigured, match="SIGN_IN_ADDRESS"):
        read_email(Environment({**given}))
    found = read_email(Environment({**given, "SIGN_IN_ADDRESS": "https://sb.example.com"}))
    assert (found["EMAIL_HOST"], found["EMAIL_USE_TLS"]) == ("mail.example.com", True)
    assert found["EMAIL_IS_SET_UP"] and not read_email(Environment({}))["EMAIL_IS_SET_UP"]


def test_without_email_the_page_says_who_can_help(settings: Any):
    settings.EMAIL_IS_SET_UP = False
    assert "Ask an administrator" in words(Client().get(ASK))
    ask("olaf")
    assert not mail.outbox


def test_people_enter_their_address_and_administrators_that_of_others(
    administrator: User, operator: User
):
    mine = browser(operator)
    assert mine.post("/your-sign-in/email/", {"email": "no"}).context["form"].errors
    mine.post("/your-sign-in/email/", {"email": "olaf@example.com"})
    operator.refresh_from_db()
    assert operator.email == "olaf@example.com"
    theirs = browser(administrator)
    theirs.post(f"/people/{operator.pk}/email/", {"email": "o@example.com"})
    operator.refresh_from_db()
    assert operator.email == "o@example.com"
    assert mine.post(f"/people/{administrator.pk}/email/", {"email": "x@x.io"}).status_code == 403


@pytest.mark.django_db(transaction=True)
def test_the_mail_is_sent_by_a_thread_behind_the_answer(
    monkeypatch: pytest.MonkeyPatch, settings: Any
):
    monkeypatch.undo()
    settings.EMAIL_IS_SET_UP, settings.SIGN_IN_ADDRESS = True, "https://switchboard.example"
    User.objects.create_user("olaf", "olaf@example.com", PASSWORD)
    ask("olaf")
    until = time.monotonic() + 10
    while not mail.outbox and time.monotonic() < until:
        time.sleep(0.05)
    assert link()

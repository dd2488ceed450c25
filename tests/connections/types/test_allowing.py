"""The pages on which a person allows a connection: there, back, and everything that is refused."""

import logging
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx2
import pytest
from django.contrib.sessions.models import Session
from django.db import connection as database
from django.http import HttpResponse
from django.test import Client

from connections import services
from connections.models import Connection
from connections.types import services as type_services
from connections.types.services import attempts
from providers.http.authorization_code import grant_of_code
from tests.fakes import connect, reload
from tests.pages import html, told, words
from tests.people import browser

from .authorizing import REFRESH, Service, row_of

pytestmark = pytest.mark.django_db
ALLOWED = "/connections/allowed/"
CODE = "code-of-a-person-8814"


@pytest.fixture
def service() -> Iterator[Service]:
    with Service(code=CODE) as service:
        yield service


@pytest.fixture
def row(service: Service) -> Connection:
    return row_of(service)


@pytest.fixture
def client(operator) -> Client:
    return browser(operator)


def page_of(row: Connection) -> str:
    return f"/connections/{row.pk}/"


def ask(client: Client, row: Connection) -> str:
    """The address at the service, for a person who pressed Allow access."""
    answer = client.post(f"{page_of(row)}allow/")
    assert answer["Location"] == f"{page_of(row)}allow/"
    return str(client.get(answer["Location"]).context["address"])


def back(address: str) -> str:
    """The address that the service sends the person back to."""
    return str(httpx2.get(address).headers["location"])


def back_with(address: str, **given: str) -> str:
    """The same of a service that answers otherwise."""
    state = parse_qs(urlsplit(address).query)["state"][0]
    return f"{ALLOWED}?{urlencode({'state': state} | given)}"


def refused(response: HttpResponse, to: str, said: str) -> bool:
    """True for a refusal that leads to a page, with these words in its message."""
    text = told(response)[-1]
    return (response.status_code, response["Location"], said in text) == (302, to, True)


# There and back


def test_a_person_allows_a_connection(client: Client, row: Connection):
    assert "Not allowed yet" in words(client.get(page_of(row)))
    answer = client.get(back(ask(client, row)))
    assert answer["Location"] == page_of(row)
    assert told(answer) == ["Production is allowed. Its refresh token is stored, encrypted."]
    page = words(client.get(page_of(row)))
    assert "Allow access again" in page and "Not allowed yet" not in page
    client.post(f"{page_of(row)}test/")
    assert reload(row).last_check.success


def test_the_page_says_where_it_leads(client: Client, row: Connection, service: Service):
    address = ask(client, row)
    page = client.get(f"{page_of(row)}allow/")
    assert f"Go to {service.host}" in words(page)
    assert f"http://testserver{ALLOWED}" in words(page)
    query = parse_qs(urlsplit(address).query)
    assert query["redirect_uri"] == [f"http://testserver{ALLOWED}"]
    assert query["code_challenge_method"] == ["S256"]


def test_behind_a_proxy_with_tls_the_redirect_uri_has_https(
    client: Client, row: Connection, settings
):
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    page = client.get(page_of(row), headers={"Host": "testserver", "X-Forwarded-Proto": "https"})
    assert f"https://testserver{ALLOWED}" in words(page)


def test_a_connection_of_another_kind_has_no_such_button(client: Client):
    other = connect("echo", settings={})
    assert "Allow access" not in words(client.get(page_of(other)))
    answer = client.post(f"{page_of(other)}allow/")
    assert refused(answer, page_of(other), "is not a connection that a person allows")


def test_a_connection_without_its_keys_says_what_is_missing(client: Client, service: Service):
    row = row_of(service, client_secret="$OpenAI:ApiKey")
    assert "Not allowed yet" in words(client.get(page_of(row)))
    assert refused(client.post(f"{page_of(row)}allow/"), page_of(row), "$OpenAI:ApiKey")


VARIANTS = """
key: acme.variants
version: 1
label: Acme
fields:
  - {key: token, kind: secret, required: false, visible_when: {variant: token}}
  - {key: refresh_token, kind: secret, required: false, visible_when: {variant: person}}
base_url: https://api.example.com
variants:
  - {key: token, label: Token, auth: {use: bearer, token: "{token}"}}
  - key: person
    label: A person
    auth:
      use: oauth2_code
      authorize_url: https://login.example.com
      token_url: https://api.example.com/token
      client_id: me
      refresh_token: "{refresh_token}"
"""


def test_only_the_variant_that_a_person_allows_asks_for_it():
    type_services.install_type(VARIANTS, actor=None)
    given = [
        {"variant": "token", "token": "secret-of-a-token"},
        {"variant": "person"},
        {"variant": "person", "refresh_token": REFRESH},
    ]
    rows = [connect("acme.variants", settings=one) for one in given]
    assert [type_services.is_allowed(one) for one in rows] == [None, False, True]


def test_behind_a_lost_key_nobody_knows(client: Client, row: Connection, settings):
    settings.FERNET_KEYS = ["another-key-for-tests-only-0123456789abcdef"]
    page = words(client.get(page_of(row)))
    assert "cannot be decrypted" in page and "Not allowed yet" not in page


def test_two_connections_may_be_asked_about_at_once(
    client: Client, row: Connection, service: Service
):
    other = row_of(service)
    first, second = ask(client, row), ask(client, other)
    assert [client.get(back(one))["Location"] for one in (first, second)] == [
        page_of(row),
        page_of(other),
    ]


# Refused


def test_an_answer_counts_once(client: Client, row: Connection, service: Service):
    address = back(ask(client, row))
    client.get(address)
    version, asked = reload(row).version, len(service.requests)
    answer = client.get(address)
    assert refused(answer, "/connections/", "was answered already")
    assert (reload(row).version, len(service.requests)) == (version, asked)


def test_a_refused_answer_counts_too(client: Client, row: Connection):
    address = ask(client, row)
    client.get(back_with(address, code="another"))
    assert refused(client.get(back(address)), "/connections/", "was answered already")


def test_a_later_request_replaces_an_earlier_one(client: Client, row: Connection):
    first = back(ask(client, row))
    ask(client, row)
    assert refused(client.get(first), "/connections/", "press Allow access")


def test_after_ten_minutes_nothing_is_taken(
    client: Client, row: Connection, monkeypatch: pytest.MonkeyPatch
):
    address, then = back(ask(client, row)), time.time()
    monkeypatch.setattr("cryptography.fernet.time.time", lambda: then + attempts.LIFE + 2)
    assert refused(client.get(f"{page_of(row)}allow/"), page_of(row), "lives for 10 minutes")
    assert refused(client.get(address), "/connections/", "more than 10 minutes old")
    monkeypatch.setattr("cryptography.fernet.time.time", lambda: then + attempts.LIFE - 2)
    assert client.get(address)["Location"] == page_of(row)


@pytest.mark.parametrize(
    "given", ["", "?code=c", "?state=other&code=c", "?state=st%C3%A4te%ff&code=c"]
)
def test_an_answer_to_no_request_is_refused(
    client: Client, row: Connection, service: Service, given: str
):
    ask(client, row)
    assert refused(client.get(f"{ALLOWED}{given}"), "/connections/", "no request of yours")
    assert service.asked("/token") == []


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"error": "access_denied"}, "refused at the service"),
        ({"error": "access_denied", "code": CODE}, "refused at the service"),
        ({"error": "<b>made up</b>"}, "The service did not allow it."),
        ({"code": "another"}, "does not accept the user name, password, refresh token, code"),
        ({"code": ""}, "not the answer to this request"),
    ],
)
def test_a_service_that_refuses_is_told(
    client: Client, row: Connection, given: dict[str, str], said: str
):
    answer = client.get(back_with(ask(client, row), **given))
    assert refused(answer, page_of(row), said)
    assert "made up" not in told(answer)[0] and reload(row).version == row.version


def test_a_service_without_a_refresh_token_is_told(
    client: Client, row: Connection, service: Service
):
    service.refresh_token = ""
    assert refused(client.get(back(ask(client, row))), page_of(row), "gave no refresh token")
    assert reload(row).version == row.version


def test_another_persons_session_takes_no_answer(client: Client, row: Connection, administrator):
    address = back(ask(client, row))
    assert refused(browser(administrator).get(address), "/connections/", "by somebody else")
    assert client.get(address)["Location"] == page_of(row)


def test_what_stands_in_a_session_is_for_one_person(row: Connection, operator, administrator):
    session: dict[str, Any] = {}
    asked = type_services.ask_authorization(row, "http://testserver/", actor=operator)
    type_services.keep_question(session, row, asked, actor=operator)
    state = asked.attempt.state
    assert type_services.open_question(session, row, actor=administrator) is None
    assert type_services.take_question(session, state, actor=administrator) is None
    assert type_services.take_question(session, state, actor=operator)
    assert type_services.take_question(session, state, actor=operator) is None


def test_a_session_keeps_only_the_latest_questions(service: Service, operator):
    session: dict[str, Any] = {}
    rows = [row_of(service) for _ in range(attempts.MOST + 1)]
    for row in rows:
        asked = type_services.ask_authorization(row, "http://testserver/", actor=operator)
        type_services.keep_question(session, row, asked, actor=operator)
    kept = [bool(type_services.open_question(session, row, actor=operator)) for row in rows]
    assert kept == [False, *[True] * attempts.MOST]


def test_a_connection_that_was_changed_meanwhile_is_not_asked_at(
    client: Client, row: Connection, service: Service, administrator
):
    address = back(ask(client, row))
    services.update_connection(row, actor=administrator, name="Renamed")
    assert refused(client.get(address), page_of(row), "ada changed the connection meanwhile")
    assert service.asked("/token") == []


def test_a_connection_that_is_changed_while_the_service_answers_stays_as_it_is(
    client: Client, row: Connection, service: Service, monkeypatch: pytest.MonkeyPatch
):
    def changing(*arguments: Any) -> Any:
        Connection.objects.filter(pk=row.pk).update(version=7)
        return grant_of_code(*arguments)

    monkeypatch.setattr("connections.types.services.authorization.grant_of_code", changing)
    answer = client.get(back(ask(client, row)))
    assert refused(answer, page_of(row), "changed the connection meanwhile")
    assert len(service.asked("/token")) == 1 and reload(row).version == 7


def test_a_connection_that_was_deleted_meanwhile_is_told(client: Client, row: Connection):
    address = back(ask(client, row))
    services.delete_connection(row, actor=None)
    assert refused(client.get(address), "/connections/", "deleted the connection")


def test_who_is_not_signed_in_any_more_takes_no_code_along(client: Client, row: Connection):
    address = back(ask(client, row))
    client.post("/sign-out/")
    answer = Client().get(address)
    assert refused(answer, "/sign-in/?next=/connections/", "not signed in any more")


def test_who_may_not_change_connections_is_not_asked(people, row: Connection):
    asked = {name: browser(one).post(f"{page_of(row)}allow/") for name, one in people.items()}
    assert {name: one.status_code for name, one in asked.items()} == {
        "administrator": 302,
        "operator": 302,
        "viewer": 403,
        "stranger": 403,
        "nobody": 302,
    }
    assert asked["nobody"]["Location"].startswith("/sign-in/")
    page = words(browser(people["viewer"]).get(page_of(row)))
    assert "Not allowed yet" in page and "Allow access" not in page


def test_who_lost_the_right_meanwhile_stores_nothing(
    client: Client, operator, row: Connection, service: Service
):
    address = back(ask(client, row))
    operator.groups.clear()
    assert refused(client.get(address), "/", "you may not change connections")
    assert service.asked("/token") == []


@pytest.mark.parametrize("method", ["head", "post", "put"])
def test_only_a_visit_is_an_answer(client: Client, row: Connection, method: str):
    address = back(ask(client, row))
    assert getattr(client, method)(address).status_code == 405
    assert client.get(address)["Location"] == page_of(row)


# Leaks


def test_sessions_are_rows(settings):
    assert settings.SESSION_ENGINE == "django.contrib.sessions.backends.db"


def verifier_of(service: Service) -> str:
    (asked,) = service.asked("/token")
    return asked.form["code_verifier"]


def found_in(secrets: list[str], answers: list[HttpResponse], log: str) -> list[tuple[str, str]]:
    """Where one of the secrets stands: in an answer, in the log, or in a row."""
    places = {"the log": log, "the sessions": "", "the rows": ""}
    for one in answers:
        places[f"{one.status_code} {one.headers.get('Location', '')}"] = (
            f"{one.headers} {one.cookies} {html(one)}"
        )
    for one in Session.objects.all():
        places["the sessions"] += f"{one.session_data} {one.get_decoded()}"
    with database.cursor() as cursor:
        for table in ("connections_connection", "connections_historicalconnection"):
            cursor.execute(f"SELECT * FROM {table}")
            places["the rows"] += repr(cursor.fetchall())
    return [(place, one) for place, text in places.items() for one in secrets if one in text]


def test_nothing_of_it_leaks(
    client: Client, row: Connection, service: Service, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.DEBUG)
    asked = client.post(f"{page_of(row)}allow/")
    answers = [asked, client.get(asked["Location"])]
    sessions = [one.get_decoded() for one in Session.objects.all()]
    address = back(answers[1].context["address"])
    answers += [client.get(address), client.get(address), client.get(page_of(row))]
    secrets = [CODE, REFRESH, "client-secret-7391", verifier_of(service)]
    own = "".join(one.getMessage() for one in caplog.records if not one.name.startswith("http"))
    assert found_in(secrets, answers, own) == []
    assert [one for one in secrets if one in repr(sessions)] == []
    assert answers[2]["Referrer-Policy"] == "no-referrer" and "?" not in answers[2]["Location"]


@pytest.mark.parametrize("debug", [False, True])
def test_a_crash_on_the_way_back_shows_no_code(
    client: Client,
    row: Connection,
    service: Service,
    settings,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    debug: bool,
):
    def crash(*arguments: Any, **named: Any) -> None:
        raise ZeroDivisionError("crashed here")

    settings.DEBUG = debug
    client.raise_request_exception = False
    monkeypatch.setattr("connections.types.services.authorization.core.update_connection", crash)
    answer = client.get(back(ask(client, row)))
    assert answer.status_code == 500 and "crashed here" in caplog.text
    secrets = [CODE, REFRESH, "client-secret-7391", verifier_of(service)]
    assert found_in(secrets, [answer], caplog.text) == []

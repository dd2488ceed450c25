"""A connection that a person allows in a browser, from the command to the request."""

import io
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from django.core.management import CommandError, call_command
from django.db import connection as database
from django.db import transaction

from connections import services
from connections.runtime import get_configured_provider
from connections.types import services as type_services
from providers.core.errors import ProviderError
from providers.http.oauth2_client import MemoryTokens
from tests.fakes import NEWEST_KEY, connect, reload
from tests.httpserver import Answer, RawRequest

from .authorizing import REFRESH, Service, row_of

pytestmark = pytest.mark.django_db


def answered(monkeypatch: pytest.MonkeyPatch, row: Any, **changes: str) -> str:
    """What the command prints, for a person who allows it."""
    out, err = io.StringIO(), io.StringIO()

    class Person:
        def readline(self) -> str:
            query = parse_qs(urlsplit(out.getvalue().strip()).query)
            given = {"state": query["state"][0], "code": "code-1"} | changes
            return f"{query['redirect_uri'][0]}?{urlencode(given)}\n"

    monkeypatch.setattr("sys.stdin", Person())
    call_command("connectiontype", "authorize", row.alias, stdout=out, stderr=err)
    return out.getvalue() + err.getvalue()


def test_a_person_allows_it_and_requests_have_a_token(monkeypatch: pytest.MonkeyPatch):
    with Service() as server:
        row = row_of(server)
        said = answered(monkeypatch, row)
        checked = get_configured_provider(reload(row)).check()
    assert checked.verdict == "It works: HTTP 200."
    assert server.requests[-1].values("authorization") == ["Bearer second"]
    assert "access_type=offline" in said and REFRESH not in said and "7391" not in said
    assert REFRESH not in str(reload(row).settings)


def test_before_that_a_check_says_what_to_do():
    with Service() as server:
        provider = get_configured_provider(row_of(server))
        with pytest.raises(
            ProviderError, match=r"Press Allow access on its page, run .* authorize"
        ) as caught:
            provider.check()
    assert caught.value.code == "unauthorized" and server.requests == []


@pytest.mark.parametrize(
    ("changes", "refresh_token", "said"),
    [
        ({"state": "other"}, REFRESH, "not the answer to this request"),
        ({"code": "other"}, REFRESH, "does not accept"),
        ({"error": "access_denied"}, REFRESH, "was refused at the service"),
        ({}, "", "gave no refresh token"),
    ],
)
def test_another_answer_changes_nothing(
    monkeypatch: pytest.MonkeyPatch, changes: dict[str, str], refresh_token: str, said: str
):
    with Service(refresh_token) as server:
        row = row_of(server)
        with pytest.raises(CommandError, match=said):
            answered(monkeypatch, row, **changes)
    assert reload(row).version == row.version


def test_another_connection_wants_no_such_thing():
    with pytest.raises(services.Invalid):
        type_services.ask_authorization(connect(), "http://localhost", actor=None)


class Changing(Service):
    """A service that gives a new refresh token each time, and takes each once (RFC 6749, section
    10.4).
    """

    number = 0

    def token(self, request: RawRequest) -> Answer:
        """A token that is good for one request, and the next refresh token."""
        form = request.form
        if form["grant_type"] != "refresh_token":
            return super().token(request)
        good = REFRESH if self.number == 0 else f"{REFRESH}-{self.number}"
        if form["refresh_token"] != good:
            return Answer(400, {"error": "invalid_grant"})
        self.number += 1
        kept = {"refresh_token": f"{REFRESH}-{self.number}", "expires_in": 0}
        return Answer(body={"access_token": f"token-{self.number}", **kept})


def check_as_another_worker(monkeypatch: pytest.MonkeyPatch, row: Any) -> str:
    """The verdict of a check by a process that has nothing in its memory."""
    monkeypatch.setattr("connections.access_tokens._memory", MemoryTokens())
    return get_configured_provider(reload(row)).check().verdict


@pytest.mark.django_db(transaction=True)
def test_a_refresh_token_that_changes_is_kept_for_every_worker(
    monkeypatch: pytest.MonkeyPatch, settings: Any
):
    with Changing() as server:
        row = row_of(server)
        answered(monkeypatch, row)
        version = reload(row).version
        said = [check_as_another_worker(monkeypatch, row) for _ in range(3)]
        settings.FERNET_KEYS = [NEWEST_KEY, *settings.FERNET_KEYS]
        said += [check_as_another_worker(monkeypatch, row) for _ in range(2)]
        with database.cursor() as cursor:
            cursor.execute("SELECT * FROM connections_accesstoken")
            stored = repr(cursor.fetchall())
        answered(monkeypatch, row)  # allowed anew, which begins with another refresh token
        server.number = 0
        said.append(check_as_another_worker(monkeypatch, row))
    assert said == ["It works: HTTP 200."] * 6 and reload(row).version == version
    assert REFRESH not in stored and REFRESH.encode().hex() not in stored


@pytest.mark.django_db(transaction=True)
def test_without_a_place_to_write_a_changing_refresh_token_stays_in_memory(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr("connections.access_tokens._memory", MemoryTokens())
    with Changing() as server:
        row = row_of(server)
        answered(monkeypatch, row)
        with transaction.atomic():
            said = [get_configured_provider(reload(row)).check().verdict for _ in range(3)]
    assert said == ["It works: HTTP 200."] * 3 and server.number == 3

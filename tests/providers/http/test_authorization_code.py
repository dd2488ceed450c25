"""OAuth2's authorization code: the address that a person opens, and what comes back."""

import base64
import hashlib
from dataclasses import replace
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

from providers.core.errors import ProviderError
from providers.http.authorization_code import (
    Attempt,
    Authorization,
    authorization_address,
    code_in,
    grant_of_code,
)
from providers.http.credentials import Grant

ATTEMPT = Attempt("http://localhost/back", "state-1", "verifier-1")
GRANT = Grant(
    "https://login.example/token",
    {"grant_type": "refresh_token", "scope": "a b", "refresh_token": ""},
    "me",
    "client-secret-7391",
)
WANTED = Authorization(
    "https://login.example/authorize", {"access_type": "offline"}, GRANT, "refresh_token"
)


def test_the_address_is_as_rfc_6749_and_7636_have_it():
    parts = urlsplit(authorization_address(WANTED, ATTEMPT))
    digest = hashlib.sha256(b"verifier-1").digest()
    assert f"{parts.scheme}://{parts.netloc}{parts.path}" == WANTED.authorize_url
    assert dict(parse_qsl(parts.query)) == {
        "access_type": "offline",
        "response_type": "code",
        "client_id": "me",
        "redirect_uri": "http://localhost/back",
        "scope": "a b",
        "state": "state-1",
        "code_challenge": base64.urlsafe_b64encode(digest).decode().rstrip("="),
        "code_challenge_method": "S256",
    }
    assert "7391" not in parts.query and "verifier-1" not in parts.query


def test_what_the_page_s_address_asks_already_stays():
    one = replace(WANTED, authorize_url="https://login.example/authorize?tenant=a")
    assert authorization_address(one, ATTEMPT).startswith(f"{one.authorize_url}&access_type=")


def test_a_code_is_given_for_a_token():
    address = "http://localhost/back?" + urlencode({"state": "state-1", "code": "c&1"})
    made = grant_of_code(WANTED, ATTEMPT, code_in(f" {address}\n", ATTEMPT))
    assert (made.client_id, made.client_secret) == ("me", "client-secret-7391")
    assert {name: said for name, said in made.parameters.items() if said} == {
        "grant_type": "authorization_code",
        "code": "c&1",
        "redirect_uri": "http://localhost/back",
        "code_verifier": "verifier-1",
    }


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ("", "bad_request"),
        ("http://[", "bad_request"),
        ("http://localhost/back?code=c", "bad_request"),
        ("http://localhost/back?state=other&code=c", "bad_request"),
        ("http://localhost/back?state=st\u00e4te&code=c", "bad_request"),
        ("http://localhost/back?state=state-1", "bad_request"),
        ("http://localhost/back?state=state-1&error=access_denied", "forbidden"),
        ("http://localhost/back?state=state-1&error=invalid_scope&code=c", "bad_request"),
        ("http://localhost/back?state=state-1&error=made_up", "forbidden"),
    ],
)
def test_another_answer_is_refused(answer: str, code: str):
    with pytest.raises(ProviderError) as caught:
        code_in(answer, ATTEMPT)
    assert caught.value.code == code and caught.value.permanent


def test_a_service_that_is_away_is_no_refusal_for_good():
    with pytest.raises(ProviderError, match="later") as caught:
        code_in("http://localhost/back?state=state-1&error=temporarily_unavailable", ATTEMPT)
    assert not caught.value.permanent


def test_no_object_shows_what_is_secret():
    assert not [one for one in ("state-1", "verifier-1", "7391") if one in repr((WANTED, ATTEMPT))]

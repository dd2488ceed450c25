"""How long somebody may stay who came by a provider, and what ends with it."""

import logging
import time
from datetime import timedelta

import pytest
from allauth.socialaccount.models import SocialAccount
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from backoffice.people import services as people_services
from backoffice.people.models import ProviderSession
from backoffice.people.oidc import id_tokens, staying
from connections.jobs import declared
from connections.models import ApiToken, EndedBecause
from connections.services import create_token, find_caller, revoke_token
from tests.httpserver import Answer
from tests.people import PASSWORD

pytestmark = pytest.mark.django_db
EVENTS = {id_tokens.LOGOUT_EVENT: {}}


@pytest.fixture
def olaf(operator) -> User:
    """An operator who is linked to the provider."""
    SocialAccount.objects.create(user=operator, provider="acme", uid="subject-1")
    return operator


def come(acme, **claims) -> Client:
    client = Client()
    acme.sign_in(client, **claims)
    return client


def stays(client: Client) -> bool:
    return client.get("/connections/").status_code == 200


def token_of(user: User) -> str:
    return create_token("Site", user=user, actor=None, scopes=["gateway:use"])[1]


def ask_later() -> str:
    """As if the time to ask had come."""
    due = timezone.now() - staying.ASK_EVERY
    ProviderSession.objects.filter(asked_at__isnull=False).update(asked_at=due)
    return staying.ask_due()


def test_who_is_deactivated_there_is_out_with_sessions_and_tokens(acme, olaf, caplog):
    client, text = come(acme), token_of(olaf)
    local = Client()
    local.post("/sign-in/", {"username": "olaf", "password": PASSWORD})
    assert ask_later().startswith("Sign-ins: 1 asked about, 0 ended")
    assert stays(client) and find_caller(text)
    acme.refusal = "invalid_grant"
    with caplog.at_level(logging.WARNING):
        assert ask_later().startswith("Sign-ins: 1 asked about, 1 ended")
    assert not stays(client) and not stays(local) and find_caller(text) is None
    assert ApiToken.objects.get().revoked_because == EndedBecause.PROVIDER
    assert "ended by Acme, refused by the provider" in caplog.text


def test_the_job_asks_often_enough_for_five_minutes():
    job = next(one for one in declared() if one.name == "ask-providers")
    longest = staying.ASK_EVERY + job.every + timedelta(seconds=staying.RUN_SECONDS)
    assert longest + timedelta(seconds=30) < timedelta(minutes=5) and job.is_quick


def test_nothing_is_asked_before_its_time(acme, olaf):
    come(acme)
    asked = len(acme.requests)
    staying.ask_due()
    assert len(acme.requests) == asked


def test_tokens_come_back_with_the_next_sign_in_by_the_provider_only(acme, olaf):
    come(acme)
    text, revoked = token_of(olaf), token_of(olaf)
    acme.refusal = "invalid_grant"
    ask_later()
    revoke_token(ApiToken.objects.get(prefix=revoked[: len("sb_") + 8]), actor=olaf)
    Client().post("/sign-in/", {"username": "olaf", "password": PASSWORD})
    assert find_caller(text) is None
    acme.refusal = ""
    come(acme)
    assert find_caller(text) is not None
    assert find_caller(revoked) is None


@pytest.mark.parametrize("end", ["role", "password", "deactivated"])
def test_what_ends_tokens_for_good_does_so_after_a_provider_too(acme, olaf, administrator, end):
    come(acme)
    text = token_of(olaf)
    acme.refusal = "invalid_grant"
    ask_later()
    if end == "role":
        people_services.set_role(olaf, None, actor=None)
    elif end == "password":
        people_services.set_password(olaf, "a-new-and-long-secret", actor=None)
    else:
        people_services.set_active(olaf, False, actor=None)
        people_services.set_active(olaf, True, actor=None)
    acme.refusal = ""
    come(acme)
    assert find_caller(text) is None
    assert ApiToken.objects.get().revoked_because == end


@pytest.mark.parametrize(
    "trouble",
    [Answer(500), Answer(429), Answer(400, {"error": "invalid_client"}), Answer(body="no JSON")],
)
def test_a_provider_that_is_away_sends_nobody_away(acme, olaf, trouble, caplog):
    client, text = come(acme), token_of(olaf)
    right = acme.answers["/token"]
    acme.answers["/token"] = trouble
    assert "0 ended" in ask_later()
    assert stays(client) and find_caller(text)
    assert "Acme was not asked who may stay" in caplog.text
    acme.answers["/token"], acme.refusal = right, "invalid_grant"
    assert "1 ended" in staying.ask_due()  # it is asked again at the next run, not in some minutes


def test_each_refresh_token_is_used_once(acme, olaf):
    come(acme)
    row = ProviderSession.objects.get()
    ask_later()
    ask_later()
    used = [one.form.get("refresh_token") for one in acme.asked("/token")]
    assert used == [None, "refresh-token-1", "refresh-token-2"]
    assert not staying._claimed(row)  # somebody else asked meanwhile


def test_one_refused_sign_in_of_several_ends_alone(acme, olaf):
    first, second, text = come(acme), come(acme), token_of(olaf)
    row = ProviderSession.objects.order_by("date_created").first()
    acme.refusal = "invalid_grant"
    ProviderSession.objects.filter(pk=row.pk).update(asked_at=timezone.now() - staying.ASK_EVERY)
    staying.ask_due()
    assert not stays(first) and stays(second) and find_caller(text)
    staying.ask_due()  # the other one is asked about at once
    assert not stays(second) and find_caller(text) is None


def test_groups_that_change_there_change_the_role_here(acme, settings, olaf, administrator):
    settings.IDENTITY_PROVIDERS = {
        "acme": acme.ours(roles=(("boss", "Administrators"), ("staff", "Viewers")))
    }
    client = come(acme, groups=["boss"])
    text = token_of(olaf)
    acme.claims = {"groups": ["boss", "staff"]}
    ask_later()
    assert stays(client) and find_caller(text)
    acme.claims = {}
    ask_later()  # a provider that sends groups at a sign-in only
    assert stays(client)
    acme.claims = {"groups": ["staff"]}
    ask_later()
    assert [one.name for one in olaf.groups.all()] == ["Viewers"]
    assert not stays(client) and find_caller(text) is None  # as with any lesser role
    client = come(acme)
    acme.claims = {"groups": []}
    ask_later()
    assert not olaf.groups.exists() and not stays(client)


def test_an_id_token_of_somebody_else_changes_nothing(acme, settings, olaf):
    settings.IDENTITY_PROVIDERS = {"acme": acme.ours(roles=(("boss", "Administrators"),))}
    client = come(acme)
    acme.claims = {"groups": ["boss"], "sub": "subject-2"}
    ask_later()
    assert [one.name for one in olaf.groups.all()] == ["Operators"] and stays(client)


def test_a_provider_without_refresh_tokens_is_not_asked(acme, olaf):
    acme.gives = {"refresh_token": None}
    client = come(acme)
    assert ask_later().startswith("Sign-ins: 0 asked about") and stays(client)


def test_a_provider_that_is_taken_out_ends_its_sessions(acme, olaf, settings):
    client, text = come(acme), token_of(olaf)
    settings.IDENTITY_PROVIDERS = {}
    assert not stays(client) and find_caller(text)


def test_after_signing_out_it_is_asked_on_while_there_are_tokens(acme, olaf):
    text = token_of(olaf)
    come(acme).post("/sign-out/")
    come(acme).post("/sign-out/")
    assert ask_later() == "Sign-ins: 1 asked about, 0 ended, 1 forgotten."
    acme.refusal = "invalid_grant"
    ask_later()
    assert find_caller(text) is None and not ProviderSession.objects.exists()
    acme.refusal = ""
    come(acme).post("/sign-out/")
    ApiToken.objects.all().delete()
    assert ask_later() == "Sign-ins: 0 asked about, 0 ended, 1 forgotten."


def test_a_session_that_ran_out_is_forgotten(acme, olaf):
    come(acme)
    Session.objects.update(expire_date=timezone.now())
    assert staying.ask_due().endswith("1 forgotten.")


def test_keys_that_are_lost_end_the_sign_in(acme, olaf, settings):
    client = come(acme)
    settings.FERNET_KEYS = ["another-key-that-opens-nothing-of-before"]
    assert "1 ended" in ask_later() and not stays(client)


def signed_out(acme, **claims) -> int:
    usual = {"jti": f"one-{time.monotonic_ns()}", "events": EVENTS, "sub": None, "sid": None}
    acme.claims = {}
    text = acme.token(**{**usual, **claims})
    answer = Client(enforce_csrf_checks=True).post(
        "/sign-in/by/acme/signed-out/", {"logout_token": text}
    )
    assert answer["Cache-Control"] == "no-store"
    return answer.status_code


def test_a_sign_out_there_ends_that_session_here(acme, olaf):
    one, other, text = come(acme, sid="s-1"), come(acme, sid="s-2"), token_of(olaf)
    assert signed_out(acme, sid="s-1") == 200
    assert not stays(one) and stays(other)
    assert signed_out(acme, sub="subject-1") == 200
    assert not stays(other) and find_caller(text)
    assert staying.ask_due().startswith("Sign-ins: 1 asked about, 0 ended")


@pytest.mark.parametrize(
    "claims",
    [
        {"sub": "subject-1", "events": {}},
        {"sub": "subject-1", "events": None},
        {"sub": "subject-1", "nonce": "x"},
        {"sub": "subject-1", "jti": None},
        {"sub": "subject-1", "aud": "other"},
        {"sub": "subject-1", "iss": "https://evil.example"},
        {"sub": "subject-1", "iat": int(time.time()) - 3600, "exp": None},
        {},
    ],
)
def test_a_logout_token_that_is_not_as_it_must_be_ends_nothing(acme, olaf, claims):
    client = come(acme)
    assert signed_out(acme, **claims) == 400
    assert stays(client)


def test_a_logout_token_counts_once(acme, olaf):
    assert signed_out(acme, sub="subject-1", jti="same") == 200
    client = come(acme)
    assert signed_out(acme, sub="subject-1", jti="same") == 400
    assert stays(client)


def test_no_logout_token_is_no_server_error(acme):
    for posted in ({}, {"logout_token": "x.y.z"}, {"logout_token": "\x00"}):
        assert Client().post("/sign-in/by/acme/signed-out/", posted).status_code == 400


def test_a_changed_password_keeps_its_own_session(acme, olaf):
    client = come(acme)
    new = "a-new-and-long-secret"
    client.post(
        "/password/", {"old_password": PASSWORD, "new_password1": new, "new_password2": new}
    )
    assert stays(client)
    assert staying.ask_due().endswith("0 forgotten.")

"""What providers let in, give, take away and end, as events tell it."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from backoffice.people.oidc import staying
from backoffice.people.oidc.services import account_of, apply_groups
from connections.audit import bounded
from connections.models import AuditEvent
from connections.services import create_team
from tests.backoffice.people.oidc.test_staying import signed_out
from tests.event_doors import events, last
from tests.events import body_of

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _nothing_before() -> None:
    bounded.forget()


def told() -> list[tuple[str, str, str, str]]:
    return [(one.action, one.outcome, one.actor_name, one.object_name) for one in events()]


def test_a_newcomer_is_made_given_a_role_and_signs_in(
    acme: Any, settings: Any, administrator: User
):
    roles, teams = (("staff", "Operators"),), (("staff", "Red", "viewer"),)
    create_team("Red", actor=None)
    before = len(events())
    settings.IDENTITY_PROVIDERS = {"acme": acme.ours(roles=roles, teams=teams)}
    acme.sign_in(Client(), groups=["staff"], email="eve@example.com", email_verified=True)
    assert told()[before:] == [
        ("person.create", "done", "Acme", "eve@example.com"),
        ("grants.update", "done", "Acme", "eve@example.com"),
        ("person.sign_in", "done", "eve@example.com", "eve@example.com"),
    ]
    assert body_of(last())["detail"] == {"with": "socialaccount", "by": "Acme"}
    granted = body_of(last(action="grants.update"))
    assert ["team Red", "", "viewer"] in granted["changes"]
    assert ["role", "", "Operators"] in granted["changes"]


def test_who_is_not_let_in_is_told_once(acme: Any, settings: Any, operator: User):
    settings.IDENTITY_PROVIDERS = {"acme": acme.ours(groups=())}
    acme.sign_in(Client(), email="eve@example.com", email_verified=True)
    assert told() == [("person.sign_in", "refused", "Acme", "")]
    assert last().code == "no_account"
    assert body_of(last())["detail"] == {"by": "Acme", "person there": "eve@example.com"}


def test_answers_that_anybody_can_send_leave_one_event_a_minute(acme: Any):
    for _ in range(5):
        Client().get("/sign-in/by/acme/done/", {"code": "x", "state": "y"})
    assert [(one.action, one.outcome, one.code) for one in events()] == [
        ("person.sign_in", "refused", "provider")
    ]


def test_a_sign_out_there_is_told_and_a_wrong_one_once_a_minute(acme: Any, operator: User):
    acme.sign_in(Client(), email="eve@example.com", email_verified=True)
    before = len(events())
    signed_out(acme, sub="subject-1")
    assert [one[:3] for one in told()[before:]] == [("session.end", "done", "Acme")]
    for _ in range(3):
        Client().post("/sign-in/by/acme/signed-out/", {"logout_token": "x"})
    assert [one[:3] for one in told()[before + 1 :]] == [("session.end", "refused", "Acme")]


def test_whom_the_provider_refuses_is_told_with_the_reason(acme: Any):
    acme.gives = {"refresh_token": "r-1"}
    acme.sign_in(Client(), email="eve@example.com", email_verified=True)
    before = len(events())
    acme.refusal = "invalid_grant"
    staying.ASK_EVERY, usual = staying.ASK_EVERY * 0, staying.ASK_EVERY
    try:
        staying.ask_due()
    finally:
        staying.ASK_EVERY = usual
    assert [one[:3] for one in told()[before:]] == [("session.end", "done", "Acme")]
    assert body_of(last())["detail"] == {"because": "refused by the provider"}
    assert "r-1" not in str([*AuditEvent.objects.values()])


def test_groups_that_stand_for_the_same_leave_no_event(
    acme: Any, settings: Any, administrator: User
):
    provider = acme.ours(roles=(("staff", "Operators"),))
    settings.IDENTITY_PROVIDERS = {"acme": provider}
    acme.sign_in(Client(), groups=["staff"], email="eve@example.com", email_verified=True)
    account, before = account_of(provider, "subject-1"), len(events())
    assert account is not None
    apply_groups(provider, account, ["staff"])
    assert len(events()) == before

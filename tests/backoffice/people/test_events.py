"""Each act on people leaves exactly one event, done or refused. The table names every service that
changes something, the list every other one.
"""

from dataclasses import dataclass
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.contrib.auth.models import Group, User
from django.contrib.auth.tokens import default_token_generator
from django.utils import timezone

from backoffice.people import access, services
from backoffice.people.models import ProviderSession, ViewAs
from backoffice.people.oidc import membership, staying
from backoffice.people.oidc import services as oidc
from backoffice.people.oidc.claims import Identity
from backoffice.people.reset import services as reset
from backoffice.people.service_accounts import services as service_accounts
from backoffice.people.signin import factors, sessions
from backoffice.people.teams import services as teams
from backoffice.people.view_as import services as view_as
from connections.models import ApiToken, EndedBecause, ServiceAccount, Team
from connections.services import create_team
from tests.event_doors import Door, doors_of, judge, left_in
from tests.identity import SignedProvider
from tests.people import browser

pytestmark = [pytest.mark.django_db, pytest.mark.server]

NEW = "a better battery 17"
MODULES = (services, access, oidc, membership, staying, reset, service_accounts, teams, view_as)
MODULES = (*MODULES, factors, sessions)


@dataclass
class World:
    """Whom the acts are about. `account`: the link of olaf to a provider."""

    ada: User
    olaf: User
    vera: User
    team: Team
    acme: Any
    account: SocialAccount
    robot: ServiceAccount


@pytest.fixture
def world(administrator: Any, operator: Any, viewer: Any, acme: Any, settings: Any) -> World:
    provider = acme.ours(roles=(("staff", "Viewers"),))
    settings.IDENTITY_PROVIDERS = {"acme": provider}
    account = SocialAccount.objects.create(user=operator, provider="acme", uid="subject-1")
    robot = service_accounts.add_service_account(
        "ci", role=role("Viewers"), contact="ada", actor=None
    )
    team = create_team("Red", actor=None)
    return World(administrator, operator, viewer, team, provider, account, robot)


@pytest.fixture
def acme(settings: Any) -> Any:
    with SignedProvider() as provider:
        yield provider


def role(name: str) -> Group:
    return Group.objects.get(name=name)


def identity(subject: str = "subject-1", *groups: str) -> Identity:
    return Identity(subject, "someone", "someone@example.com", "Some One", groups)


def with_factor(user: User) -> User:
    Authenticator.objects.bulk_create([Authenticator(user=user, type="totp", data={"secret": ""})])
    return user


def seen_as(w: World) -> Any:
    return view_as.begin(w.olaf, actor=w.ada, address="")


def viewing(w: World) -> ViewAs:
    now = timezone.now()
    names = {"viewer_name": "ada", "person_name": "olaf", "began_at": now, "until": now}
    return ViewAs.objects.create(viewer=w.ada, person=w.olaf, **names)


def stopped(w: World) -> SocialAccount:
    columns = {"revoked_because": EndedBecause.PROVIDER, "revoked_at": w.olaf.date_joined}
    ApiToken.objects.create(name="ci", user=w.olaf, prefix="sb_x", digest="x", **columns)
    return w.account


def session_of(w: World) -> ProviderSession:
    return ProviderSession.objects.create(account=w.account, session_key="x")


def two_sessions(w: World) -> User:
    browser(w.olaf), browser(w.olaf)
    return w.olaf


PEOPLE = {
    "people.services.add_person": Door(
        "person.create",
        lambda w: services.add_person("eve", NEW, role("Viewers"), actor=w.ada, team=w.team),
        lambda w: services.add_person("eve", NEW, role("Viewers"), actor=w.vera),
    ),
    "people.services.set_role": Door(
        "person_role.update",
        lambda w: services.set_role(w.olaf, role("Viewers"), actor=w.ada),
        lambda w: services.set_role(w.ada, None, actor=w.ada),
    ),
    "people.services.set_active": Door(
        "person.deactivate",
        lambda w: services.set_active(w.olaf, False, actor=w.ada),
        lambda w: services.set_active(w.ada, False, actor=w.ada),
    ),
    "people.services.deactivate_several": Door(
        "person.deactivate",
        lambda w: services.deactivate_several([w.olaf], actor=w.ada),
        lambda w: services.deactivate_several([w.ada], actor=w.olaf),
    ),
    "people.services.set_password": Door(
        "password.update",
        lambda w: services.set_password(w.olaf, NEW, actor=w.ada),
        lambda w: services.set_password(w.olaf, "short", actor=w.ada),
    ),
    "people.services.remove_second_factor": Door(
        "second_factors.delete",
        lambda w: services.remove_second_factor(with_factor(w.olaf), actor=w.ada),
        lambda w: services.remove_second_factor(with_factor(w.ada), actor=w.ada),
    ),
    "people.access.end_access": Door(
        "access.end", lambda w: access.end_access(w.olaf.pk, EndedBecause.ROLE), None
    ),
    "people.service_accounts.services.add_service_account": Door(
        "service_account.create",
        lambda w: service_accounts.add_service_account(
            "cd", role=role("Viewers"), contact="ada", actor=w.ada
        ),
        lambda w: service_accounts.add_service_account(
            "ci", role=role("Viewers"), contact="ada", actor=w.ada
        ),
    ),
    "people.service_accounts.services.change_service_account": Door(
        "service_account.update",
        lambda w: service_accounts.change_service_account(
            w.robot, actor=w.ada, name="cd", role=role("Operators"), is_active=False
        ),
        lambda w: service_accounts.change_service_account(w.robot, actor=w.ada, name="Not One"),
    ),
    "people.service_accounts.services.delete_service_account": Door(
        "service_account.delete",
        lambda w: service_accounts.delete_service_account(w.robot, actor=w.ada),
        lambda w: service_accounts.delete_service_account(w.robot, actor=w.vera),
    ),
    "people.teams.services.add_member": Door(
        "team.update",
        lambda w: teams.add_member(w.team, "olaf", "operator", actor=w.ada),
        lambda w: teams.add_member(w.team, "no such one", "operator", actor=w.ada),
    ),
    "people.view_as.services.begin": Door(
        "viewing.begin",
        seen_as,
        lambda w: view_as.begin(w.ada, actor=w.olaf, address=""),
    ),
    "people.view_as.services.end": Door(
        "viewing.end", lambda w: view_as.end(viewing(w).pk, actor=w.ada), None
    ),
    "people.view_as.services.note_refusal": Door(
        "viewing.use",
        None,
        lambda w: view_as.note_refusal(viewing(w), view_as.OnlyViewing(viewing(w)), actor=w.ada),
    ),
    "people.reset.services.ask_for_link": Door(
        "password_link.create",
        lambda w: reset._send(w.olaf, "en"),
        lambda _w: [reset.ask_for_link("no such one", "192.0.2.1", "en") for _ in range(9)],
    ),
    "people.reset.services.reset_password": Door(
        "password.reset",
        lambda w: reset.reset_password(w.olaf, default_token_generator.make_token(w.olaf), NEW),
        lambda w: reset.reset_password(w.olaf, "used already", NEW),
    ),
    "people.reset.services.set_email": Door(
        "email.update",
        lambda w: reset.set_email(w.olaf, "olaf@example.com", actor=w.olaf),
        lambda w: reset.set_email(w.olaf, "not one", actor=w.olaf),
    ),
    "people.oidc.services.welcome": Door(
        "grants.update",
        lambda w: oidc.welcome(w.acme, identity("subject-1", "staff")),
        None,  # as a refused sign-in, below
    ),
    "people.oidc.services.apply_groups": Door(
        "grants.update", lambda w: oidc.apply_groups(w.acme, w.account, ["staff"]), None
    ),
    "people.oidc.services.link": Door(
        "provider_link.create",
        lambda w: oidc.link(w.vera, w.acme, identity("subject-2")),
        lambda w: oidc.link(w.vera, w.acme, identity("subject-1")),
    ),
    "people.oidc.services.unlink": Door(
        "provider_link.delete",
        lambda w: oidc.unlink(w.account, actor=w.ada),
        lambda w: oidc.unlink(w.account, actor=w.vera),
    ),
    "people.oidc.services.expect": Door(
        "provider_link.prepare",
        lambda w: oidc.expect(w.vera, "acme", "vera@example.com", actor=w.ada),
        lambda w: oidc.expect(w.vera, "other", "vera@example.com", actor=w.ada),
    ),
    "people.oidc.staying.begin": Door(
        "access.resume", lambda w: staying.begin(stopped(w), "x", "", {}), None
    ),
    "people.oidc.staying.end": Door("session.end", lambda w: staying.end([session_of(w)]), None),
    "people.oidc.staying.ask_due": Door(
        "session.end",
        lambda w: staying._refused(w.acme, session_of(w), "refused by the provider"),
        None,
    ),
    "people.signin.factors.note_change": Door(
        "second_factor.create",
        lambda w: Authenticator.objects.create(user=w.olaf, type="totp", data={}),
        None,
    ),
    "people.signin.sessions.note_sign_out": Door(
        "person.sign_out", lambda w: browser(w.olaf).post("/sign-out/"), None
    ),
    "people.signin.sessions.end_others": Door(
        "session.end", lambda w: sessions.end_others(two_sessions(w), None), None
    ),
}
# What tells, and what is a part of an act above
OTHERS = {
    *("people.services.administrators", "people.services.may_change", "people.services.people"),
    *("people.services.may_change_of", "people.services.require_may_change"),
    *("people.services.require_may_give", "people.services.roles"),
    "people.services.validated_password",
    "people.services.choose",  # of oneself: docs/audit.md
    *("people.access.rights_of", "people.access.roles_change", "people.access.subject_of"),
    "people.access.watch_people",
    *("people.oidc.services.account_of", "people.oidc.services.shown_of"),
    *("people.oidc.membership.apply_teams", "people.oidc.staying.sign_out"),
    *("people.reset.services.is_offered", "people.reset.services.may_reset"),
    "people.reset.services.person_of_link",
    "people.service_accounts.services.service_accounts",
    *(f"people.teams.services.{one}" for one in ("counted_teams", "listed_teams", "holdings")),
    *("people.teams.services.shared_by", "people.teams.services.heirs_of"),
    *(f"people.view_as.services.{one}" for one in ("may_view_as", "current", "views_as")),
    *(f"people.signin.factors.{one}" for one in ("must_have", "is_of_roles", "has_any", "lacks")),
    *(f"people.signin.factors.{one}" for one in ("kinds_of", "remove_all", "keep_secret")),
    *("people.signin.factors.find_secret", "people.signin.factors.forget_secret"),
    *(f"people.signin.sessions.{one}" for one in ("note_sign_in", "has_ended", "is_due")),
    *(f"people.signin.sessions.{one}" for one in ("note_use", "open_sessions", "end_sessions")),
    *("people.signin.sessions.end_session", "people.signin.sessions.prune"),
}


def test_every_service_is_in_the_table_or_among_the_others():
    assert doors_of(MODULES) == {*PEOPLE, *OTHERS}


def test_each_act_leaves_one_event_done_or_refused(world: World, settings: Any):
    settings.SIGN_IN_ADDRESS = "https://switchboard.example"
    judge(PEOPLE, world)


def test_what_changes_nothing_leaves_no_event(world: World):
    acts = (
        lambda w: services.set_role(w.olaf, role("Operators"), actor=w.ada),
        lambda w: services.set_active(w.olaf, True, actor=w.ada),
        lambda w: reset.set_email(w.olaf, w.olaf.email, actor=w.ada),
        lambda w: service_accounts.change_service_account(w.robot, actor=w.ada, name="ci"),
        lambda w: services.remove_second_factor(w.olaf, actor=w.ada),
        lambda w: staying.end([]),
        lambda w: sessions.end_others(w.olaf, None),
        lambda w: oidc.link(w.olaf, w.acme, identity("subject-1")),
    )
    for act in acts:
        assert left_in(act, world) == []

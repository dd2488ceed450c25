"""What is done with trusted issuers, and what their tokens are refused, leaves events."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied

from connections.audit.services import Origin, coming_from
from connections.errors import Invalid
from connections.models import AuditEvent, IssuerRule, ServiceAccount, TrustedIssuer
from connections.workloads import services
from tests.events import body_of, left_by, told
from tests.issuers import AUDIENCE, Issuer

from .conftest import made

pytestmark = [pytest.mark.django_db, pytest.mark.server]

# What the door offers, and the action of the event that a call leaves
ACTIONS = {
    "change_issuer": "issuer.update",
    "change_rule": "issuer_rule.update",
    "create_issuer": "issuer.create",
    "create_rule": "issuer_rule.create",
    "delete_issuer": "issuer.delete",
    "delete_rule": "issuer_rule.delete",
    "fetch_keys": "issuer_keys.fetch",
    "try_token": "issuer.test",
}
# What changes nothing, or is no act of a person: usage, and keys that are public
READERS = frozenset(
    {"declare_jobs", "find_rule", "find_workload", "is_signed_token", "judge", "kept_for"}
    | {"refresh_keys", "rules_of", "trusted_issuers"}
)

Act = Callable[[str, Any], Any]


@pytest.fixture
def act(trusted: TrustedIssuer, rule: IssuerRule, ci: ServiceAccount, issuer: Issuer) -> Act:
    """Calls one of the door, as somebody."""
    other = {"name": "other", "issuer": "https://other.example", "audiences": ["us"]}
    of_rule = {"name": "second", "conditions": {"sub": "x"}, "account": ci, "scopes": ["admin"]}
    calls: dict[str, Callable[[Any], Any]] = {
        "change_issuer": lambda who: services.change_issuer(
            trusted, {"is_active": False}, actor=who
        ),
        "change_rule": lambda who: services.change_rule(rule, {"name": "third"}, actor=who),
        "create_issuer": lambda who: services.create_issuer(actor=who, **other),
        "create_rule": lambda who: services.create_rule(trusted, actor=who, **of_rule),
        "delete_issuer": lambda who: services.delete_issuer(trusted, actor=who),
        "delete_rule": lambda who: services.delete_rule(rule, actor=who),
        "fetch_keys": lambda who: services.fetch_keys(trusted, actor=who),
        "try_token": lambda who: services.try_token(issuer.token(), actor=who),
    }
    return lambda name, who: calls[name](who)


@pytest.mark.parametrize("name", ACTIONS)
def test_what_is_done_and_what_is_refused_leaves_one_event(
    act: Act, name: str, administrator: Any, stranger: Any
):
    [refused] = left_by(lambda: act(name, stranger), PermissionDenied)
    assert (refused.action, refused.outcome) == (ACTIONS[name], "refused")
    assert refused.code.startswith(("missing_right", "permission_denied"))
    assert refused.actor_name == "sten"
    [done] = left_by(lambda: act(name, administrator))
    assert (done.action, done.outcome, done.code) == (ACTIONS[name], "done", "")
    assert (done.actor_name, done.object_kind) == ("ada", done.action.split(".")[0].split("_k")[0])


def test_every_act_of_the_door_is_in_the_table():
    acts = {one for one in services.__all__ if one[0].islower()}
    assert acts == ACTIONS.keys() | READERS


def test_a_change_is_told_by_its_columns(rule: IssuerRule, administrator: Any):
    values = {"is_active": False, "scopes": ["gateway:use"]}
    [event] = left_by(lambda: services.change_rule(rule, values, actor=administrator))
    assert body_of(event)["changes"] == [
        ["is_active", "true", "false"],
        ["scopes", '["connections:read", "gateway:use"]', '["gateway:use"]'],
    ]
    assert [one[:1] for one in body_of(event)["others"]] == [["issuer"]]


def test_what_changes_nothing_leaves_no_event(trusted: TrustedIssuer, rule: IssuerRule):
    assert left_by(lambda: services.change_issuer(trusted, {"name": "forge"}, actor=None)) == []
    assert left_by(lambda: services.change_rule(rule, {"position": 1}, actor=None)) == []


def test_a_refused_name_is_not_told(trusted: TrustedIssuer):
    def rename() -> None:
        services.change_issuer(trusted, {"name": "sb_what was typed"}, actor=None)

    [event] = left_by(rename, Invalid)
    assert (event.object_name, event.code) == ("forge", "name: invalid")


def test_a_deleted_issuer_is_told_with_its_rules(trusted: TrustedIssuer, rule: IssuerRule):
    pk = str(rule.pk)
    [event] = left_by(lambda: services.delete_issuer(trusted, actor=None))
    assert body_of(event)["others"] == [["issuer_rule", pk, str(rule)]]


def test_a_tried_token_is_told_by_what_became_of_it(rule: IssuerRule, issuer: Issuer):
    good, bad = issuer.token(), issuer.token(aud="others")
    [taken] = left_by(lambda: services.try_token(good, actor=None))
    [refused] = left_by(lambda: services.try_token(bad, actor=None))
    assert body_of(taken)["detail"] == {"taken_by": "deploy"}
    assert body_of(refused)["detail"] == {"ends_at": "audience"}
    rows = repr(list(AuditEvent.objects.values()))
    assert not any(part in rows for part in [*good.split("."), *bad.split(".")])


def test_a_token_that_is_taken_is_usage_and_leaves_no_event(rule: IssuerRule, issuer: Issuer):
    services.judge(issuer.token())  # its keys are there
    assert left_by(lambda: services.find_rule(issuer.token())) == []


def test_a_refused_token_leaves_one_event_a_minute_for_each_issuer_and_reason(
    rule: IssuerRule, issuer: Issuer
):
    services.judge(issuer.token())

    def guess() -> None:
        for number in range(200):
            for token in (
                issuer.token(aud="others"),
                issuer.token(iss=f"https://{number}.example"),
            ):
                with pytest.raises(services.TokenRefused):
                    services.find_rule(token)

    with coming_from(Origin("api", {"REMOTE_ADDR": "192.0.2.9"})):
        events = left_by(guess)
    found = [(one.object_name, one.action, one.code, one.address) for one in events]
    assert found == [
        ("forge", "issuer.sign_in", "audience", "192.0.2.9"),
        ("", "issuer.sign_in", "issuer", "192.0.2.9"),
    ]


def test_a_token_without_a_rule_is_refused_by_that(trusted: TrustedIssuer, issuer: Issuer):
    services.judge(issuer.token())
    with_no_rule = told(lambda: services.find_rule(issuer.token()), services.TokenRefused)
    assert with_no_rule == [("issuer.sign_in", "refused", "rules")]


def test_a_new_rule_says_what_it_gives(trusted: TrustedIssuer, ci: ServiceAccount):
    [event] = left_by(lambda: made(trusted, ci))
    detail = body_of(event)["detail"]
    assert (detail["account"], detail["profiles"]) == ("ci", "all")
    assert AUDIENCE not in event.body

"""What administrators do with the rules of an issuer."""

from collections.abc import Mapping
from copy import copy
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Max, QuerySet
from django.utils.translation import gettext as _

from connections.audit.services import act, record
from connections.change_counter import bump_change_counter
from connections.errors import FieldError, Invalid
from connections.locks import retried
from connections.lookup import all_by_id_or_alias
from connections.models import IssuerRule, Profile, ServiceAccount, TrustedIssuer
from connections.services import (
    Actor,
    require,
    require_above,
    require_may_make_tokens,
    token_errors,
)

from .addresses import name_errors
from .conditions import condition_errors
from .event_changes import changes_between

MOST_RULES, LAST_PLACE = 200, 10_000
COLUMNS = ("name", "position", "conditions", "is_active", "requests_per_minute", "tokens_per_day")


def rules_of(issuer: TrustedIssuer) -> QuerySet[IssuerRule]:
    """The rules of an issuer, in the order in which they are tried."""
    rows = IssuerRule.objects.filter(issuer=issuer).select_related("account__user", "issuer")
    return rows.prefetch_related("profiles").order_by("position", "name")


@retried
@act("issuer_rule.create")
def create_rule(issuer: TrustedIssuer, *, actor: Actor, **values: Any) -> IssuerRule:
    """Adds a rule: `name`, `conditions`, `account` (a service account), `scopes`, and if wanted
    `profiles` (ids or aliases, none for all), `requests_per_minute`, `tokens_per_day`, `position`
    (last if not given) and `is_active`.

    It gives what a token of the account would, so the same people may make it. Raises Invalid,
    PermissionDenied.
    """
    last = issuer.rules.aggregate(last=Max("position"))["last"] or 0
    if issuer.rules.count() >= MOST_RULES:
        text = _("An issuer has at most %(most)d rules.") % {"most": MOST_RULES}
        raise Invalid([FieldError("", "too_many", text)])
    by = actor.get_username() if actor else ""
    return _saved(IssuerRule(issuer=issuer, position=last + 1, created_by=by), values, actor)


@retried
@act("issuer_rule.update")
def change_rule(row: IssuerRule, values: Mapping[str, Any], *, actor: Actor) -> IssuerRule:
    """Changes what is given, named as for `create_rule`. It counts at once, in every worker.

    Raises Invalid, PermissionDenied.
    """
    require_above(actor, row.user)
    return _saved(copy(row), values, actor)


@retried
@act("issuer_rule.delete")
def delete_rule(row: IssuerRule, *, actor: Actor) -> None:
    """Deletes a rule: no token is taken by it any longer. Usage stays. Raises PermissionDenied."""
    require(actor, "connections.change_trustedissuer")
    with transaction.atomic():
        record(row, actor=actor, others=[row.issuer])
        row.delete()
        bump_change_counter()


def _saved(row: IssuerRule, values: Mapping[str, Any], actor: Actor) -> IssuerRule:
    require(actor, "connections.change_trustedissuer")
    before = {} if row._state.adding else _told(row)
    for name in COLUMNS:
        if name in values:
            setattr(row, name, values[name])
    account: ServiceAccount | None = values.get("account")
    if account is not None and account.pk != row.account_id:
        require_may_make_tokens(actor, account.user)
        row.account = account
    row.name, row.scopes = row.name.strip(), sorted(set(values.get("scopes", row.scopes)))
    with transaction.atomic():
        rows = Profile.objects.select_for_update(no_key=True).order_by("pk")
        found = all_by_id_or_alias(rows, values.get("profiles") or ())
        unknown = set(values.get("profiles") or ()) - found.keys()
        if errors := _errors(row, unknown):
            raise Invalid(errors)
        if "profiles" in values:
            row.is_limited = bool(found)
        try:
            with transaction.atomic():
                row.save()
        except IntegrityError:
            text = _("This issuer has a rule with this name already. Choose another name.")
            raise Invalid([FieldError("name", "unique", text)]) from None
        if "profiles" in values:
            row.profiles.set(found.values())
        changes = changes_between(before, after := _told(row))
        if not before:
            record(row, actor=actor, others=[row.issuer], detail=after)
        elif changes:
            record(row, actor=actor, changes=changes, others=[row.issuer])
    return row


def _told(row: IssuerRule) -> dict[str, Any]:
    """The contents of a saved rule, for its event."""
    limited = sorted(row.profiles.values_list("alias", flat=True)) if row.is_limited else "all"
    columns = {name: getattr(row, name) for name in (*COLUMNS, "scopes")}
    return columns | {"account": row.account.name, "profiles": limited}


def _errors(row: IssuerRule, unknown: set[str]) -> list[FieldError]:
    limits = {name: getattr(row, name) for name in ("requests_per_minute", "tokens_per_day")}
    errors = token_errors(row.name, row.scopes, unknown, limits)
    if row.name:
        errors += name_errors(row.name)
    errors += condition_errors(row.conditions)
    if row.account_id is None:
        text = _("Choose the service account whose rights it gives.")
        errors.append(FieldError("account", "required", text))
    if not 0 < row.position <= LAST_PLACE:
        text = _("1 to %(most)d.") % {"most": LAST_PLACE}
        errors.append(FieldError("position", "invalid", text))
    return errors

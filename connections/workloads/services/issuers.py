"""What administrators do with trusted issuers: list, add, change and delete them."""

from collections.abc import Mapping
from copy import copy
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Count, QuerySet
from django.utils.translation import gettext as _

from connections.audit.services import act, record
from connections.change_counter import bump_change_counter
from connections.errors import FieldError, Invalid
from connections.locks import retried
from connections.models import IssuerRule, TrustedIssuer
from connections.services import Actor, require, require_above

from .addresses import is_address, name_errors
from .event_changes import changes_between
from .keys import NO_KEYS, refresh_keys
from .reading import ALGORITHMS

MOST_AUDIENCES, LONGEST_AUDIENCE, MOST_AGE = 20, 300, 60 * 24 * 366
CHANGED = ("name", "issuer", "audiences", "algorithms", "jwks_url", "longest_age", "is_active")


def trusted_issuers() -> QuerySet[TrustedIssuer]:
    """All of them by name, with `rule_count`."""
    return TrustedIssuer.objects.annotate(rule_count=Count("rules")).order_by("name")


@retried
@act("issuer.create")
def create_issuer(*, actor: Actor, **values: Any) -> TrustedIssuer:
    """Trusts an issuer: `name`, `issuer` and `audiences`, and of `algorithms`, `jwks_url`,
    `longest_age` (minutes) and `is_active` what is not as usual. It has no rule yet, so no token
    of it is taken.

    Raises Invalid, PermissionDenied.
    """
    require(actor, "connections.add_trustedissuer")
    row = TrustedIssuer(algorithms=list(ALGORITHMS), created_by=_name_of(actor))
    return _saved(row, values, {}, actor)


@retried
@act("issuer.update")
def change_issuer(row: TrustedIssuer, values: Mapping[str, Any], *, actor: Actor) -> TrustedIssuer:
    """Changes what is given. Keys of another address are forgotten, and fetched when they are
    needed.

    Whoever says who signs decides who comes in: the actor needs every right of the accounts of its
    rules. Raises Invalid, PermissionDenied.
    """
    require(actor, "connections.change_trustedissuer")
    _require_above_rules(row, actor)
    row, before = copy(row), {name: getattr(row, name) for name in CHANGED}
    for name in CHANGED:
        if name in values:
            setattr(row, name, values[name])
    if (row.issuer, row.jwks_url) != (before["issuer"], before["jwks_url"]):
        for name, value in NO_KEYS.items():
            setattr(row, name, value)
    return _saved(row, {}, before, actor)


@retried
@act("issuer.delete")
def delete_issuer(row: TrustedIssuer, *, actor: Actor) -> None:
    """Deletes an issuer with its rules: its tokens are taken no longer. Usage stays. Raises
    PermissionDenied.
    """
    require(actor, "connections.delete_trustedissuer")
    with transaction.atomic():
        record(row, actor=actor, others=row.rules.all())
        row.delete()
        bump_change_counter()


@act("issuer_keys.fetch")
def fetch_keys(row: TrustedIssuer, *, actor: Actor) -> TrustedIssuer:
    """Asks an issuer for its keys now, and returns it with what came of it. Raises
    PermissionDenied.
    """
    require(actor, "connections.change_trustedissuer")
    refresh_keys(row.pk, at_once=True)
    found = trusted_issuers().get(pk=row.pk)
    record(found, actor=actor, detail={"keys": len(found.keys), "failed": bool(found.keys_error)})
    return found


def _saved(
    row: TrustedIssuer, values: Mapping[str, Any], before: Mapping[str, Any], actor: Actor
) -> TrustedIssuer:
    """Saves it. `before`: of one that was there, what its columns held."""
    for name, value in values.items():
        setattr(row, name, value)
    row.audiences = list(dict.fromkeys(one.strip() for one in row.audiences if one.strip()))
    row.algorithms = [one for one in ALGORITHMS if one in row.algorithms]
    if errors := _errors(row):
        raise Invalid(errors)
    try:
        with transaction.atomic():
            row.save()
            changes = changes_between(before, {name: getattr(row, name) for name in before})
            if changes or not before:
                record(row, actor=actor, changes=changes)
    except IntegrityError:
        others = TrustedIssuer.objects.exclude(pk=row.pk)
        name = "name" if others.filter(name=row.name).exists() else "issuer"
        text = _("Another trusted issuer has this already. Change that one, or enter another.")
        raise Invalid([FieldError(name, "unique", text)]) from None
    return row


def _errors(row: TrustedIssuer) -> list[FieldError]:
    errors = name_errors(row.name)
    for name, must_be in (("issuer", True), ("jwks_url", False)):
        address = getattr(row, name)
        if (address or must_be) and not is_address(address):
            text = _("An address with https://, without a user, a query or a fragment.")
            errors.append(FieldError(name, "invalid", text))
    audiences = row.audiences
    if not 0 < len(audiences) <= MOST_AUDIENCES or any(
        len(one) > LONGEST_AUDIENCE or "\x00" in one for one in audiences
    ):
        text = _("1 to %(most)d audiences of at most %(longest)d characters.")
        values = {"most": MOST_AUDIENCES, "longest": LONGEST_AUDIENCE}
        errors.append(FieldError("audiences", "invalid", text % values))
    if not row.algorithms:
        text = _("Choose at least one of %(known)s.") % {"known": ", ".join(ALGORITHMS)}
        errors.append(FieldError("algorithms", "invalid", text))
    if not 0 < row.longest_age <= MOST_AGE:
        text = _("1 to %(most)d minutes.") % {"most": MOST_AGE}
        errors.append(FieldError("longest_age", "invalid", text))
    return errors


def _require_above_rules(row: TrustedIssuer, actor: Actor) -> None:
    for rule in IssuerRule.objects.filter(issuer=row).select_related("account__user"):
        require_above(actor, rule.user)


def _name_of(actor: Actor) -> str:
    return actor.get_username() if actor else ""

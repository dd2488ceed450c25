"""What administrators do with service accounts: list them, add, change and delete them.

The rules of people hold: nobody hands out a right that they lack, and nobody changes an account
that may do more than they.
"""

import re

from django.contrib.auth.models import Group, User
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.db.models import Count, QuerySet
from django.utils.translation import gettext as _

from connections.audit.services import act, record
from connections.errors import FieldError
from connections.locks import retried
from connections.models import ALIAS_PATTERN, SUFFIX, ServiceAccount, works_now
from connections.services import Actor, Invalid, require

from .. import services as people
from ..events import differing, roles_of, yes_or_no

LONGEST_NAME = 100


def service_accounts() -> QuerySet[ServiceAccount]:
    """All of them by name, with `tokens`: how many of their tokens work."""
    tokens = Count("user__api_tokens", works_now("user__api_tokens__"))
    rows = ServiceAccount.objects.select_related("user").prefetch_related(
        "user__groups", "user__memberships"
    )
    return rows.annotate(tokens=tokens).order_by("user__username")


@retried
@act("service_account.create")
def add_service_account(
    name: str, *, role: Group, contact: str, actor: Actor, description: str = ""
) -> ServiceAccount:
    """Adds an account that owns tokens and cannot sign in. `contact`: whom to ask about it.

    Raises Invalid, PermissionDenied.
    """
    require(actor, "connections.add_serviceaccount")
    people.require_may_give(role, actor=actor)
    if errors := [*_name_errors(name), *_errors(description, contact)]:
        raise Invalid(errors)
    user = User(username=f"{name}{SUFFIX}")
    user.set_unusable_password()
    by = actor.get_username() if actor else ""
    try:
        with transaction.atomic():
            user.save()
            user.groups.set([role])
            account = ServiceAccount.objects.create(
                user=user, description=description.strip(), contact=contact.strip(), created_by=by
            )
            record(account, actor=actor, detail={"role": role.name, "contact": account.contact})
    except IntegrityError:
        raise _taken() from None
    return account


@retried
@act("service_account.update")
def change_service_account(
    account: ServiceAccount,
    *,
    actor: Actor,
    name: str | None = None,
    description: str | None = None,
    contact: str | None = None,
    role: Group | None = None,
    is_active: bool | None = None,
) -> ServiceAccount:
    """Changes what is given; None keeps. Deactivating it ends its tokens, as it does a person's.
    With another name its tokens go on; usage of before keeps the name of before.

    Raises Invalid, PermissionDenied.
    """
    require(actor, "connections.change_serviceaccount")
    _require_above(account, actor)
    if role is not None:
        people.require_may_give(role, actor=actor)
    before = _told(account)
    account.description = (account.description if description is None else description).strip()
    account.contact = (account.contact if contact is None else contact).strip()
    wrong = [] if name in (None, account.name) else _name_errors(name or "")
    if errors := [*wrong, *_errors(account.description, account.contact)]:
        raise Invalid(errors)
    with transaction.atomic():
        if name is not None and name != account.name:
            _rename(account, name)
        account.save(update_fields=["description", "contact"])
        if role is not None:
            account.user.groups.set([role])
        if is_active is not None:
            account.user.is_active = is_active
            account.user.save(update_fields=["is_active"])
        now = _told(account)
        if changes := differing(*((name, before[name], now[name]) for name in now)):
            record(account, actor=actor, changes=changes)
    return account


def _told(account: ServiceAccount) -> dict[str, str]:
    """What may be changed of an account, as its events tell it."""
    return {
        "name": account.name,
        "description": account.description,
        "contact": account.contact,
        "role": roles_of(account.user),
        "is_active": yes_or_no(account.user.is_active),
    }


def _rename(account: ServiceAccount, name: str) -> None:
    account.user.username = f"{name}{SUFFIX}"
    try:
        with transaction.atomic():
            account.user.save(update_fields=["username"])
    except IntegrityError:
        raise _taken() from None


@retried
@act("service_account.delete")
def delete_service_account(account: ServiceAccount, *, actor: Actor) -> None:
    """Deletes an account with its tokens and the rules of trusted issuers that give it: whoever
    uses one is refused from now on. Recorded usage stays. Nobody can undo it.

    Raises PermissionDenied.
    """
    require(actor, "connections.delete_serviceaccount")
    _require_above(account, actor)
    with transaction.atomic():
        record(account, actor=actor, detail={"role": roles_of(account.user)})
        account.user.delete()


def _require_above(account: ServiceAccount, actor: Actor) -> None:
    if actor is not None and not people.may_change(actor, account.user):
        text = _("You may not change %(name)s: it may do more than you.")
        raise PermissionDenied(text % {"name": account})


def _name_errors(name: str) -> list[FieldError]:
    if re.fullmatch(ALIAS_PATTERN, name) and len(name) <= LONGEST_NAME:
        return []
    text = _("At most %(most)d small letters and digits, with single hyphens between them.")
    return [FieldError("name", "invalid", text % {"most": LONGEST_NAME})]


def _taken() -> Invalid:
    text = _("There is a service account with this name already. Choose another name.")
    return Invalid([FieldError("name", "unique", text)])


def _errors(description: str, contact: str) -> list[FieldError]:
    errors = []
    for name, text, most in (("description", description, 500), ("contact", contact, 200)):
        if len(text) > most or "\x00" in text:
            said = _("At most %(most)d characters.") % {"most": most}
            errors.append(FieldError(name, "invalid", said))
    if not contact.strip():
        text = _("Say whom to ask about it: a person, a team, an address.")
        errors.append(FieldError("contact", "required", text))
    return errors

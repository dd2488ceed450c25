"""Who comes in by a provider: accounts that are linked to it, expected or made for newcomers, and
the roles that its groups stand for.

A link is the provider's key and the subject, never an e-mail address: nobody gets somebody else's
account by an address.
"""

import logging
from collections.abc import Sequence
from typing import Any

from allauth.socialaccount.models import SocialAccount
from django.contrib.auth.models import Group, User
from django.contrib.auth.validators import UnicodeUsernameValidator
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from connections.audit.services import act, record
from connections.errors import FieldError
from connections.locks import retried
from connections.models import Outcome, is_service_account
from connections.services import Invalid

from ...identity_providers import IdentityProvider
from .. import services as people
from ..events import roles_of
from ..models import ExpectedLink, ProviderRole
from ..signin.providers import configured, may_unlink
from .claims import Identity, may_sign_up, role_for, teams_for
from .membership import apply_teams

logger = logging.getLogger("backoffice.people.signin")


class Refused(Exception):
    """Somebody may not come in. `code` is for the log, `str()` for them."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


def account_of(provider: IdentityProvider, subject: str) -> SocialAccount | None:
    """The account that is linked to this subject of a provider."""
    rows = SocialAccount.objects.filter(provider=provider.key, uid=subject)
    # the version before deletes people without these rows
    rows.exclude(user__in=User.objects.all()).delete()
    return rows.select_related("user").first()


@retried
def welcome(provider: IdentityProvider, identity: Identity) -> SocialAccount:
    """The account of whoever comes by a provider, with the role that their groups stand for. Raises
    Refused.
    """
    known = account_of(provider, identity.subject)
    try:
        return _welcomed(provider, identity, known)
    except Refused as refused:
        record(
            known.user if known else None,
            actor=provider.label,
            action="person.sign_in",
            detail=_told(provider, identity),
            outcome=Outcome.REFUSED,
            code=refused.code,
        )
        raise


def _shown_name(identity: Identity) -> str:
    return identity.email or identity.name or identity.subject


def _welcomed(
    provider: IdentityProvider, identity: Identity, account: SocialAccount | None
) -> SocialAccount:
    if account is None:
        try:
            account = _expected(provider, identity) or _newcomer(provider, identity)
        except IntegrityError:  # from another tab at the same time
            account = account_of(provider, identity.subject)
    if account is None:
        raise _taken(provider)
    if is_service_account(account.user):
        raise Refused("service_account", _("This account does not sign in."))
    if not account.user.is_active:
        text = _("This account is not active. Ask an administrator.")
        raise Refused("inactive", text)
    apply_groups(provider, account, identity.groups)
    return account


@retried
@act("grants.update")
def apply_groups(
    provider: IdentityProvider, account: SocialAccount, groups: Sequence[str] | None
) -> None:
    """Gives the role and the teams that the groups stand for. Where there is no role, the one that
    the provider gave before is taken away, as are teams; what was given by hand stays. Raises
    Refused for who has no role then.
    """
    person = account.user
    with transaction.atomic():
        changes = apply_teams(provider, account, teams_for(provider, groups))
        before = roles_of(person)
        if provider.roles:
            _apply_role(provider, account, groups)
        if changes or roles_of(person) != before:  # `set_role` has told the role
            record(person, actor=provider.label, changes=changes, detail={"by": provider.label})
    if provider.roles and not person.is_superuser and not person.groups.exists():
        raise _without_role(provider)


def _apply_role(
    provider: IdentityProvider, account: SocialAccount, groups: Sequence[str] | None
) -> None:
    person, role = account.user, _role(provider, groups)
    held, given = list(person.groups.all()), ProviderRole.objects.filter(account=account)
    try:
        if role is not None:
            if held != [role]:
                people.set_role(person, role, actor=None)
            given.update_or_create(account=account, defaults={"role": role})
        elif given.filter(role__in=held).exists():
            people.set_role(person, None, actor=None)
            given.delete()
    except Invalid:
        logger.warning("%s takes the role of the last administrator, who keeps it", provider.label)


def _role(provider: IdentityProvider, groups: Sequence[str] | None) -> Group | None:
    wanted = role_for(provider, groups)
    role = Group.objects.filter(name__iexact=wanted).first() if wanted else None
    if wanted and role is None:
        logger.error("The roles of %s name %r, which is not a role here", provider.label, wanted)
    return role


def _without_role(provider: IdentityProvider) -> Refused:
    text = _("None of your groups at %(provider)s has a role here. Ask an administrator.")
    return Refused("no_role", text % {"provider": provider.label})


def _taken(provider: IdentityProvider) -> Refused:
    text = _(
        "There is an account here with your name or e-mail address. If it is yours, sign in to it "
        "with its password, then link %(provider)s under Your sign-in; or ask an administrator to "
        "link it."
    )
    return Refused("taken", text % {"provider": provider.label})


@act("provider_link.create")
def _expected(provider: IdentityProvider, identity: Identity) -> SocialAccount | None:
    """The account that an administrator linked to the verified address of the newcomer."""
    if not identity.email:
        return None
    with transaction.atomic():
        rows = ExpectedLink.objects.select_for_update().filter(
            provider=provider.key, email=identity.email
        )
        row = rows.filter(user__in=User.objects.all()).first()
        if row is None:
            return None
        account = _linked(row.user, provider, identity)
        row.delete()
        record(account.user, actor=provider.label, detail=_told(provider, identity))
    return account


def _told(provider: IdentityProvider, identity: Identity) -> dict[str, str]:
    return {"by": provider.label, "person there": _shown_name(identity)}


@act("person.create")
def _newcomer(provider: IdentityProvider, identity: Identity) -> SocialAccount:
    """A new account, if the provider's rule lets the person in. Raises Refused, IntegrityError."""
    if not may_sign_up(provider, identity):
        text = _("%(provider)s knows you, but you have no account here. Ask an administrator.")
        raise Refused("no_account", text % {"provider": provider.label})
    if provider.roles and _role(provider, identity.groups) is None:
        raise _without_role(provider)
    name = _new_name(provider, identity)
    same = Q(username__iexact=name)
    for known in (identity.email, identity.name):
        same |= Q(username__iexact=known) if known else Q()
    same |= Q(email__iexact=identity.email) if identity.email else Q()
    if User.objects.filter(same).exists():
        raise _taken(provider)
    with transaction.atomic():
        person = User(username=name, email=identity.email)
        person.set_unusable_password()
        person.save()
        account = _linked(person, provider, identity)
        record(person, actor=provider.label, detail=_told(provider, identity))
    return account


def _new_name(provider: IdentityProvider, identity: Identity) -> str:
    """The name of a new account: the address, which is one person's, else the name there, else the
    subject.
    """
    for name in (identity.email, identity.name):
        try:
            if name and len(name) <= 150:
                UnicodeUsernameValidator()(name)
                return User.normalize_username(name)
        except ValidationError:
            continue
    letters = [one if one.isalnum() or one in "@.+-_" else "-" for one in identity.subject]
    return User.normalize_username(f"{provider.key}-{''.join(letters)}"[:150])


def _linked(person: User, provider: IdentityProvider, identity: Identity) -> SocialAccount:
    shown = shown_of(identity)
    return SocialAccount.objects.create(
        user=person, provider=provider.key, uid=identity.subject, extra_data=shown
    )


def shown_of(identity: Identity) -> dict[str, str]:
    """What is kept of somebody's identity, to be shown beside the link."""
    return {"name": identity.full_name, "email": identity.email, "username": identity.name[:150]}


@retried
@act("provider_link.create", Refused)
@sensitive_variables()
def link(person: User, provider: IdentityProvider, identity: Identity) -> None:
    """Links somebody's own account to who they are at a provider. Raises Refused if that is linked
    to another account.
    """
    known = account_of(provider, identity.subject)
    if known is not None and known.user_id != person.pk:
        text = _("You are linked to another account here by %(provider)s. Unlink that one first.")
        raise Refused("linked_elsewhere", text % {"provider": provider.label})
    if known is None:
        with transaction.atomic():
            _linked(person, provider, identity)
            record(person, actor=person, detail=_told(provider, identity))


@retried
@act("provider_link.delete")
def unlink(account: SocialAccount, *, actor: Any) -> None:
    """Takes a link away, one's own or that of a person whom the actor may change; sessions that
    began by it end. Raises Invalid for the last way in of oneself, PermissionDenied.
    """
    person = account.user
    is_own = actor is not None and actor.pk == person.pk
    if is_own and not may_unlink(person, account):
        text = _("This is your last way in. Set up another one first.")
        raise Invalid([FieldError("", "last_way", text)])
    if not is_own and actor is not None and not people.may_change(actor, person):
        raise PermissionDenied(_("You may not change %(person)s.") % {"person": person})
    with transaction.atomic():
        record(person, actor=actor, detail={"by": account.provider})
        account.delete()


@retried
@act("provider_link.prepare")
def expect(person: User, provider_key: str, email: str, *, actor: Any) -> None:
    """Notes that whoever comes next from a provider with this verified address is this person.

    Raises Invalid, PermissionDenied.
    """
    if actor is not None and not people.may_change(actor, person):
        raise PermissionDenied(_("You may not change %(person)s.") % {"person": person})
    email = email.strip().lower()
    if provider_key not in configured():
        raise Invalid([FieldError("provider_key", "invalid", _("There is no such provider."))])
    try:
        validate_email(email)
    except ValidationError:
        text = _("Enter the e-mail address that the provider has verified.")
        raise Invalid([FieldError("email", "invalid", text)]) from None
    with transaction.atomic():
        rows = ExpectedLink.objects
        rows.update_or_create(provider=provider_key, email=email[:150], defaults={"user": person})
        told = {"by": provider_key, "email": email[:150]}
        record(person, actor=actor, detail=told)

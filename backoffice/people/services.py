"""What administrators do with people: list them, add them, give them a role, end and renew their
access.

A role is a group. These rules hold for all that is here: nobody hands out a right that they
lack, nobody changes a person who may do more than they, and one administrator always remains.
"""

from collections.abc import Sequence
from typing import Any

from django.contrib.auth.models import Group, Permission, User
from django.contrib.auth.password_validation import validate_password
from django.contrib.auth.validators import UnicodeUsernameValidator
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, transaction
from django.db.models import Count, Q, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from connections.audit.services import act, record
from connections.errors import FieldError
from connections.locks import retried
from connections.models import Team, works_now
from connections.services import Invalid, require, set_member

from .access import roles_change
from .events import differing, roles_of, yes_or_no
from .models import Preferences
from .rights import ADMINISTERS, may_change, may_change_of, require_may_change, require_may_give
from .signin import factors
from .signin.sessions import end_sessions

__all__ = [
    "ADMINISTERS",
    "ADMINISTRATORS",
    "OTHERS",
    "SHOWN",
    "add_person",
    "administrators",
    "choose",
    "deactivate_several",
    "may_change",
    "may_change_of",
    "people",
    "remove_second_factor",
    "require_may_change",
    "require_may_give",
    "roles",
    "set_active",
    "set_password",
    "set_role",
    "validated_password",
]

ADMINISTRATORS = gettext_noop("Administrators")
OTHERS = (gettext_noop("Operators"), gettext_noop("Viewers"))  # by a migration
SHOWN = ("connections", "gateway", "auth")  # apps whose rights a role may hold


def people() -> QuerySet[User]:
    """Everybody but service accounts by name, with `tokens`: how many of their tokens work. Their
    groups are read.
    """
    return (
        User.objects.filter(service_account=None)
        .annotate(tokens=Count("api_tokens", works_now("api_tokens__")))
        .prefetch_related("groups", "memberships")
        .order_by("username")
    )


def administrators() -> QuerySet[User]:
    """The people who sign in and may change people, by name."""
    right = Q(codename="change_user", content_type__app_label="auth")
    holders = Permission.objects.filter(right)
    return (
        User.objects.filter(is_active=True, service_account=None)
        .filter(
            Q(is_superuser=True)
            | Q(user_permissions__in=holders)
            | Q(groups__permissions__in=holders)
        )
        .distinct()
        .order_by("username")
    )


def roles() -> QuerySet[Group]:
    """The roles, by what they may do, least first, with `members`: how many people have each."""
    return Group.objects.annotate(
        rights=Count("permissions", distinct=True),
        members=Count("user", Q(user__service_account=None), distinct=True),
    ).order_by("rights", "name")


@retried
@act("person.create")
def add_person(
    name: str,
    password: str,
    role: Group | None,
    *,
    actor: Any,
    team: Team | None = None,
    team_role: str = "operator",
) -> User:
    """Adds a person who signs in with a name and a password, with a role, or in a team, or both.

    Raises Invalid, PermissionDenied.
    """
    require(actor, "auth.add_user")
    if role is not None:
        require_may_give(role, actor=actor)
    if role is None and team is None:
        raise Invalid([FieldError("role", "required", _("Choose a role or a team."))])
    person = User(username=User.normalize_username(name.strip()))
    try:
        UnicodeUsernameValidator()(person.username)
    except ValidationError as error:
        raise Invalid([FieldError("name", "invalid", " ".join(error.messages))]) from None
    _put_password(person, password)
    person.is_staff = role is not None and role.name == ADMINISTRATORS
    try:
        with transaction.atomic():
            person.save()
            person.groups.set([role] if role else [])
            if team is not None:
                set_member(team, person, team_role, actor=actor)
            given = {"role": role.name if role else "", "team": team.name if team else ""}
            given["role in the team"] = team_role if team else ""
            told = {name: text for name, text in given.items() if text}
            record(person, actor=actor, others=[team] if team else [], detail=told)
    except IntegrityError:
        text = _("There is a person with this name already. Choose another name.")
        raise Invalid([FieldError("name", "unique", text)]) from None
    return person


@retried
@act("person_role.update")
def set_role(person: User, role: Group | None, *, actor: Any) -> None:
    """Gives a person one role, or none, in place of those that they have. Only Administrators enter
    /admin/. Whoever may less than before is signed out, and their tokens end.

    Raises Invalid if nobody would be left who may change people, PermissionDenied.
    """
    require_may_change(person, actor=actor)
    if role is not None:
        require_may_give(role, actor=actor)
    with transaction.atomic():
        with roles_change(person.pk):
            person = _locked(person)
            before, entered = roles_of(person), yes_or_no(person.is_staff)
            person.groups.set([role] if role else [])
            is_administrator = role is not None and role.name == ADMINISTRATORS
            person.is_staff = person.is_superuser or is_administrator
            person.save(update_fields=["is_staff"])
            _one_remains("role")
        admin = ("enters /admin/", entered, yes_or_no(person.is_staff))
        if changes := differing(("role", before, role.name if role else ""), admin):
            record(person, actor=actor, changes=changes)


def _activation(_person: User, is_active: bool, **_actor: Any) -> str:
    return "person.activate" if is_active else "person.deactivate"


@retried
@act(_activation)
def set_active(person: User, is_active: bool, *, actor: Any) -> None:
    """Ends or renews a person's access: an inactive one is signed out, and their tokens end.

    Raises Invalid for oneself and for the last administrator, PermissionDenied.
    """
    require_may_change(person, actor=actor)
    if actor is not None and actor.pk == person.pk and not is_active:
        text = _("Another administrator must deactivate you.")
        raise Invalid([FieldError("", "oneself", text)])
    with transaction.atomic():
        person = _locked(person)
        was_active, person.is_active = person.is_active, is_active
        person.save(update_fields=["is_active"])
        _one_remains("")
        if was_active != is_active:
            record(person, actor=actor)


@retried
@act("password.update")
def set_password(person: User, password: str, *, actor: Any) -> None:
    """Sets a person's password, which ends their sessions and their tokens.

    Raises Invalid, PermissionDenied.
    """
    require_may_change(person, actor=actor)
    _put_password(person, password)
    with transaction.atomic():
        person.save(update_fields=["password"])
        record(person, actor=actor)


@retried
@act("second_factors.delete")
def remove_second_factor(person: User, *, actor: Any) -> int:
    """Takes away the second factors of another person, whose device is lost, and ends their
    sessions. Returns how many there were.

    Raises Invalid for oneself, PermissionDenied.
    """
    require_may_change(person, actor=actor)
    if actor is not None and actor.pk == person.pk:
        text = "Remove your own under Your sign-in, or ask another administrator."
        raise Invalid([FieldError("", "oneself", text)])
    with transaction.atomic():
        number = factors.remove_all(person, actor=actor)
        end_sessions(person.pk)
        if number:
            record(person, actor=actor, detail={"number": number})
    return number


@retried
def choose(person: User, language: str, time_zone: str) -> None:
    """Keeps the language and the time zone in which a person sees pages; empty: as the browser
    says.
    """
    chosen = {"language": language, "time_zone": time_zone}
    row, _is_new = Preferences.objects.update_or_create(user=person, defaults=chosen)
    row.user = person  # whose `preferences` it is from now on


def deactivate_several(people: Sequence[User], *, actor: Any) -> tuple[list[User], list[str]]:
    """Ends the access of several people. Returns those whose access ended, and a sentence about
    each of the others.
    """
    done, kept = [], []
    for one in people:
        try:
            set_active(one, False, actor=actor)
        except Invalid as refused:
            kept.append(f"{one}: {refused.errors[0].message}")
        except PermissionDenied as denied:
            kept.append(str(denied))
        else:
            done.append(one)
    return done, kept


def _put_password(person: User, password: str) -> None:
    person.set_password(validated_password(password, person))


def validated_password(password: str, person: User) -> str:
    """The password, if it is good enough for this person. Raises Invalid."""
    try:
        validate_password(password, person)
    except ValidationError as error:
        raise Invalid([FieldError("password", "weak", " ".join(error.messages))]) from None
    return password


def _locked(person: User) -> User:
    """The person as they are now. Administrators are locked with them: of two who end each other's
    access, the second one waits and sees that the first is gone.
    """
    which = Q(pk__in=list(administrators().values_list("pk", flat=True))) | Q(pk=person.pk)
    rows = User.objects.filter(which).order_by("pk").select_for_update()
    return next(one for one in rows if one.pk == person.pk)


def _one_remains(field: str) -> None:
    """Raises Invalid, so that the change is rolled back, if no administrator is left."""
    if not administrators().exists():
        text = _("This is the last administrator. Make another person an administrator first.")
        raise Invalid([FieldError(field, "last_administrator", text)])

"""The end of a person's access: what ends their sessions ends their tokens too, by whichever door
it comes.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.contrib.auth.models import Group, Permission, User
from django.db import transaction
from django.db.models import Q
from django.db.models.signals import post_save, pre_delete, pre_save

from connections.audit.services import Subject, act, record
from connections.models import EndedBecause, role_taken
from connections.services import end_tokens_of

from .signin.sessions import end_sessions

WATCHED = {"password", "is_active", "is_superuser"}


@act("access.end")
def end_access(user_pk: Any, reason: EndedBecause) -> None:
    """Ends the sessions of a person, and revokes their tokens of the API and of flows for good.

    Its event is that of the act by which it comes; of its own where none of ours is.
    """
    with transaction.atomic():
        ended = {
            "tokens": end_tokens_of(user_pk, reason),
            "sessions": end_sessions(user_pk),
        }
        changes = [(name, str(number), "0") for name, number in ended.items() if number]
        detail = {"because": str(reason)}
        record(subject_of(user_pk), actor=None, changes=changes, detail=detail)


def subject_of(user_pk: Any) -> Subject:
    """A person in an event, by their id."""
    name = User.objects.filter(pk=user_pk).values_list("username", flat=True).first()
    return Subject("person", str(user_pk), name or "")


def rights_of(user_pk: Any) -> set[tuple[str, str]]:
    """What a person may do by their roles and by themselves, active or not."""
    rows = Permission.objects.filter(Q(user=user_pk) | Q(group__user=user_pk)).order_by()
    return set(rows.values_list("content_type__app_label", "codename"))


@contextmanager
def roles_change(user_pk: Any) -> Iterator[None]:
    """Ends the access of a person who has fewer rights at the end of the block than before it."""
    before = rights_of(user_pk)
    yield
    if before - rights_of(user_pk):
        end_access(user_pk, EndedBecause.ROLE)


def watch_people() -> None:
    """Connects the signals: forms, commands and Django's admin all save a person. Called once."""
    pre_save.connect(_compare, User, dispatch_uid="people-compare")
    post_save.connect(_end, User, dispatch_uid="people-end")
    pre_delete.connect(_end_of_role, Group, dispatch_uid="people-role-gone")
    post_save.connect(_note_superuser, User, dispatch_uid="people-superuser")
    role_taken.connect(_end_in_team, dispatch_uid="people-team-role-gone")


@act("person.create")
def _note_superuser(instance: Any, created: bool, raw: bool = False, **_kwargs: Any) -> None:
    """A command of Django's makes them too, which leaves no event by itself."""
    if created and instance.is_superuser and not raw:
        record(instance, actor=None, detail={"is_superuser": "yes"})


def _compare(instance: Any, raw: bool = False, update_fields: Any = None, **_kwargs: Any) -> None:
    """Notes on a person, or a service account, who is saved why their access ends, if it does."""
    instance.access_ends = None
    if raw or instance._state.adding or not (update_fields is None or WATCHED & {*update_fields}):
        return
    before = User.objects.filter(pk=instance.pk).values(*WATCHED).first()
    if before is None:
        return
    # Django makes the hash of a password anew at a sign-in; then that column alone is saved, and
    # the object does not hold the password.
    is_rehash = update_fields is not None and {*update_fields} == {"password"}
    is_typed = getattr(instance, "_password", None) is not None
    if before["is_active"] and not instance.is_active:
        instance.access_ends = EndedBecause.DEACTIVATED
    elif before["password"] != instance.password and (is_typed or not is_rehash):
        instance.access_ends = EndedBecause.PASSWORD
    elif before["is_superuser"] and not instance.is_superuser:
        instance.access_ends = EndedBecause.ROLE


def _end(instance: Any, **_kwargs: Any) -> None:
    reason = getattr(instance, "access_ends", None)
    if reason:
        instance.access_ends = None
        end_access(instance.pk, reason)


def _end_of_role(instance: Group, **_kwargs: Any) -> None:
    for pk in list(instance.user_set.values_list("pk", flat=True)):
        end_access(pk, EndedBecause.ROLE)


@act("session.end")
def _end_in_team(user_pk: Any, **_kwargs: Any) -> None:
    with transaction.atomic():
        if number := end_sessions(user_pk):  # the services of teams end the tokens
            changes = [("sessions", str(number), "0")]
            record(subject_of(user_pk), actor=None, changes=changes)

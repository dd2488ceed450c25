"""Restoring a version, saying before what that would do, and naming and pinning versions."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from connections.audit.services import act, record
from connections.locks import retried
from connections.models import RowVersion, UndoStep, VersionMark
from connections.row_versions import RESTORED, keeping
from connections.services import (
    Actor,
    Difference,
    FieldError,
    Invalid,
    MissingRight,
    Notice,
    Stale,
    plan_restoration,
    restore_version,
)

from .reading import compare_contents, content_of, show_version
from .subjects import Subject, find_subject

LONGEST_NAME = 100


@dataclass(frozen=True)
class Restored:
    """A version that was restored: the thing as it is now, whether that changed anything, what to
    know about it, and the step by which it can be undone, None without one.
    """

    subject: Subject
    changed: bool
    notices: Sequence[Notice] = ()
    step: UndoStep | None = None


@dataclass(frozen=True)
class Plan:
    """What restoring a version would do: what it would change, what to know about it, and the
    reasons why it would be refused.
    """

    differences: Sequence[Difference] = ()
    notices: Sequence[Notice] = ()
    refusals: Sequence[FieldError] = field(default=())


def restore(
    subject: Subject,
    number: int,
    *,
    actor: Actor,
    expected_version: int | None = None,
    with_secrets: bool = False,
) -> Restored:
    """Puts a version back, as the next one, by the rules of any other change.

    `with_secrets`: those of then too, of a connection; it takes the right to export secrets.
    Raises Invalid, Stale, PermissionDenied.
    """
    if subject.of is None:
        given: dict[str, Any] = {"expected_version": expected_version, "actor": actor}
        saved = restore_version(subject.row, number, with_secrets=with_secrets, **given)
        row = saved.row
        now = Subject(subject.kind, subject.object_id, row, row.version)
        return Restored(now, saved.changed, saved.notices, saved.step)
    return _restore_kept(subject, number, actor, expected_version)


@retried
@act(lambda subject, *_rest: f"{subject.of_events}.restore")
def _restore_kept(
    subject: Subject, number: int, actor: Actor, expected_version: int | None
) -> Restored:
    of = subject.of
    assert of is not None  # noqa: S101 said by the caller
    _require_change(subject, actor)
    with transaction.atomic():
        rows = RowVersion.objects.filter(kind=subject.kind, object_id=subject.object_id)
        newest = list(rows.select_for_update().order_by("number"))[-1:]
        if expected_version is not None and newest and newest[0].number != expected_version:
            raise Stale(SimpleNamespace(modified_by=newest[0].user, version=newest[0].number))
        content = content_of(subject, number)
        with keeping(subject.kind, subject.object_id, actor, f"{RESTORED}{number}"):
            notices = of.restore(subject.row, content, actor)
        record(subject.event, actor=actor, detail={"version": number})
    now = find_subject(subject.kind, subject.object_id, actor=actor) or subject
    return Restored(now, now.version != subject.version, notices)


def plan(subject: Subject, number: int, *, actor: Actor, with_secrets: bool = False) -> Plan:
    """What restoring a version would do. Changes nothing. Raises PermissionDenied."""
    if subject.of is None:
        found = plan_restoration(subject.row, number, actor=actor, with_secrets=with_secrets)
        return Plan(found.differences, found.notices, found.refusals)
    now = subject.of.content(subject.object_id) or {}
    return Plan(list(compare_contents(now, content_of(subject, number))))


@retried
@act(lambda subject, *_number, **_mark: f"{subject.of_events}.mark")
def mark_version(
    subject: Subject,
    number: int,
    *,
    actor: Actor,
    name: str | None = None,
    is_pinned: bool | None = None,
) -> None:
    """Names a version, or pins it, so that it is not deleted for its age; None keeps.

    Raises Invalid, PermissionDenied.
    """
    _require_change(subject, actor)
    given = " ".join(name.split()) if name is not None else None
    if given is not None and (len(given) > LONGEST_NAME or not given.isprintable()):
        text = _("A name of at most %(longest)d characters.") % {"longest": LONGEST_NAME}
        raise Invalid([FieldError("name", "invalid", text)])
    show_version(subject, number)  # which refuses one that is not kept
    key: dict[str, Any] = {"kind": subject.kind, "object_id": subject.object_id, "number": number}
    values = {"name": given, "is_pinned": is_pinned}
    with transaction.atomic():
        mark, _is_new = VersionMark.objects.select_for_update().get_or_create(**key)
        for column, value in values.items():
            if value is not None:
                setattr(mark, column, value)
        record(subject.event, actor=actor, detail={**key, **values})
        mark.save()  # an empty one too: whoever waits for its lock would miss a row that goes


def _require_change(subject: Subject, actor: Actor) -> None:
    if not subject.may_change(actor):
        right = f"connections.change_{subject.kind}"
        text = _("You may not restore or name versions of %(name)s.") % {"name": subject.name}
        raise MissingRight(text, [right], subject.row)

"""A folder of promptflow's files as one change: planned, shown, carried out as a whole or not at
all.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from django.db import transaction
from django.utils.text import slugify
from django.views.decorators.debug import sensitive_variables

from connections.credentials import merged
from connections.models import Connection
from connections.services import Actor, InUse, Invalid, delete_connection

from ..format.documents import Document
from ..format.shapes import shape_of
from .connections import find_promptflow, save_promptflow

APPLIED = "applied:"


class Action(StrEnum):
    """The kind of a change."""

    CREATE = "create"
    UPDATE = "update"
    UNCHANGED = "unchanged"
    DELETE = "delete"
    CONFLICT = "conflict"


@dataclass(frozen=True)
class AppliedChange:
    """The change of one connection, done or planned.

    `fields`: the names of what changes. `message`: the reason of a conflict; `notes`: warnings.
    """

    action: Action
    name: str
    source: str = ""
    fields: tuple[str, ...] = ()
    message: str = ""
    notes: tuple[str, ...] = ()


def applied_tag(label: str) -> str:
    """The tag of the connections that an apply of this folder made. Pruning deletes no others."""
    return APPLIED + (re.sub(r"-+", "-", slugify(label))[:40] or "folder")


@sensitive_variables("documents", "document")
def apply_documents(
    documents: Sequence[tuple[str, Document]],
    *,
    actor: Actor,
    label: str,
    prune: bool = False,
    dry_run: bool = False,
) -> list[AppliedChange]:
    """Brings the connections to what the documents, (file, document), say.

    Returns what was done, or with `dry_run` what would be.

    With a conflict nothing is written. `prune` deletes what an earlier apply with this label made
    and no file names.
    """
    with transaction.atomic():
        changes = _refuse_doubles(documents)
        doubled = {one.source for one in changes}
        seen: list[Connection] = []
        for source, document in documents:
            if source not in doubled:
                changes.append(_applied(source, document, seen, actor, applied_tag(label)))
        if prune:
            rows = Connection.objects.listed().exclude(pk__in=[row.pk for row in seen])
            changes += [_deleted(row, actor) for row in rows if applied_tag(label) in row.tags]
        if dry_run or any(one.action is Action.CONFLICT for one in changes):
            transaction.set_rollback(True)
    return changes


def _refuse_doubles(documents: Sequence[tuple[str, Document]]) -> list[AppliedChange]:
    first: dict[str, str] = {}
    changes = []
    for source, document in documents:
        if document.name in first:
            changes.append(
                AppliedChange(
                    Action.CONFLICT,
                    document.name,
                    source,
                    message=f"{first[document.name]} has this name too. Rename one.",
                )
            )
        first.setdefault(document.name, source)
    return changes


def _applied(
    source: str, document: Document, seen: list[Connection], actor: Actor, tag: str
) -> AppliedChange:
    try:
        row = find_promptflow(document.name)
        before = _stored_values(row)
        with transaction.atomic():
            saved = save_promptflow(document, actor=actor, onto=row, tags=[tag])
    except Invalid as refused:
        text = " ".join(f"{error.field}: {error.message}" for error in refused.errors)
        return AppliedChange(Action.CONFLICT, document.name, source, message=text)
    seen.append(saved.row)
    notes = tuple(f"{notice.field}: {notice.message}" for notice in saved.notices)
    changed = tuple(
        document.shape.names.get(ours, ours) + rest
        for ours, rest in _differences(before, _stored_values(saved.row))
    )
    action = Action.CREATE if row is None else Action.UPDATE if saved.changed else Action.UNCHANGED
    return AppliedChange(
        action, document.name, source, changed if action is Action.UPDATE else (), notes=notes
    )


@sensitive_variables()
def _stored_values(row: Connection | None) -> dict[str, Any]:
    if row is None:
        return {}
    return merged(row.settings, row.credentials or {})


@sensitive_variables()
def _differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The settings that differ, as (our name, `.key` of the entry or an empty text). Names only."""
    found: list[tuple[str, str]] = []
    for name in dict.fromkeys([*before, *after]):
        old, new = before.get(name), after.get(name)
        if old == new:
            continue
        if isinstance(old, dict | None) and isinstance(new, dict | None):
            old, new = old or {}, new or {}
            found += [
                (name, f".{key}")
                for key in dict.fromkeys([*old, *new])
                if old.get(key) != new.get(key)
            ]
        else:
            found.append((name, ""))
    return found


def _deleted(row: Connection, actor: Actor) -> AppliedChange:
    try:
        with transaction.atomic():
            delete_connection(row, actor=actor)
    except InUse as refused:
        return AppliedChange(Action.CONFLICT, row.name, message=str(refused))
    return AppliedChange(
        Action.DELETE, row.name, fields=(shape_of(row.provider).type,) if row.provider else ()
    )

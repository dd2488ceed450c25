"""A folder of promptflow's files as one change: planned, shown, carried out as a whole or not at
all.
"""

import re
from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils.text import slugify
from django.views.decorators.debug import sensitive_variables

from connections.audit.services import Outcome, act, forget_notes, record
from connections.credentials import merged
from connections.former_aliases import actor_name
from connections.locks import hold, long_change, retried
from connections.models import Connection
from connections.services import (
    Actor,
    FieldError,
    InUse,
    Invalid,
    delete_connection,
    new_alias,
    require,
    save_versions,
    settle_all_hosts,
)

from ..format.documents import Document
from ..format.shapes import shape_of
from .connections import draft_promptflow
from .finding import Found, is_alias, not_alike

APPLIED = "applied:"
MOST_TRIES = 5
CHANGED = "Others change the same connections again and again. Nothing was written. Apply it again."


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


@dataclass
class _Judged:
    """Changes, and the rows that they save and delete, with the versions these have now.

    `keys`: the names that look like aliases. Another file's connection never takes one of them.
    """

    changes: list[AppliedChange]
    saved: list[Connection] = field(default_factory=list)
    deleted: list[Connection] = field(default_factory=list)
    versions: dict[UUID, int] = field(default_factory=dict)
    sources: dict[UUID, str] = field(default_factory=dict)
    aliases: set[str] = field(default_factory=set)
    keys: set[str] = field(default_factory=set)

    @property
    def has_conflicts(self) -> bool:
        """True if nothing may be written."""
        return any(one.action is Action.CONFLICT for one in self.changes)


@act("promptflow.import")
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
    and no file names. Raises Invalid when others change the same connections again and again.

    All is judged without locks; then one short transaction saves it, unless somebody has changed
    one of the rows meanwhile: then it is judged again.
    """
    for _ in range(MOST_TRIES):
        judged = _judged(documents, actor, applied_tag(label), prune, dry_run)
        if judged.has_conflicts and not dry_run:
            record(actor=actor, outcome=Outcome.REFUSED, code=Action.CONFLICT)
        if dry_run or judged.has_conflicts or _is_stored(judged, actor):
            return judged.changes
    raise Invalid([FieldError("name", "changed", CHANGED)])


@sensitive_variables("documents", "document")
def _judged(
    documents: Sequence[tuple[str, Document]], actor: Actor, tag: str, prune: bool, dry_run: bool
) -> _Judged:
    judged = _Judged(_refuse_doubles(documents))
    judged.keys.update(document.name for _, document in documents if is_alias(document.name))
    doubled = {one.source for one in judged.changes}
    by = "" if dry_run else actor_name(actor)
    found = Found([document.name for _, document in documents], by)
    for source, document in documents:
        if source not in doubled:
            judged.changes.append(_applied(judged, found, source, document, actor, tag))
    if prune:
        rows = Connection.objects.listed().exclude(pk__in=judged.sources)
        judged.changes += [_deleted(judged, row, actor) for row in rows if tag in row.tags]
    return judged


def _is_stored(judged: _Judged, actor: Actor) -> bool:
    """Saves and deletes what was judged; False, and nothing is written, if rows have changed."""
    try:
        return _stored(judged, actor)
    except (IntegrityError, InUse):  # an alias that is taken now, a row that is used now
        if transaction.get_connection().in_atomic_block:
            raise
        forget_notes()
    return False


@retried
def _stored(judged: _Judged, actor: Actor) -> bool:
    if not judged.saved and not judged.deleted:
        return True
    with long_change():
        held = hold(Connection.objects.only("version"), judged.versions)
        if {pk: row.version for pk, row in held.items()} != judged.versions:
            return False
        saved = [copy(row) for row in judged.saved]
        save_versions(saved, actor)
        settle_all_hosts(saved, actor)
        for row in judged.deleted:
            delete_connection(row, actor=actor)
        actions = [str(one.action) for one in judged.changes]
        numbers = {name: actions.count(name) for name in ("create", "update", "delete")}
        record(saved[0] if saved else None, actor=actor, others=saved[1:], detail=numbers)
    return True


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
    judged: _Judged, found: Found, source: str, document: Document, actor: Actor, tag: str
) -> AppliedChange:
    try:
        row = found.find(document.name)
        if row and row.pk in judged.sources:
            text = f"{judged.sources[row.pk]} is the connection {row.alias} too. Rename one."
            return AppliedChange(Action.CONFLICT, document.name, source, message=text)
        not_alike(document.name, row)
        taken = judged.aliases | (judged.keys - {document.name})
        alias = "" if row else new_alias(Connection, document.name, taken)
        saved = draft_promptflow(document, actor=actor, onto=row, tags=[tag], alias=alias)
    except Invalid as refused:
        text = " ".join(f"{error.field}: {error.message}" for error in refused.errors)
        return AppliedChange(Action.CONFLICT, document.name, source, message=text)
    judged.sources[saved.row.pk] = source
    judged.aliases.add(saved.row.alias)
    if saved.changed:
        judged.saved.append(saved.row)
        if row:
            judged.versions[row.pk] = row.version
    notes = tuple(f"{notice.field}: {notice.message}" for notice in saved.notices)
    changed = tuple(
        document.shape.names.get(ours, ours) + rest
        for ours, rest in _differences(_stored_values(row), _stored_values(saved.row))
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


def _deleted(judged: _Judged, row: Connection, actor: Actor) -> AppliedChange:
    require(actor, "connections.delete_connection")
    if users := list(row.profiles.all()[:100]):
        return AppliedChange(Action.CONFLICT, row.name, message=str(InUse(users)))
    judged.deleted.append(row)
    judged.versions[row.pk] = row.version
    return AppliedChange(
        Action.DELETE, row.name, fields=(shape_of(row.provider).type,) if row.provider else ()
    )

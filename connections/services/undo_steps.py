"""Notes of what somebody has just done, made in the transaction of the act, so that it can be
undone (undo.py).

Each of them takes the place of the person's note before. The machine's own operator has none.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core import serializers
from django.db import models
from django.utils import timezone

from ..models import (
    AliasUse,
    ApiToken,
    Connection,
    DefaultProfile,
    HostApproval,
    Profile,
    RevealToken,
    Token,
    UndoStep,
    VersionedModel,
)
from ..row_versions import DELETION, FALLBACKS, note_beside
from ..standing import is_narrowed, is_within
from .permissions import Actor

Act = UndoStep.Act
Kept = dict[str, Any]
OF_TEAMS: dict[str, Any] = {"connection": Connection, "profile": Profile}
CHECKS_BACK = 50  # of a deleted connection, the last ones


def last_step(actor: Actor) -> UndoStep | None:
    """The last act of a person that may be undone by time; None without one, and for a token that
    is narrowed to other rows.
    """
    if actor is None:
        return None
    step = UndoStep.objects.filter(user_id=actor.pk, until__gt=timezone.now()).first()
    token: Any = getattr(actor, "token", None)
    return None if step and is_narrowed(token) and not _is_for(token, step) else step


def _is_for(token: ApiToken, step: UndoStep) -> bool:
    """True if a narrowed token is for every row of an act, as it was before it was deleted."""
    if step.kind not in OF_TEAMS:
        return False
    ids = {one["id"] for one in step.rows}
    records = OF_TEAMS[step.kind].history.filter(id__in=ids).order_by("history_id")
    rows = {str(one.id): one.instance for one in records}
    right = f"connections.view_{step.kind}"
    return rows.keys() == ids and all(is_within(token, row, right) for row in rows.values())


def prune_undo_steps() -> int:
    """Deletes the notes of acts that can no longer be undone, and says how many."""
    return UndoStep.objects.filter(until__lte=timezone.now()).delete()[0]


def _is_noted(actor: Actor) -> bool:
    return actor is not None and settings.CONNECTIONS_UNDO_MINUTES > 0


def _note(
    actor: Actor,
    act: Act,
    of: Sequence[models.Model],
    rows: Sequence[Mapping[str, Any]],
    beside: Mapping[str, Any] | None = None,
) -> UndoStep:
    now = timezone.now()
    step = UndoStep(
        user_id=actor.pk,
        act=act,
        kind=str(of[0]._meta.model_name),
        names=[str(one.pk if isinstance(one, DefaultProfile) else one) for one in of[:6]],
        rows=list(rows),
        beside=beside or {},
        done_at=now,
        until=now + timedelta(minutes=settings.CONNECTIONS_UNDO_MINUTES),
    )
    columns = [one.name for one in UndoStep._meta.concrete_fields if not one.primary_key]
    UndoStep.objects.bulk_create(
        [step], update_conflicts=True, unique_fields=["user"], update_fields=columns
    )
    return step


def note_switch(actor: Actor, rows: Sequence[VersionedModel]) -> UndoStep | None:
    """Notes that rows of one kind were switched together, each to what it is now."""
    if not rows or not _is_noted(actor):
        return None
    ordered = [{"id": str(row.pk), "version": row.version} for row in rows]
    was = [{"is_active": not row.is_active} for row in rows]
    return _note(actor, Act.SWITCHED, rows, [a | b for a, b in zip(ordered, was, strict=True)])


def note_changes(
    actor: Actor, rows: Sequence[VersionedModel], columns: Sequence[str]
) -> UndoStep | None:
    """Notes that these columns of rows of one kind were changed together, and nothing else."""
    if not rows or not _is_noted(actor):
        return None
    model: Any = type(rows[0])
    before = {row.pk: row.version - 1 for row in rows}
    records = model.history.filter(id__in=before).values_list("id", "version", "pk")
    found = {pk: record for pk, version, record in records if version == before[pk]}
    if len(found) < len(rows):
        return None
    noted = [{"id": str(row.pk), "version": row.version, "history": found[row.pk]} for row in rows]
    return _note(actor, Act.CHANGED, rows, noted, {"columns": list(columns)})


def note_change(
    actor: Actor, row: VersionedModel, chain: Sequence[Any] | None = None
) -> UndoStep | None:
    """Notes that a row was changed and is at its next version. `chain`: the ids of its fallbacks
    before, if it is a profile.
    """
    if not _is_noted(actor):
        return None
    before = _version(type(row), row.pk, version=row.version - 1)
    if before is None:
        return None
    noted = {"id": str(row.pk), "version": row.version, "history": before}
    beside = {} if chain is None else {"fallbacks": [str(one) for one in chain]}
    return _note(actor, Act.CHANGED, [row], [noted], beside)


def note_deletion(
    actor: Actor, row: VersionedModel, pk: Any, beside: Mapping[str, Any]
) -> UndoStep | None:
    """Notes that the row with this id was deleted. `beside`: `what_goes_along`, from before."""
    _note_for_good([(row, pk, beside)])
    found = _version(type(row), pk, history_type="-") if _is_noted(actor) else None
    if found is None:
        return None
    return _note(actor, Act.DELETED, [row], [{"id": str(pk), "history": found}], beside)


def note_deletions(
    actor: Actor, rows: Sequence[tuple[VersionedModel, Any, Mapping[str, Any]]]
) -> UndoStep | None:
    """Notes that rows of one kind were deleted together: each with its id and `what_goes_along`."""
    _note_for_good(rows)
    if not rows or not _is_noted(actor):
        return None
    model: Any = type(rows[0][0])
    gone = model.history.filter(id__in=[pk for _, pk, _ in rows], history_type="-")
    found = dict(gone.order_by("history_id").values_list("id", "pk"))
    noted = [{"id": str(pk), "history": found[pk]} for _, pk, _ in rows]
    each = {str(pk): dict(beside) for _, pk, beside in rows}
    return _note(actor, Act.DELETED, [row for row, _, _ in rows], noted, {"each": each})


def _note_for_good(rows: Sequence[tuple[VersionedModel, Any, Mapping[str, Any]]]) -> None:
    """Keeps what went along with deleted rows for as long as their history is kept; without checks,
    which only an undo brings back.
    """
    notes, chains = [], []
    for row, pk, beside in rows:
        along = [one for one in beside["rows"] if one["model"] != "connections.connectioncheck"]
        notes.append((pk, row.version, {**beside, "rows": along}))
        if chain := beside.get("fallbacks"):
            chains.append((pk, row.version, {"fallbacks": chain}))
    note_beside(DELETION, notes)
    note_beside(FALLBACKS, chains)


def note_revocation(actor: Actor, tokens: Sequence[Token], revoked_at: Any) -> UndoStep | None:
    """Notes that tokens of one kind were revoked together at that time."""
    if not tokens or not _is_noted(actor):
        return None
    at = revoked_at.isoformat()
    noted = [{"id": str(token.pk), "revoked_at": at} for token in tokens]
    return _note(actor, Act.REVOKED, tokens, noted)


def note_move(actor: Actor, profiles: Sequence[VersionedModel], source: Any) -> UndoStep | None:
    """Notes that profiles were moved away from a connection, each to its next version."""
    if not profiles or not _is_noted(actor):
        return None
    rows = [{"id": str(row.pk), "version": row.version} for row in profiles]
    return _note(actor, Act.MOVED, profiles, rows, {"connection": str(source.pk)})


def note_choice(actor: Actor, was: Mapping[str, Any], now: Mapping[str, Any]) -> UndoStep | None:
    """Notes that default profiles were chosen: the ids by capability, before and now."""
    rows = [
        {"id": one, "was": was[one] and str(was[one]), "now": now[one] and str(now[one])}
        for one in sorted(now)
        if was[one] != now[one]
    ]
    if not rows or not _is_noted(actor):
        return None
    return _note(actor, Act.CHOSEN, [DefaultProfile(one["id"]) for one in rows], rows)


def _version(model: Any, row_id: Any, **which: Any) -> int | None:
    """The newest such row of the history, by its id."""
    found = model.history.filter(id=row_id, **which).order_by("-history_id")
    pk: int | None = found.values_list("pk", flat=True).first()
    return pk


def what_goes_along(row: Any, checks: int = CHECKS_BACK) -> Kept:
    """What a deletion of this row takes along and its history does not keep, to be noted. None of
    it is a secret. `checks`: the most of them.
    """
    former = list(row.former_aliases.all())
    uses = AliasUse.objects.filter(former_alias__in=former)
    kept: Kept = {"rows": [*_as_data(former), *_as_data(uses), *_as_data(row.shares.all())]}
    if row._meta.model_name == "profile":
        chain = row.fallback_steps.values_list("fallback_id", flat=True)
        limited = ApiToken.every.filter(profiles=row).values_list("pk", flat=True)
        return kept | {
            "fallbacks": _ids(chain),
            "tokens": _ids(limited),
        }
    tokens = RevealToken.objects.filter(connections=row).values_list("pk", flat=True)
    approvals = HostApproval.objects.filter(connection=row).values_list("pk", flat=True)
    kept["rows"] += _as_data(row.checks.all()[:checks])
    columns = {"settings_version": row.settings_version, "asked_at": row.asked_at}
    columns["last_check_id"] = row.last_check_id
    return kept | {"flow_tokens": _ids(tokens), "approvals": _ids(approvals), "columns": columns}


def _as_data(rows: Any) -> list[Any]:
    return list(serializers.serialize("python", rows))


def _ids(keys: Any) -> list[str]:
    return [str(key) for key in keys]

"""One act on several connections or profiles: tags, deletion."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from ..audit.services import act, record
from ..errors import InUse
from ..locks import hold, long_change, retried
from ..models import Profile, UndoStep
from .base import clean_tags, save_version
from .dependents import seen_and_others
from .permissions import Actor, require
from .profiles import dependents_of
from .undo_steps import CHECKS_BACK, note_changes, note_deletions, what_goes_along


@dataclass(frozen=True)
class NotDeleted:
    """A row that stays: `dependents` need it, and `others` that are not for whoever asks."""

    row: Any
    dependents: Sequence[Any]
    others: int = 0

    def __str__(self) -> str:
        reason = str(InUse(self.dependents, "", self.others)).strip()
        return f"{self.row.name}: {reason[:1].lower()}{reason[1:]}"


@retried
@act(lambda rows, **_others: f"{rows[0]._meta.model_name}.update")
def retag(
    rows: Sequence[Any], *, add: Sequence[str] = (), take: Sequence[str] = (), actor: Actor
) -> tuple[int, UndoStep | None]:
    """Gives rows of one kind tags, and takes others away: one act, which is undone as one.

    Returns how many were changed. Raises Invalid, PermissionDenied.
    """
    model = type(rows[0])
    require(actor, f"connections.change_{model._meta.model_name}")
    clean_tags(list(add))
    gone = {tag.casefold() for tag in take}
    with long_change():
        changed = []
        for row in hold(model._default_manager.all(), [row.pk for row in rows]).values():
            require(actor, f"connections.change_{model._meta.model_name}", on=row)
            kept = [tag for tag in row.tags if tag.casefold() not in gone]
            tags = clean_tags([*kept, *add], row.tags)
            if tags != row.tags:
                row.tags = tags
                save_version(row, actor, ["tags"])
                changed.append(row)
        if changed:
            detail = {"added": list(add), "taken": list(take)}
            record(others=changed, actor=actor, detail=detail)
        return len(changed), note_changes(actor, changed, ["tags"])


def needed_by(row: Any) -> tuple[list[Any], int]:
    """The rows for whose sake this one cannot be deleted, and the number of those that are not for
    whoever asks.
    """
    is_profile = isinstance(row, Profile)
    return seen_and_others(
        dependents_of(row) if is_profile else list(Profile.every.filter(connection=row)[:100])
    )


@retried
@act(lambda rows, **_others: f"{rows[0]._meta.model_name}.delete")
def delete_several(
    rows: Sequence[Any], *, actor: Actor
) -> tuple[int, list[NotDeleted], UndoStep | None]:
    """Deletes rows of one kind, but for those that something needs: one act, undone as one.

    Returns how many are gone, and those that stay. Raises PermissionDenied.
    """
    model: Any = type(rows[0])
    require(actor, f"connections.delete_{model._meta.model_name}")
    checks = max(1, CHECKS_BACK // len(rows))
    with long_change(), transaction.atomic():
        keys = [row.pk for row in rows]
        held = list(model.objects.select_for_update().filter(pk__in=keys).order_by("pk"))
        for row in held:
            require(actor, f"connections.delete_{model._meta.model_name}", on=row)
        stays = [NotDeleted(row, *found) for row in held if any(found := needed_by(row))]
        kept = {one.row.pk for one in stays}
        going = [row for row in held if row.pk not in kept]
        noted = [(row, row.pk, what_goes_along(row, checks)) for row in going]
        if going:
            record(others=going, actor=actor)
        for row in going:
            row._history_user = actor
            row.delete()
        return len(going), stays, note_deletions(actor, noted)


def free_and_needed(rows: Sequence[Any]) -> tuple[list[Any], list[NotDeleted]]:
    """Those of the rows that can be deleted, and those that cannot."""
    needed = [NotDeleted(row, *found) for row in rows if any(found := needed_by(row))]
    kept = {one.row.pk for one in needed}
    return [row for row in rows if row.pk not in kept], needed

"""Switch connections and profiles on and off, one or several together."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from django.db import transaction

from ..audit.services import act, record
from ..locks import hold, retried
from ..models import Connection, Profile
from .base import save_version
from .drafts import Saved
from .permissions import Actor, require
from .undo_steps import note_switch


def _action(rows: Sequence[tuple[Any, bool]], **_others: Any) -> str:
    row, is_active = rows[0]
    return f"{row._meta.model_name}.{'activate' if is_active else 'deactivate'}"


@retried
@act(_action)
def switch(rows: Sequence[tuple[Any, bool]], *, actor: Actor) -> list[Saved]:
    """Switches rows of one kind, each to on or off: one act, which is undone as one.

    Returns those that are still there, in the order given. Raises PermissionDenied, DoesNotExist
    when none is there.
    """
    wanted = {row.pk: is_active for row, is_active in rows}
    model = type(rows[0][0])
    require(actor, f"connections.toggle_{model._meta.model_name}")
    with transaction.atomic():
        held = hold(model._default_manager.all(), wanted)
        if not held:
            raise model.DoesNotExist
        changed = [row for pk, row in held.items() if row.is_active != wanted[pk]]
        for row in changed:
            require(actor, f"connections.toggle_{model._meta.model_name}", on=row)
            row.is_active = wanted[row.pk]
            save_version(row, actor, ["is_active"])
        step = note_switch(actor, changed)
        if changed:
            record(changed[0], actor=actor, others=changed[1:])
    saved = {pk: Saved(row, changed=row in changed) for pk, row in held.items()}
    return [
        replace(saved[pk], step=step if saved[pk].changed else None) for pk in wanted if pk in saved
    ]


def set_active(connection: Connection, is_active: bool, *, actor: Actor) -> Saved:
    """Switches a connection on or off; also one that cannot be decrypted, or whose provider is
    gone. Raises PermissionDenied, DoesNotExist.
    """
    return switch([(connection, is_active)], actor=actor)[0]


def set_profile_active(profile: Profile, is_active: bool, *, actor: Actor) -> Saved:
    """Switches a profile on or off. Raises PermissionDenied, DoesNotExist."""
    return switch([(profile, is_active)], actor=actor)[0]

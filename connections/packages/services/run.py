"""One import while it runs: what was decided, what became of what, and how a single item is carried
out or refused.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.db import transaction

from connections.models import Connection, Profile
from connections.services import Actor, Invalid

from ..format.documents import ConnectionDocument, ProfileDocument
from ..format.files import Package
from ..format.plan import Decisions, Placeholder, PlanItem
from .secrets import NotMapped

NEW, SAME, CONFLICT, MISSING_TYPE, UNUSABLE = (
    "new",
    "identical",
    "conflict",
    "missing_type",
    "unusable",
)
CHOICES = {
    NEW: ("create", "skip"),
    SAME: ("nothing", "copy"),
    CONFLICT: ("keep", "replace", "copy", "merge", "skip"),
    UNUSABLE: ("keep", "copy", "skip"),
    MISSING_TYPE: ("skip",),
}
UNDECIDED = "It differs from what is here. Decide what becomes of it."


@dataclass
class Run:
    """One import.

    `connections` and `profiles`: id in the package -> the row that it is here; `sealed`:
    placeholder -> secret.

    `is_dry`: nothing will stay, so that what the actor may not do is noted instead of raised.
    """

    package: Package
    decisions: Decisions
    actor: Actor
    is_dry: bool
    sealed: Mapping[str, Any] = field(repr=False)
    connections: dict[UUID, Connection] = field(default_factory=dict)
    profiles: dict[UUID, Profile] = field(default_factory=dict)
    placeholders: dict[tuple[str, str], Placeholder] = field(default_factory=dict)


@dataclass
class Outcome:
    """What became of one item, as far as it is known."""

    state: str
    action: str
    row: Any = None
    notes: list[str] = field(default_factory=list)
    differences: list[str] = field(default_factory=list)


def find_row(
    model: Any, document: ConnectionDocument | ProfileDocument, documents: Sequence[Any]
) -> Any:
    """The row with the document's id, else with its alias unless that row is another document's by
    its id; locked. Or None.
    """
    rows = model.objects.select_for_update(of=("self",))
    others = [one.id for one in documents if one.alias != document.alias]
    found = rows.filter(pk=document.id).first() or rows.filter(alias=document.alias).first()
    return None if found and found.pk != document.id and found.pk in others else found


def columns_of(document: ConnectionDocument | ProfileDocument, model: Any) -> dict[str, Any]:
    """The edited columns that a document brings for a row."""
    return {name: getattr(document, name) for name in model.editable_columns}


def empty_columns(document: ConnectionDocument | ProfileDocument, row: Any) -> dict[str, Any]:
    """Those of `columns_of` for which the row has no value yet."""
    brought = columns_of(document, type(row))
    return {name: value for name, value in brought.items() if getattr(row, name) in (None, "", [])}


def decided(run: Run, item_id: str, state: str) -> str:
    """What becomes of an item in this state: an action, or refuse."""
    wanted = run.decisions.items.get(item_id, "")
    if state == NEW:
        return wanted if wanted in ("skip", "copy") else "create"
    if state == SAME:
        return "copy" if wanted == "copy" else "nothing"
    if state == MISSING_TYPE:
        return "skip" if wanted == "skip" else "refuse"
    action = wanted or run.decisions.on_conflict
    return action if action in CHOICES[state] else "refuse"


def attempt(run: Run, outcome: Outcome, act: Callable[[], Any]) -> None:
    """Carries an item out; when it is refused, only this item is undone, and its notes say why."""
    try:
        with transaction.atomic():
            outcome.row = act()
            return
    except Invalid as error:
        outcome.notes += [f"{_place(one.field)}{one.message}" for one in error.errors]
    except NotMapped as error:
        outcome.notes.append(str(error))
    except PermissionDenied as error:
        if not run.is_dry:
            raise
        outcome.notes.append(str(error))
    outcome.action = "refuse"


def _place(field: str) -> str:
    name = field.removeprefix("settings.")
    return f"{name}: " if name else ""


def plan_item(
    kind: str,
    document: ConnectionDocument | ProfileDocument,
    outcome: Outcome,
    provider_id: str,
    missing: tuple[str, ...],
) -> PlanItem:
    """The line of the plan for one document."""
    return PlanItem(
        id=f"{kind}:{document.id}",
        kind=kind,
        name=document.name,
        alias=document.alias,
        provider_id=provider_id,
        state=outcome.state,
        action=outcome.action,
        differences=tuple(outcome.differences),
        missing_secrets=missing,
        choices=CHOICES[outcome.state],
        notes=tuple(dict.fromkeys(outcome.notes)),
        row_id=str(outcome.row.pk) if outcome.row else None,
    )

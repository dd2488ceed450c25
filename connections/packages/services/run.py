"""One import while it is judged: its decisions, the rows that are here, the rows as they would be
saved, and the steps that every item takes. Nothing here writes.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.utils.translation import gettext_noop

from connections.models import Connection, Profile, Team
from connections.services import Actor, Invalid
from providers.core.base import Provider

from ..format.documents import ConnectionDocument, ProfileDocument
from ..format.files import Package
from ..format.plan import Decisions, Placeholder, PlanItem
from .here import Here
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
UNDECIDED = gettext_noop("This installation has it with other content. Decide what to do with it.")


@dataclass
class Change:
    """A row as the import would save it. `version`: that of the row it was made from, 0 for a new
    one. `fallbacks`: the chain to write, None for what is there.
    """

    row: Any
    version: int
    fallbacks: Sequence[Profile] | None = None


@dataclass
class Run:
    """One import.

    `connections` and `profiles`: id in the package -> the row that it is here; `sealed`:
    placeholder -> secret. `here`: the rows that documents may mean. `changes`: by the id of the
    item. `types`: the providers that types of the package would make, by key.

    `is_dry`: nobody means to carry it out, so what the actor may not do is noted instead of raised.
    `team`: of the rows that it makes, None: all share them.
    """

    package: Package
    decisions: Decisions
    actor: Actor
    is_dry: bool
    sealed: Mapping[str, Any] = field(repr=False)
    here: Here
    connections: dict[UUID, Connection] = field(default_factory=dict)
    profiles: dict[UUID, Profile] = field(default_factory=dict)
    placeholders: dict[tuple[str, str], Placeholder] = field(default_factory=dict)
    changes: dict[str, Change] = field(default_factory=dict, repr=False)
    types: dict[str, type[Provider[Any]]] = field(default_factory=dict)
    team: Team | None = None

    def note(self, item_id: str, change: Change) -> None:
        """Keeps what an item would save."""
        self.changes[item_id] = change
        if not change.version:
            self.here.rows[type(change.row)].taken.add(change.row.alias)

    def forget(self, item_id: str) -> None:
        """Drops what an item would save, before it is judged again."""
        change = self.changes.pop(item_id, None)
        if change and not change.version:
            self.here.rows[type(change.row)].taken.discard(change.row.alias)


@dataclass
class ItemResult:
    """The state of one item, the action chosen for it, and the row and notes so far."""

    state: str
    action: str
    row: Any = None
    notes: list[str] = field(default_factory=list)
    differences: list[str] = field(default_factory=list)


def find_row(
    run: Run, model: Any, document: ConnectionDocument | ProfileDocument, others: set[UUID]
) -> Any:
    """The row with the document's id, else the one with its alias; None without one.

    A row that has the id of another document, one of `others`, is left to that one.
    """
    found = run.here.rows[model].find(document.id, document.alias)
    return None if found and found.pk != document.id and found.pk in others else found


def columns_of(document: ConnectionDocument | ProfileDocument, model: Any) -> dict[str, Any]:
    """The editable columns of the model, as the document has them; an empty text for one that is
    empty there.
    """
    found = {name: getattr(document, name) for name in model.editable_columns}
    return {name: "" if value is None else value for name, value in found.items()}


def empty_columns(document: ConnectionDocument | ProfileDocument, row: Any) -> dict[str, Any]:
    """The editable columns in which the row is empty, as the document has them."""
    brought = columns_of(document, type(row))
    return {name: value for name, value in brought.items() if getattr(row, name) in (None, "", [])}


def decided(run: Run, item_id: str, state: str) -> str:
    """The action decided for an item in this state, `refuse` if none that fits was decided."""
    wanted = run.decisions.items.get(item_id, "")
    if state == NEW:
        return wanted if wanted in ("skip", "copy") else "create"
    if state == SAME:
        return "copy" if wanted == "copy" else "nothing"
    if state == MISSING_TYPE:
        return "skip" if wanted == "skip" else "refuse"
    action = wanted or run.decisions.on_conflict
    return action if action in CHOICES[state] else "refuse"


def attempt(run: Run, item_id: str, result: ItemResult, act: Callable[[], Change | None]) -> None:
    """Notes in the run what `act` makes of an item; None stands for a row that stays as it is.

    When it is refused, its notes say why. Raises PermissionDenied, unless the run is dry.
    """
    try:
        change = act()
    except Invalid as error:
        for one in error.errors:
            name = one.field.removeprefix("settings.")
            result.notes.append(f"{name}: {one.message}" if name else one.message)
    except NotMapped as error:
        result.notes.append(str(error))
    except PermissionDenied as error:
        if not run.is_dry:
            raise
        result.notes.append(str(error))
    else:
        if change:
            run.note(item_id, change)
            result.row = change.row
        return
    result.action = "refuse"


def plan_item(
    kind: str,
    document: ConnectionDocument | ProfileDocument,
    result: ItemResult,
    provider_id: str,
    missing: tuple[str, ...],
) -> PlanItem:
    """The item of the plan for one document. A new one that is refused, because its alias is taken
    by what nobody means, may be imported under another.
    """
    is_refused = result.state == NEW and result.action == "refuse"
    return PlanItem(
        id=f"{kind}:{document.id}",
        kind=kind,
        name=document.name,
        alias=document.alias,
        provider_id=provider_id,
        state=result.state,
        action=result.action,
        differences=tuple(result.differences),
        missing_secrets=missing,
        choices=CHOICES[result.state] + (("copy",) if is_refused else ()),
        notes=tuple(dict.fromkeys(result.notes)),
        row_id=str(result.row.pk) if result.row else None,
    )

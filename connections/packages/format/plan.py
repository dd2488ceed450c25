"""Decisions about a package, and the plan of its import. Neither ever holds a secret."""

from collections.abc import Mapping
from dataclasses import dataclass, field

ON_CONFLICT = ("abort", "keep", "replace", "copy", "merge")
ACTIONS = (
    "create",
    "keep",
    "replace",
    "copy",
    "merge",
    "skip",
)  # that may be chosen for one item


@dataclass(frozen=True)
class Decisions:
    """Decisions about an import.

    `on_conflict`: for every item that differs from what is here. `items`: item id -> action,
    which comes before `on_conflict`. `secrets`: placeholder -> a reference, or `connection:<id or
    alias>` to take the same secret of that connection. `install_types`: install connection types
    that the package brings.
    """

    on_conflict: str = "abort"
    items: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(
        default_factory=dict, repr=False
    )  # somebody might type a key here
    install_types: bool = False


@dataclass(frozen=True)
class PlanItem:
    """One connection, profile or type of a package.

    `id`: `connection:<uuid>`, `profile:<uuid>` or `type:<key>`. `state`: new, identical, conflict,
    missing_type or unusable. `action`: create, nothing, keep, replace, copy, merge, skip or refuse.
    `missing_secrets`: placeholders that it would lack. `choices`: the actions that may be decided.
    `notes`: sentences. `differences`: labels of the settings that differ here, never a value.
    `row_id`: the row it is compared with, or that an import made.
    """

    id: str
    kind: str
    name: str
    alias: str
    provider_id: str
    state: str
    action: str
    differences: tuple[str, ...] = ()
    missing_secrets: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    row_id: str | None = None


@dataclass(frozen=True)
class Placeholder:
    """A secret that the package does not bring, and that is missing here or was mapped.

    `connection` and `setting` are for people.
    """

    name: str
    connection: str
    setting: str
    item_id: str = ""


@dataclass(frozen=True)
class Plan:
    """The effects that an import would have, or had."""

    items: tuple[PlanItem, ...] = ()
    placeholders: tuple[Placeholder, ...] = ()
    is_sealed: bool = False
    made_at: str = ""
    notes: tuple[str, ...] = ()

    @property
    def is_noop(self) -> bool:
        """True if nothing here would change."""
        return all(item.action in ("nothing", "keep", "skip") for item in self.items)

    @property
    def conflicts(self) -> tuple[PlanItem, ...]:
        """The items that stand in the way of importing anything."""
        return tuple(item for item in self.items if item.action == "refuse")

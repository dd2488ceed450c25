"""The plan of an import: each item is judged, and nothing is written.

It reads what is here in a few queries and locks nothing. The import saves what was judged, see
importing.py.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from django.views.decorators.debug import sensitive_variables

from connections.catalog import confirm_types
from connections.courtesy import long_computation, step_aside
from connections.models import Team
from connections.services import Actor, require

from ..format.documents import ConnectionDocument, Missing
from ..format.errors import PackageError
from ..format.files import Package, has_profiles, read_package
from ..format.plan import ACTIONS, ON_CONFLICT, Decisions, Plan, PlanItem
from .connections import take_connection
from .here import read_here
from .profiles import take_profiles
from .run import Run
from .secrets import refuse_bad_mapping
from .types import take_types

LEFT_OUT = gettext_noop(
    "The package has sealed secrets. Without its passphrase they are left out, and connections "
    "that need them will be inactive."
)
NOT_SEALED = gettext_noop("The package has no sealed secrets, so the passphrase is not needed.")
UNKNOWN_ITEM = gettext_noop("%(item)s is not in this package. Its plan lists its items.")
UNKNOWN_ACTION = gettext_noop("Choose one of: %(choices)s.")


@sensitive_variables("content")
def brings_profiles(content: bytes) -> bool:
    """True if there are profiles in a package: importing them takes more rights.

    Raises PackageError.
    """
    return has_profiles(content)


@long_computation()
@sensitive_variables("content", "passphrase", "decisions")
def plan_import(
    content: bytes,
    *,
    actor: Actor,
    passphrase: str = "",
    decisions: Decisions = Decisions(),
    team: Team | None = None,
) -> Plan:
    """The plan of what an import of this package would do. `team`: of the rows that it makes, None:
    all share them.

    Writes nothing. Raises PackageError, PermissionDenied.
    """
    opened = open_package(content, actor, passphrase, decisions, team)
    return judge(opened, is_dry=True).plan


@dataclass(frozen=True)
class Opened:
    """A package that was read, what was decided about it, and by whom."""

    package: Package
    decisions: Decisions
    actor: Actor
    sealed: Mapping[str, Any] = field(repr=False)
    notes: tuple[str, ...] = ()
    team: Team | None = None


@sensitive_variables()
def open_package(
    content: bytes, actor: Actor, passphrase: str, decisions: Decisions, team: Team | None = None
) -> Opened:
    """Reads a package and opens its secrets. Raises PackageError, PermissionDenied."""
    require(actor, "connections.view_connection", "connections.add_connection")
    package = read_package(content)
    if package.profiles:
        require(actor, "connections.view_profile", "connections.add_profile")
    _refuse_unknown(package, decisions)
    notes = tuple(_notes(package, passphrase))
    return Opened(package, decisions, actor, package.secrets(passphrase), notes, team)


@dataclass
class Judged:
    """A run and the items of its plan."""

    run: Run
    notes: tuple[str, ...]
    types: list[PlanItem]
    connections: dict[UUID, PlanItem]
    profiles: list[PlanItem]

    @property
    def plan(self) -> Plan:
        """The plan."""
        return Plan(
            items=(*self.types, *self.connections.values(), *self.profiles),
            placeholders=tuple(self.run.placeholders.values()),
            is_sealed=self.run.package.is_sealed,
            made_at=self.run.package.manifest.created,
            notes=self.notes,
        )


@sensitive_variables()
def judge(opened: Opened, is_dry: bool) -> Judged:
    """Judges every item by what is here now. Writes nothing.

    Raises PackageError, PermissionDenied.
    """
    confirm_types()
    package = opened.package
    run = Run(
        package,
        opened.decisions,
        opened.actor,
        is_dry,
        opened.sealed,
        read_here(package),
        team=opened.team,
    )
    types = take_types(run)
    # a secret may be mapped to one of a connection that the package makes: those come first
    waiting = sorted(package.connections, key=lambda one: _is_mapped(one, opened.decisions))
    taken = {}
    for one in waiting:
        step_aside()
        taken[one.id] = take_connection(run, one)
    connections = {one.id: taken[one.id] for one in package.connections}
    return Judged(run, opened.notes, types, connections, take_profiles(run))


def _is_mapped(document: ConnectionDocument, decisions: Decisions) -> bool:
    found = [
        one
        for value in document.secrets.values()
        for one in (value.values() if isinstance(value, dict) else [value])
    ]
    return any(isinstance(one, Missing) and one.placeholder in decisions.secrets for one in found)


def _notes(package: Package, passphrase: str) -> Iterator[str]:
    yield from package.manifest.notes
    if package.is_sealed and not passphrase:
        yield _(LEFT_OUT)
    if passphrase and not package.is_sealed:
        yield _(NOT_SEALED)


def _refuse_unknown(package: Package, decisions: Decisions) -> None:
    """Raises PackageError for a decision about an item or a placeholder that is not in the package,
    and for a decision that does not exist.
    """
    ids = {f"connection:{one.id}" for one in package.connections} | {
        f"profile:{one.id}" for one in package.profiles
    }
    ids |= {f"type:{key}" for key in package.types}
    if unknown := sorted(decisions.items.keys() - ids):
        raise PackageError("bad_decision", _(UNKNOWN_ITEM) % {"item": unknown[0][:100]})
    if decisions.on_conflict not in ON_CONFLICT:
        raise PackageError("bad_decision", _(UNKNOWN_ACTION) % {"choices": ", ".join(ON_CONFLICT)})
    if not set(decisions.items.values()) <= {*ACTIONS}:
        raise PackageError("bad_decision", _(UNKNOWN_ACTION) % {"choices": ", ".join(ACTIONS)})
    if unknown := sorted(decisions.secrets.keys() - package.placeholders):
        item = _("The placeholder %(name)r") % {"name": unknown[0][:100]}
        raise PackageError("bad_decision", _(UNKNOWN_ITEM) % {"item": item})
    refuse_bad_mapping(decisions.secrets)

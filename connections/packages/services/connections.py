"""The connections of a package: brought in as it was decided, each or not at all."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from django.views.decorators.debug import sensitive_variables

from connections.models import Connection
from connections.services import create_connection, new_alias, plain_settings, update_connection
from connections.type_versions import bring_up
from providers.core.base import Provider
from providers.core.registry import UnknownProvider, get_provider

from ..format.documents import ConnectionDocument
from ..format.plan import Placeholder, PlanItem
from .compare import Comparison
from .run import (
    CONFLICT,
    MISSING_TYPE,
    NEW,
    SAME,
    UNDECIDED,
    UNUSABLE,
    Outcome,
    Run,
    attempt,
    columns_of,
    decided,
    empty_columns,
    find_row,
    plan_item,
)
from .secrets import Incoming, NotMapped, addresses, read_incoming

NEWER = (
    "Its settings are of version {} of {}, and version {} is here. Install the newer type first, "
    "or update Switchboard."
)
NO_TYPE = "There is no connection type {!r} here."
NOT_BROUGHT = "The package does not bring it. Install it first, or leave this connection out."
BRINGS_TYPE = "The package brings this type. Install it too, or leave this connection out."
OTHER_PROVIDER = (
    "The connection {} is here with another provider, {}. It can be kept, or imported as a copy."
)
MAP_IT = "Map the secret to a reference or to another connection, or import this as a copy."
NEEDS = "It will be inactive until it has what is missing."
OTHER_PLACE = "Secrets and addresses are left as they are, because it has another address here."


def take_connection(run: Run, document: ConnectionDocument) -> PlanItem:
    """Compares one connection and carries out what was decided about it.

    Raises PackageError, PermissionDenied.
    """
    row = find_row(Connection, document, run.package.connections)
    if row:
        run.connections[document.id] = row
    try:
        provider = get_provider(document.provider)
    except UnknownProvider:
        return _unread(run, document, row, NO_TYPE.format(document.provider))
    version = document.type_version or run.package.manifest.types[document.provider]
    if version > provider.version:
        return _unread(
            run, document, row, NEWER.format(version, document.provider, provider.version)
        )
    try:
        incoming = read_incoming(
            document, version, provider, run.sealed, run.decisions.secrets, run.actor
        )
    except NotMapped as error:
        return _item(document, Outcome(CONFLICT if row else NEW, "refuse", row, [str(error)]))
    return _taken(_Taking(run, document, provider, incoming), row)


def _unread(run: Run, document: ConnectionDocument, row: Connection | None, note: str) -> PlanItem:
    action = decided(run, f"connection:{document.id}", MISSING_TYPE)
    brings = document.provider in run.package.types
    cure = (
        [] if brings and run.decisions.install_types else [BRINGS_TYPE if brings else NOT_BROUGHT]
    )
    return _item(document, Outcome(MISSING_TYPE, action, row, [note, *cure]))


def _item(
    document: ConnectionDocument, outcome: Outcome, missing: tuple[str, ...] = ()
) -> PlanItem:
    return plan_item("connection", document, outcome, document.provider, missing)


@dataclass(frozen=True)
class _Taking:
    """One connection on its way in."""

    run: Run
    document: ConnectionDocument
    provider: type[Provider[Any]]
    incoming: Incoming

    @property
    def item_id(self) -> str:
        """As the plan calls it."""
        return f"connection:{self.document.id}"


def _taken(taking: _Taking, row: Connection | None) -> PlanItem:
    run, document = taking.run, taking.document
    if row is None:
        return _done(taking, Outcome(NEW, decided(run, taking.item_id, NEW)), None)
    if row.provider_id != document.provider:
        note = OTHER_PROVIDER.format(row.alias, row.provider_name)
        return _done(
            taking, Outcome(UNUSABLE, decided(run, taking.item_id, UNUSABLE), row, [note]), None
        )
    bring_up(row, taking.provider)
    may_compare = run.actor is None or run.actor.has_perm("connections.change_connection")
    beside = Comparison(document, taking.provider, taking.incoming, row, may_compare)
    differences = beside.differences()
    state = CONFLICT if differences else SAME
    outcome = Outcome(state, decided(run, taking.item_id, state), row, beside.notes(), differences)
    if outcome.action == "refuse":
        outcome.notes.append(UNDECIDED)
    return _done(taking, outcome, beside)


def _done(taking: _Taking, outcome: Outcome, beside: Comparison | None) -> PlanItem:
    """Writes what the action says, and remembers which row it is."""
    run, document = taking.run, taking.document
    if outcome.action in ("create", "copy"):
        attempt(run, outcome, lambda: _create(taking, outcome.action == "copy"))
    elif beside and outcome.action in ("replace", "merge"):
        attempt(
            run,
            outcome,
            lambda: (
                _replace(taking, beside) if outcome.action == "replace" else _merge(taking, beside)
            ),
        )
        _note_place(outcome, beside)
    if outcome.row and outcome.action != "refuse":
        run.connections[document.id] = outcome.row
    missing = _missing(taking, outcome, beside)
    for where, name in {**missing, **taking.incoming.mapped}.items():
        run.placeholders[taking.item_id, name] = Placeholder(
            name, document.name, taking.incoming.label(where), taking.item_id
        )
    if missing and outcome.action in ("create", "copy", "replace"):
        outcome.notes.append(NEEDS)
    return _item(document, outcome, tuple(dict.fromkeys(missing.values())))


def _note_place(outcome: Outcome, beside: Comparison) -> None:
    if not beside.is_same_place and outcome.action in ("merge", "refuse"):
        outcome.notes.append(OTHER_PLACE if outcome.action == "merge" else MAP_IT)


def _missing(taking: _Taking, outcome: Outcome, beside: Comparison | None) -> dict[str, str]:
    """What would be missing and can be mapped, place -> placeholder: all of it where stored secrets
    may not follow an address.
    """
    missing = taking.incoming.missing
    if outcome.action in ("skip", "nothing"):
        return {}
    if beside is None:
        return missing if outcome.state == NEW or outcome.action == "copy" else {}
    if outcome.action == "copy" or not beside.is_same_place:
        return missing
    return {where: missing[where] for where in beside.unstored()}


@sensitive_variables()
def _create(taking: _Taking, is_copy: bool) -> Any:
    document, incoming = taking.document, taking.incoming
    return create_connection(
        document.provider,
        actor=taking.run.actor,
        alias=new_alias(Connection, document.alias) if is_copy else document.alias,
        settings=incoming.posted,
        id=None if is_copy else document.id,
        missing_secrets=list(incoming.missing),
        **_columns(document, incoming.missing),
    ).row


@sensitive_variables()
def _replace(taking: _Taking, beside: Comparison) -> Any:
    missing = beside.missing_secrets()
    return update_connection(
        beside.row,
        actor=taking.run.actor,
        settings=taking.incoming.posted,
        missing_secrets=missing,
        **_columns(taking.document, missing),
    ).row


def _columns(document: ConnectionDocument, missing: Collection[str]) -> Any:
    """The columns to store; a connection stays inactive while it misses a secret."""
    is_active = document.is_active and not missing
    return columns_of(document, Connection) | {"is_active": is_active}


@sensitive_variables()
def _merge(taking: _Taking, beside: Comparison) -> Any:
    """Fills what is empty.

    Where the addresses differ, neither an address nor a secret is filled in: one would meet the
    other.
    """
    row = beside.row
    plain = plain_settings(taking.provider, row.settings)
    fill = {name: _rest(value, plain.get(name)) for name, value in taking.incoming.settings.items()}
    if beside.is_same_place:
        fill |= beside.free_secrets()
    else:
        fill = {
            name: value
            for name, value in fill.items()
            if name not in addresses(taking.provider, {})
        }
    fill = {name: value for name, value in fill.items() if value is not None}
    columns: Any = empty_columns(taking.document, row)
    return update_connection(
        row,
        actor=taking.run.actor,
        settings=fill or None,
        merge=True,
        missing_secrets=row.lacking,
        **columns,
    ).row


def _rest(value: Any, stored: Any) -> Any:
    """What of a value there is place for: all of it, or the entries of a map that are not there;
    else None.
    """
    if isinstance(value, dict) and isinstance(stored, dict):
        return {key: one for key, one in value.items() if key not in stored} or None
    return value if stored is None else None

"""The judgement of a package's connections: each as it would be after what was decided about it."""

from collections.abc import Collection
from copy import copy
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from django.views.decorators.debug import sensitive_variables

from connections.models import Connection
from connections.offers import offered_provider
from connections.services import (
    Draft,
    draft_change,
    draft_connection,
    may,
    may_hand_to_flows,
    new_alias,
    plain_settings,
)
from connections.type_versions import bring_up
from providers.core.base import Provider
from providers.core.registry import UnknownProvider

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
    Change,
    ItemResult,
    Run,
    attempt,
    columns_of,
    decided,
    empty_columns,
    find_row,
    plan_item,
)
from .secrets import FROM, IncomingConnection, NotMapped, addresses, read_incoming

NEWER = gettext_noop(
    "Its settings are of version %(version)s of %(provider)s, and version %(here)s is here. "
    "Install the newer type first, or update Switchboard."
)
NO_TYPE = gettext_noop("There is no connection type %(name)r here.")
NOT_BROUGHT = gettext_noop(
    "The package does not bring it. Install it first, or leave this connection out."
)
BRINGS_TYPE = gettext_noop(
    "The package brings this type. Install it too, or leave this connection out."
)
OTHER_PROVIDER = gettext_noop(
    "The connection %(alias)s is here with another provider, %(provider)s. It can be kept, or "
    "imported as a copy."
)
MAP_IT = gettext_noop(
    "Map the secret to a reference or to another connection, or import this as a copy."
)
NEEDS = gettext_noop("It will be inactive until it has what is missing.")
FOR_FLOWS = gettext_noop(
    "Flows read %(name)s with a token, so that only an administrator may give it the secret of "
    "another connection. Map the secret to a reference, or import this as a copy."
)
OTHER_PLACE = gettext_noop(
    "Secrets and addresses are left as they are, because it has another address here."
)


def take_connection(run: Run, document: ConnectionDocument) -> PlanItem:
    """Compares one connection and makes what was decided about it.

    Returns its item of the plan, and notes the row to save in the run. Raises PackageError,
    PermissionDenied.
    """
    run.forget(f"connection:{document.id}")
    row = find_row(run, Connection, document, run.package.connection_ids)
    if row:
        run.connections[document.id] = row
    try:
        provider = run.types.get(document.provider) or offered_provider(document.provider)
    except UnknownProvider:
        return _unread(run, document, row, _(NO_TYPE) % {"name": document.provider})
    version = document.type_version or run.package.manifest.types[document.provider]
    if version > provider.version:
        values = {"provider": document.provider, "version": version, "here": provider.version}
        return _unread(run, document, row, _(NEWER) % values)
    try:
        incoming = read_incoming(
            document,
            version,
            provider,
            run.sealed,
            run.decisions.secrets,
            run.actor,
            [one.row for one in run.changes.values() if one.version == 0],
        )
    except NotMapped as error:
        return _item(document, ItemResult(CONFLICT if row else NEW, "refuse", row, [str(error)]))
    return _taken(_Taking(run, document, provider, incoming), row)


def _unread(run: Run, document: ConnectionDocument, row: Connection | None, note: str) -> PlanItem:
    action = decided(run, f"connection:{document.id}", MISSING_TYPE)
    brings = document.provider in run.package.types
    cure = (
        []
        if brings and run.decisions.install_types
        else [_(BRINGS_TYPE if brings else NOT_BROUGHT)]
    )
    return _item(document, ItemResult(MISSING_TYPE, action, row, [note, *cure]))


def _item(
    document: ConnectionDocument, result: ItemResult, missing: tuple[str, ...] = ()
) -> PlanItem:
    return plan_item("connection", document, result, document.provider, missing)


@dataclass(frozen=True)
class _Taking:
    """One connection while it is imported."""

    run: Run
    document: ConnectionDocument
    provider: type[Provider[Any]]
    incoming: IncomingConnection

    @property
    def item_id(self) -> str:
        """Its id in the plan."""
        return f"connection:{self.document.id}"


def _taken(taking: _Taking, row: Connection | None) -> PlanItem:
    run, document = taking.run, taking.document
    if row is None:
        return _done(taking, ItemResult(NEW, decided(run, taking.item_id, NEW)), None)
    if row.provider_id != document.provider:
        note = _(OTHER_PROVIDER) % {"alias": row.alias, "provider": row.provider_name}
        return _done(
            taking, ItemResult(UNUSABLE, decided(run, taking.item_id, UNUSABLE), row, [note]), None
        )
    beside_row = copy(row)
    bring_up(beside_row, taking.provider)
    may_compare = may(run.actor, "connections.change_connection", row)
    beside = Comparison(document, taking.provider, taking.incoming, beside_row, may_compare)
    differences = beside.differences()
    state = CONFLICT if differences else SAME
    result = ItemResult(
        state, decided(run, taking.item_id, state), row, beside.notes(), differences
    )
    if result.action == "refuse":
        result.notes.append(_(UNDECIDED))
    return _done(taking, result, beside)


def _done(taking: _Taking, result: ItemResult, beside: Comparison | None) -> PlanItem:
    """Carries out the action, and notes the row in the run and what is missing in the plan."""
    run, document, row = taking.run, taking.document, result.row
    if result.action in ("create", "copy"):
        attempt(run, taking.item_id, result, lambda: _create(taking, result.action == "copy"))
    elif beside and row and result.action in ("replace", "merge"):
        attempt(run, taking.item_id, result, lambda: _change(taking, beside, row, result.action))
        if result.action in ("merge", "refuse") and not beside.is_same_place:
            result.notes.append(_(OTHER_PLACE if result.action == "merge" else MAP_IT))
    if result.row and result.action != "refuse":
        run.connections[document.id] = result.row
    missing = _missing(taking, result, beside)
    for where, name in {**missing, **taking.incoming.mapped}.items():
        run.placeholders[taking.item_id, name] = Placeholder(
            name, document.name, taking.incoming.label(where), taking.item_id
        )
    if missing and result.action in ("create", "copy", "replace"):
        result.notes.append(_(NEEDS))
    return _item(document, result, tuple(dict.fromkeys(missing.values())))


def _missing(taking: _Taking, result: ItemResult, beside: Comparison | None) -> dict[str, str]:
    """The secrets that would be missing and can be mapped, place -> placeholder: all that the
    package misses where stored secrets may not follow an address.
    """
    missing = taking.incoming.missing
    if result.action in ("skip", "nothing"):
        return {}
    if beside is None:
        return missing if result.state == NEW or result.action == "copy" else {}
    if result.action == "copy" or not beside.is_same_place:
        return missing
    return {where: missing[where] for where in beside.unstored()}


@sensitive_variables()
def _create(taking: _Taking, is_copy: bool) -> Change:
    run, document, incoming = taking.run, taking.document, taking.incoming
    here = run.here.rows[Connection]
    row = draft_connection(
        Draft(run.actor, incoming.posted, list(incoming.missing), team=run.team),
        taking.provider,
        alias=new_alias(Connection, document.alias, here.taken) if is_copy else document.alias,
        id=None if is_copy or document.id in here.unseen else document.id,
        taken=here.taken,
        **_columns(document, incoming.missing),
    ).row
    return Change(row, 0)


def _change(taking: _Taking, beside: Comparison, row: Connection, action: str) -> Change | None:
    decisions, mapped = taking.run.decisions.secrets, taking.incoming.mapped.values()
    is_taken = any(decisions[placeholder].startswith(FROM) for placeholder in mapped)
    if is_taken and not may_hand_to_flows(row, taking.run.actor):
        raise NotMapped(_(FOR_FLOWS) % {"name": row.name})
    return (_replace if action == "replace" else _merge)(taking, beside, row)


@sensitive_variables()
def _replace(taking: _Taking, beside: Comparison, row: Connection) -> Change | None:
    missing = beside.missing_secrets()
    draft = Draft(taking.run.actor, taking.incoming.posted, missing)
    columns = _columns(taking.document, missing)
    saved = draft_change(draft, copy(row), taking.provider, **columns)
    return Change(saved.row, row.version) if saved.changed else None


def _columns(document: ConnectionDocument, missing: Collection[str]) -> Any:
    """The columns to store; a connection stays inactive while it misses a secret."""
    is_active = document.is_active and not missing
    return columns_of(document, Connection) | {"is_active": is_active}


@sensitive_variables()
def _merge(taking: _Taking, beside: Comparison, stored: Connection) -> Change | None:
    """Fills what is empty.

    Where the addresses differ, neither an address nor a secret is filled in: a secret would be
    sent to an address that it was not entered for.
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
    draft = Draft(taking.run.actor, fill or None, row.lacking)
    saved = draft_change(draft, copy(stored), taking.provider, merge=True, **columns)
    return Change(saved.row, stored.version) if saved.changed else None


def _rest(value: Any, stored: Any) -> Any:
    """The part of a value that fills what is empty: all of it, or the entries of a map that are
    not stored; None if there is nothing to fill.
    """
    if isinstance(value, dict) and isinstance(stored, dict):
        return {key: one for key, one in value.items() if key not in stored} or None
    return value if stored is None else None

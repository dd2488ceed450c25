"""Create, update and delete connections; move profiles from one to another."""

import uuid
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass, replace
from typing import Any, Unpack

from django.db import transaction
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from providers.core.base import Provider
from providers.core.registry import is_built_in

from ..audit.services import act, has_notes, record
from ..catalog import confirm_types
from ..errors import FieldError, Invalid
from ..locks import hold, retried
from ..models import Connection, ConnectionColumns, ConnectionType, Profile, Team, UndoStep
from .approvals import settle_hosts
from .base import alias_race, refuse_fixed, refuse_stale, save_version
from .dependents import in_use
from .drafts import Draft, Saved, draft_change, draft_connection, known_provider
from .event_changes import changes_of
from .permissions import Actor, require
from .purging import purge_secrets
from .team_fit import may_be_used_by
from .undo_steps import note_change, note_deletion, note_move, what_goes_along


@contextmanager
def held_provider(provider_id: str) -> Iterator[type[Provider[Any]]]:
    """`known_provider` of something new, for a block in which nobody removes an installed type or
    installs another version of it.
    """
    if is_built_in(provider_id):
        yield known_provider(provider_id, is_new=True)
        return
    with transaction.atomic():
        hold(ConnectionType.objects.defer("document"), [provider_id.replace("\x00", "")])
        yield known_provider(provider_id, is_new=True)


@retried
@act("connection.create")
@sensitive_variables("settings", "columns", "saved")
def create_connection(  # noqa: PLR0913 by name, and each is a column or a mark
    provider_id: str,
    *,
    actor: Actor,
    alias: str = "",
    settings: Mapping[str, Any] | None = None,
    id: uuid.UUID | None = None,
    missing_secrets: Collection[str] = (),
    kept: Mapping[str, str] | None = None,
    team: Team | None = None,
    **columns: Unpack[ConnectionColumns],
) -> Saved:
    """Creates a connection.

    `alias`: made from the name when it is empty. `settings`: field -> literal, reference or None.
    Raises Invalid, PermissionDenied.

    `missing_secrets`: secrets that could not be brought along, a setting or `setting.key` each;
    those that are not in `settings` are not an error but noted on the row. `id`: of a connection
    that moves here. `kept`: what a room keeps beside the settings (kept.py). `team`: to which it
    belongs, None for one that all share.
    """
    require(actor, "connections.add_connection")
    draft = Draft(actor, settings, missing_secrets, kept, team)
    with held_provider(provider_id) as provider:
        saved = draft_connection(draft, provider, alias=alias, id=id, **columns)
        with alias_race(saved.row):
            save_version(saved.row, actor)
            saved.notices.extend(settle_hosts(saved.row, actor))
            record(saved.row, actor=actor, detail={"provider": provider_id})
    return saved


@retried
@act("connection.update")
@sensitive_variables("settings", "columns", "row", "saved")
def update_connection(  # noqa: PLR0913 by name, and each is a column or a mark
    connection: Connection,
    *,
    actor: Actor,
    expected_version: int | None = None,
    settings: Mapping[str, Any] | None = None,
    merge: bool = False,
    alias: str | None = None,
    provider_id: str | None = None,
    missing_secrets: Collection[str] = (),
    kept: Mapping[str, str] | None = None,
    **columns: Unpack[ConnectionColumns],
) -> Saved:
    """Changes a connection; None keeps. `settings` replaces the plain ones and obeys the write rule
    for secrets. With `merge` it is a merge patch (RFC 7396) over what the locked row has: absent
    keeps, None takes away.

    `alias` and `provider_id` are taken only to refuse another value. `missing_secrets`, `kept` as
    in `create_connection`. Raises Invalid, Stale, PermissionDenied.
    """
    require(actor, "connections.change_connection")
    draft = Draft(actor, settings, missing_secrets, kept)
    with transaction.atomic():
        row = _held(connection)
        require(actor, "connections.change_connection", on=row)
        refuse_stale(row, expected_version)
        refuse_fixed(row, {"alias": alias, "provider_id": provider_id})
        # The row is locked: who installs a version now waits, who did so before is seen.
        confirm_types(row.provider_id)
        before = copy(row)
        saved = draft_change(draft, row, row.provider, merge=merge, **columns)
        if saved.changed:
            save_version(row, actor)
            saved = replace(saved, step=note_change(actor, row))
        if settings is not None:  # who renames has not looked where the secrets go
            saved.notices.extend(settle_hosts(row, actor, settings if merge else None))
        if saved.changed or has_notes():  # a save that changes nothing may approve hosts
            record(row, actor=actor, changes=changes_of(row, before))
    return saved


def _held(connection: Connection) -> Connection:
    """The connection as it is now, locked. Raises DoesNotExist."""
    found = hold(Connection.objects.all(), [connection.pk])
    if connection.pk not in found:
        raise Connection.DoesNotExist
    return found[connection.pk]


@retried
@act("connection.delete")
def delete_connection(
    connection: Connection,
    *,
    actor: Actor,
    expected_version: int | None = None,
    purge: bool = False,
) -> UndoStep | None:
    """Deletes a connection; its history stays. Returns the step by which that can be undone.

    `purge`: with all secrets that its history holds, so that it cannot be undone.

    Raises InUse while a profile needs it, Stale, PermissionDenied.
    """
    require(actor, "connections.delete_connection")
    with transaction.atomic():
        row = Connection.objects.select_for_update().get(pk=connection.pk)
        require(actor, "connections.delete_connection", on=row)
        refuse_stale(row, expected_version)
        dependents = list(Profile.every.filter(connection=row)[:100])
        if dependents:
            raise in_use(dependents)
        row._history_user = actor  # type: ignore[attr-defined]
        beside = what_goes_along(row)
        record(row, actor=actor)
        row.delete()
        if purge:
            purge_secrets(connection.pk, at_once=True)
            return None
        return note_deletion(actor, row, connection.pk, beside)


@dataclass(frozen=True)
class Moved:
    """A number of profiles that were moved, and the step by which that can be undone."""

    number: int
    step: UndoStep | None


@retried
@act("profile.move")
def move_profiles(source: Connection, target: Connection, *, actor: Actor) -> Moved:
    """Moves every profile of `source` to `target`.

    Raises Invalid when `target` cannot serve them.
    """
    require(actor, "connections.change_profile")
    with transaction.atomic():
        hold(Connection.objects.listed(), [target.pk])
        of_source = Profile.every.filter(connection=source)
        profiles = hold(of_source, of_source.values_list("pk", flat=True))
        _refuse_unfit(target, source, list(profiles.values()))
        for profile in profiles.values():
            require(actor, "connections.change_profile", on=profile)
            profile.connection = target
            save_version(profile, actor)
        step = note_move(actor, list(profiles.values()), source)
        if profiles:
            change = ("connection", source.alias, target.alias)
            record(actor=actor, changes=[change], others=[*profiles.values(), source, target])
        return Moved(len(profiles), step)


def _refuse_unfit(target: Connection, source: Connection, profiles: list[Profile]) -> None:
    can = target.provider.capabilities if target.provider else ()
    unserved = sorted({profile.capability for profile in profiles} - {str(one) for one in can})
    if target.pk == source.pk:
        raise Invalid(
            [FieldError("target", "invalid", _("Choose another connection than this one."))]
        )
    if unserved:
        text = _("%(name)s cannot serve %(capabilities)s profiles. Choose another.")
        values = {"name": target.name, "capabilities": _(" and ").join(unserved)}
        raise Invalid([FieldError("target", "capability", text % values)])
    teams = {profile.team_id for profile in profiles}
    if not all(may_be_used_by(target, one) for one in teams):
        text = _("%(name)s is of another team, which has not let this one use it.")
        raise Invalid([FieldError("target", "other_team", text % {"name": target.name})])

"""Create, update, switch and delete connections; move profiles from one to another."""

import uuid
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Unpack

from django.db import transaction
from django.views.decorators.debug import sensitive_variables

from providers.core.base import Provider
from providers.core.registry import UnknownProvider, get_provider, is_built_in

from ..catalog import confirm_types
from ..errors import FieldError, InUse, Invalid, Notice
from ..kept import kept_beside, settings_alone
from ..models import Connection, ConnectionColumns, ConnectionType, Profile
from ..type_versions import bring_up
from .base import (
    alias_race,
    column_errors,
    content,
    new_alias,
    refuse_fixed,
    refuse_stale,
    save_version,
    set_columns,
)
from .permissions import Actor, require
from .settings_validation import SettingsResult, merge_patch, plain_settings, validate_settings

SETTINGS_COLUMNS = ("settings", "credentials", "lacking")


@dataclass(frozen=True)
class Saved:
    """A save that succeeded: the row, what to know about it, and whether anything changed at
    all.
    """

    row: Any
    notices: list[Notice] = field(default_factory=list)
    changed: bool = True


def known_provider(provider_id: str) -> type[Provider[Any]]:
    """The provider, or Invalid at `provider_id` when there is none of this id."""
    confirm_types(provider_id)
    try:
        return get_provider(provider_id)
    except UnknownProvider as error:
        raise Invalid([FieldError("provider_id", "unknown_provider", str(error))]) from None


@contextmanager
def held_provider(provider_id: str) -> Iterator[type[Provider[Any]]]:
    """`known_provider`, for a block in which nobody removes an installed type or installs another
    version of it.
    """
    if is_built_in(provider_id):
        yield known_provider(provider_id)
        return
    with transaction.atomic():
        list(
            ConnectionType.objects.select_for_update()
            .filter(key=provider_id.replace("\x00", ""))
            .values_list("key")
        )
        yield known_provider(provider_id)


@sensitive_variables("settings", "result", "row")
def create_connection(
    provider_id: str,
    *,
    actor: Actor,
    alias: str = "",
    settings: Mapping[str, Any] | None = None,
    id: uuid.UUID | None = None,
    missing_secrets: Collection[str] = (),
    kept: Mapping[str, str] | None = None,
    **columns: Unpack[ConnectionColumns],
) -> Saved:
    """Creates a connection.

    `alias`: made from the name when it is empty. `settings`: field -> literal, reference or None.
    Raises Invalid, PermissionDenied.

    `missing_secrets`: secrets that could not be brought along, a setting or `setting.key` each;
    those that are not in `settings` are not an error but noted on the row. `id`: of a connection
    that moves here. `kept`: what a room keeps beside the settings (kept.py).
    """
    require(actor, "connections.add_connection")
    with held_provider(provider_id) as provider:
        row = Connection(provider_id=provider_id, type_version=provider.version)
        row.id = id or row.id
        errors = set_columns(row, columns, actor)
        row.alias = alias or new_alias(Connection, row.name)
        result = validate_settings(provider, settings or {}, {}, None, missing_secrets)
        result.settings |= kept or {}
        _put_settings(row, result, errors, is_new=True)
        with alias_race(row):
            save_version(row, actor)
    return Saved(row, result.notices)


@sensitive_variables("settings", "posted", "result", "row", "before")
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
    """Changes a connection; None keeps.

    `settings` replaces the plain ones and obeys the write rule for secrets. With `merge` it is a
    merge patch (RFC 7396) over what the locked row has: absent keeps, None takes away.

    `alias` and `provider_id` are taken only to refuse another value. `missing_secrets` as in
    `create_connection`. `kept`: what a room keeps from now on, None for what it keeps already.
    Raises Invalid, Stale, PermissionDenied.
    """
    require(actor, "connections.change_connection")
    with transaction.atomic():
        row = Connection.objects.select_for_update().get(pk=connection.pk)
        refuse_stale(row, expected_version)
        refuse_fixed(row, {"alias": alias, "provider_id": provider_id})
        before = content(row, *SETTINGS_COLUMNS)
        # The row is locked: who installs a version now waits, who did so before is seen.
        confirm_types(row.provider_id)
        if row.provider:
            bring_up(row, row.provider)
        errors = set_columns(row, columns, actor)
        result = _result(row, settings, merge, missing_secrets)
        beside = kept_beside(row.settings) if kept is None else kept
        result.settings = {**settings_alone(result.settings), **beside}
        _put_settings(row, result, errors, is_new=False)
        if changed := content(row, *SETTINGS_COLUMNS) != before:
            save_version(row, actor)
    return Saved(row, result.notices, changed)


@sensitive_variables("settings", "posted", "row")
def _result(
    row: Connection,
    settings: Mapping[str, Any] | None,
    merge: bool,
    missing_secrets: Collection[str],
) -> SettingsResult:
    """The settings to store in a row that is held; None keeps them."""
    if settings is None:
        return SettingsResult(row.settings, row.credentials, missing_secrets=row.lacking)
    provider = known_provider(row.provider_id)
    posted = (
        merge_patch(provider, plain_settings(provider, row.settings), settings)
        if merge
        else settings
    )
    return validate_settings(provider, posted, row.settings, row.credentials, missing_secrets)


def _put_settings(
    row: Connection, result: SettingsResult, errors: list[FieldError], is_new: bool
) -> None:
    """Puts validated settings into a row. Raises Invalid with these `errors` and all others."""
    row.settings, row.credentials = result.settings, result.credentials
    row.lacking = list(result.missing_secrets)
    if wrong := column_errors(row, is_new) + errors + result.errors:
        raise Invalid(wrong)


def set_active(connection: Connection, is_active: bool, *, actor: Actor) -> Saved:
    """Switches a connection on or off; also one that cannot be decrypted, or whose provider is
    gone.
    """
    require(actor, "connections.toggle_connection")
    with transaction.atomic():
        row = Connection.objects.select_for_update().get(pk=connection.pk)
        if changed := row.is_active != is_active:
            row.is_active = is_active
            save_version(row, actor, ["is_active"])
    return Saved(row, changed=changed)


def delete_connection(
    connection: Connection, *, actor: Actor, expected_version: int | None = None
) -> None:
    """Deletes a connection; its history stays.

    Raises InUse while a profile needs it, Stale, PermissionDenied.
    """
    require(actor, "connections.delete_connection")
    with transaction.atomic():
        row = Connection.objects.select_for_update().get(pk=connection.pk)
        refuse_stale(row, expected_version)
        dependents = list(row.profiles.all()[:100])
        if dependents:
            raise InUse(dependents)
        row._history_user = actor  # type: ignore[attr-defined]
        row.delete()


def move_profiles(source: Connection, target: Connection, *, actor: Actor) -> int:
    """Moves every profile of `source` to `target` and says how many.

    Raises Invalid when `target` cannot serve them.
    """
    require(actor, "connections.change_profile")
    with transaction.atomic():
        profiles = list(Profile.objects.select_for_update().filter(connection=source))
        _refuse_unfit(target, source, profiles)
        for profile in profiles:
            profile.connection = target
            save_version(profile, actor)
    return len(profiles)


def _refuse_unfit(target: Connection, source: Connection, profiles: list[Profile]) -> None:
    can = target.provider.capabilities if target.provider else ()
    unserved = sorted({profile.capability for profile in profiles} - {str(one) for one in can})
    if target.pk == source.pk:
        raise Invalid([FieldError("target", "invalid", "Choose another connection than this one.")])
    if unserved:
        raise Invalid(
            [
                FieldError(
                    "target",
                    "capability",
                    f"{target.name} cannot serve {' and '.join(unserved)} profiles. "
                    "Choose another.",
                )
            ]
        )

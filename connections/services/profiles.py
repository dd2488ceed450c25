"""Create, update, switch and delete profiles."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any, Unpack

from django.db import transaction
from django.db.models import ProtectedError
from pydantic import ValidationError

from providers.core.base import Capability

from ..errors import FieldError, InUse, Invalid
from ..models import Connection, DefaultProfile, Profile, ProfileColumns
from ..profile_settings import profile_settings_class
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
from .connections import Saved
from .fallbacks import fallback_errors, hold, replace_fallbacks
from .permissions import Actor, require


def create_profile(
    connection: Connection,
    *,
    actor: Actor,
    capability: str,
    alias: str = "",
    settings: Mapping[str, Any] | None = None,
    fallbacks: Sequence[Profile] = (),
    id: uuid.UUID | None = None,
    **columns: Unpack[ProfileColumns],
) -> Saved:
    """Creates a profile.

    `alias`: made from the name when it is empty. `fallbacks`: the profiles that answer when it
    cannot, in order. `id`: of a profile that moves here.

    Raises Invalid, PermissionDenied.
    """
    require(actor, "connections.add_profile")
    row = Profile(capability=capability)
    row.id = id or row.id
    errors = set_columns(row, columns, actor)
    row.alias = alias or new_alias(Profile, row.name)
    with transaction.atomic():
        held = hold(fallbacks)
        errors += fallback_errors(row, fallbacks, held)
        _put_settings(row, connection, settings or {}, errors, is_new=True)
        with alias_race(row):
            save_version(row, actor)
        replace_fallbacks(row, fallbacks)
    return Saved(row)


def update_profile(  # noqa: PLR0913 by name, and each is a column or a mark
    profile: Profile,
    *,
    actor: Actor,
    expected_version: int | None = None,
    connection: Connection | None = None,
    settings: Mapping[str, Any] | None = None,
    merge: bool = False,
    fallbacks: Sequence[Profile] | None = None,
    alias: str | None = None,
    capability: str | None = None,
    **columns: Unpack[ProfileColumns],
) -> Saved:
    """Changes a profile; None keeps. Raises Invalid, Stale, PermissionDenied.

    With `merge`, `settings` is a merge patch (RFC 7396) over what is stored when the row is locked.
    """
    require(actor, "connections.change_profile")
    with transaction.atomic():
        held = hold([profile, *(fallbacks or ())])
        row = held.get(profile.pk) or Profile.objects.get(pk=profile.pk)
        refuse_stale(row, expected_version)
        refuse_fixed(row, {"alias": alias, "capability": capability})
        before = content(row, "settings", "connection_id")
        chain = list(row.fallback_steps.values_list("fallback_id", flat=True))
        errors = set_columns(row, columns, actor) + fallback_errors(row, fallbacks or (), held)
        given = {**(row.settings if merge or settings is None else {}), **(settings or {})}
        _put_settings(row, connection or row.connection, given, errors, is_new=False)
        moved = fallbacks is not None and [one.pk for one in fallbacks] != chain
        if changed := moved or content(row, "settings", "connection_id") != before:
            row._change_reason = ("fallbacks changed") if moved else None  # type: ignore[attr-defined]  # the history sees columns only
            save_version(row, actor)
        if moved:
            replace_fallbacks(row, fallbacks or ())
    return Saved(row, changed=changed)


def _put_settings(
    row: Profile,
    connection: Connection,
    settings: Mapping[str, Any],
    errors: list[FieldError],
    is_new: bool,
) -> None:
    """Puts the connection and the settings into a row. Raises Invalid with these `errors` and all
    others. The connection's row is locked, so that nobody deletes it meanwhile.
    """
    row.connection = (
        Connection.objects.select_for_update().defer("credentials").get(pk=connection.pk)
    )
    row.settings, wrong = validate_profile_settings(row.capability, settings)
    if found := column_errors(row, is_new) + errors + _capability_errors(row) + wrong:
        raise Invalid(found)


def _capability_errors(row: Profile) -> list[FieldError]:
    provider = row.connection.provider
    if row.capability not in {str(one) for one in Capability}:
        return []  # the column's own rule has said so
    if provider is None:
        return [
            FieldError(
                "connection",
                "unknown_provider",
                f"The provider of {row.connection.name} is gone. Choose another connection.",
            )
        ]
    if row.capability not in {str(one) for one in provider.capabilities}:
        return [
            FieldError(
                "connection",
                "capability",
                f"{provider.name} offers no {row.capability} models. Choose another connection.",
            )
        ]
    return []


def validate_profile_settings(
    capability: str, settings: Mapping[str, Any]
) -> tuple[dict[str, Any], list[FieldError]]:
    """The settings to store (empty ones left out) and what is wrong with them."""
    given = {name: value for name, value in settings.items() if value is not None and value != ""}
    try:
        valid = profile_settings_class(capability).model_validate(given)
    except ValueError as error:
        if not isinstance(error, ValidationError):
            return given, []  # no such capability: said at its own field
        found = error.errors(include_input=False, include_url=False)
        return given, [
            FieldError(f"settings.{one['loc'][0]}", one["type"], one["msg"]) for one in found
        ]
    return valid.model_dump(mode="json", exclude_unset=True), []


def set_profile_active(profile: Profile, is_active: bool, *, actor: Actor) -> Saved:
    """Switches a profile on or off."""
    require(actor, "connections.toggle_profile")
    with transaction.atomic():
        row = Profile.objects.select_for_update().get(pk=profile.pk)
        if changed := row.is_active != is_active:
            row.is_active = is_active
            save_version(row, actor, ["is_active"])
    return Saved(row, changed=changed)


def delete_profile(profile: Profile, *, actor: Actor, expected_version: int | None = None) -> None:
    """Deletes a profile; its history stays.

    Raises InUse while `dependents_of` names any, Stale, PermissionDenied.
    """
    require(actor, "connections.delete_profile")
    with transaction.atomic():
        row = Profile.objects.select_for_update().get(pk=profile.pk)
        refuse_stale(row, expected_version)
        if dependents := dependents_of(row):
            raise InUse(dependents)
        row._history_user = actor  # type: ignore[attr-defined]
        try:
            row.delete()
        except ProtectedError as error:  # named as a fallback or a default since the look
            raise InUse([getattr(one, "profile", one) for one in error.protected_objects]) from None


def dependents_of(profile: Profile) -> list[DefaultProfile | Profile]:
    """The rows that stand in the way of deleting a profile: defaults, and profiles that fall back
    on it.
    """
    return [*profile.default_for.all(), *profile.fallback_for.all()[:100]]

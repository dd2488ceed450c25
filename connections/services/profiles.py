"""Create, update and delete profiles."""

import uuid
from collections.abc import Collection, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, replace
from typing import Any, Unpack

from django.db import transaction
from django.db.models import ProtectedError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from pydantic import ValidationError

from providers.core.base import Capability, Provider
from providers.core.wording import plain_sentence

from ..audit.services import act, record
from ..errors import FieldError, Invalid
from ..locks import hold, retried
from ..models import Connection, DefaultProfile, Profile, ProfileColumns, Team, UndoStep
from ..profile_settings import profile_fields, profile_settings_class
from ..wording import in_active_language
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
from .dependents import in_use
from .drafts import Saved
from .event_changes import changed_chain, changes_of
from .fallbacks import fallback_errors, replace_fallbacks
from .permissions import Actor, require
from .team_fit import team_errors
from .undo_steps import note_change, note_deletion, what_goes_along


@retried
@act("profile.create")
def create_profile(  # noqa: PLR0913 by name, and each is a column or a mark
    connection: Connection,
    *,
    actor: Actor,
    capability: str,
    alias: str = "",
    settings: Mapping[str, Any] | None = None,
    fallbacks: Sequence[Profile] = (),
    id: uuid.UUID | None = None,
    team: Team | None = None,
    client_settings: Mapping[str, Any] | None = None,
    **columns: Unpack[ProfileColumns],
) -> Saved:
    """Creates a profile.

    `alias`: made from the name when it is empty. `fallbacks`: the profiles that answer when it
    cannot, in order. `id`: of a profile that moves here. `team`: to which it belongs, None for one
    that all share. `client_settings`: what a client of another system stores with it.

    Raises Invalid, PermissionDenied.
    """
    require(actor, "connections.add_profile")
    with transaction.atomic():
        target = _held(connection)
        held = hold(Profile.objects.all(), [one.pk for one in fallbacks])
        draft = ProfileDraft(
            actor, target, settings, fallbacks, held, team=team, kept=client_settings
        )
        saved = draft_profile(draft, capability, alias=alias, id=id, **columns)
        with alias_race(saved.row):
            save_version(saved.row, actor)
        replace_fallbacks([(saved.row, fallbacks)])
        record(saved.row, actor=actor, detail={"connection": target.alias})
    return saved


@retried
@act("profile.update")
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
    client_settings: Mapping[str, Any] | None = None,
    **columns: Unpack[ProfileColumns],
) -> Saved:
    """Changes a profile; None keeps. With `merge`, `settings` is a merge patch (RFC 7396) over what
    is stored when the row is locked. Raises Invalid, Stale, PermissionDenied.
    """
    require(actor, "connections.change_profile")
    with transaction.atomic():
        target = _held(connection) if connection else None
        held = hold(Profile.objects.all(), [profile.pk, *(one.pk for one in fallbacks or ())])
        row = held.get(profile.pk) or Profile.objects.get(pk=profile.pk)
        refuse_stale(row, expected_version)
        refuse_fixed(row, {"alias": alias, "capability": capability})
        chain = list(row.fallback_steps.values_list("fallback_id", flat=True))
        before = copy(row)
        draft = ProfileDraft(actor, target, settings, fallbacks, held, kept=client_settings)
        saved = draft_profile_change(draft, row, chain, merge=merge, **columns)
        if saved.changed:
            save_version(row, actor)
            saved = replace(saved, step=note_change(actor, row, chain))
            changes = [*changes_of(row, before), *changed_chain(chain, fallbacks)]
            record(row, actor=actor, changes=changes)
        if fallbacks is not None and [one.pk for one in fallbacks] != chain:
            replace_fallbacks([(row, fallbacks)])
    return saved


def _held(connection: Connection) -> Connection:
    """The connection as it is now, locked, so that nobody deletes it meanwhile."""
    found = hold(Connection.objects.listed(), [connection.pk])
    if connection.pk not in found:
        raise Connection.DoesNotExist
    return found[connection.pk]


@dataclass(frozen=True)
class ProfileDraft:
    """What is written into a profile beside its columns, and by whom; None keeps.

    `held`: those of the fallbacks that exist, by id. `provider`: that of the connection, None for
    what the registry has.
    """

    actor: Actor
    connection: Connection | None
    settings: Mapping[str, Any] | None
    fallbacks: Sequence[Profile] | None
    held: Mapping[uuid.UUID, Profile]
    provider: type[Provider[Any]] | None = None
    team: Team | None = None
    kept: Mapping[str, Any] | None = None  # for clients of another system


def draft_profile(
    draft: ProfileDraft,
    capability: str,
    *,
    alias: str = "",
    id: uuid.UUID | None = None,
    taken: Collection[str] | None = None,
    **columns: Unpack[ProfileColumns],
) -> Saved:
    """The profile that `create_profile` would create, not saved.

    `taken`: the aliases that are taken, None to look it up. Raises Invalid, PermissionDenied.
    """
    row = Profile(capability=capability, team=draft.team)
    require(draft.actor, "connections.add_profile", on=row)
    row.id = id or row.id
    errors = set_columns(row, columns, draft.actor)
    row.alias = alias or new_alias(Profile, row.name)
    if draft.connection:
        row.connection = draft.connection
    row.client_settings = draft.kept or None
    errors += fallback_errors(row, draft.fallbacks or (), draft.held)
    errors += team_errors(row, draft.fallbacks or ())
    row.settings, wrong = validate_profile_settings(capability, draft.settings or {})
    found = column_errors(row, True, taken) + errors + _capability_errors(row, draft.provider)
    if found + wrong:
        raise Invalid(found + wrong)
    return Saved(row)


def draft_profile_change(
    draft: ProfileDraft,
    row: Profile,
    chain: Sequence[uuid.UUID],
    *,
    merge: bool = False,
    **columns: Unpack[ProfileColumns],
) -> Saved:
    """Changes a row, whose fallbacks are `chain`, as `update_profile` would, and saves nothing.

    Raises Invalid, PermissionDenied.
    """
    require(draft.actor, "connections.change_profile", on=row)
    before = content(row, "settings", "connection_id", "client_settings")
    errors = set_columns(row, columns, draft.actor)
    errors += fallback_errors(row, draft.fallbacks or (), draft.held)
    if draft.connection:
        row.connection = draft.connection
    if draft.kept is not None:
        row.client_settings = draft.kept or None
    errors += team_errors(row, draft.fallbacks or (), draft.connection is not None)
    keeps = merge or draft.settings is None
    given = {**(row.settings if keeps else {}), **(draft.settings or {})}
    row.settings, wrong = validate_profile_settings(row.capability, given)
    found = column_errors(row, False) + errors + _capability_errors(row, draft.provider)
    if found + wrong:
        raise Invalid(found + wrong)
    moved = draft.fallbacks is not None and [one.pk for one in draft.fallbacks] != [*chain]
    # the history sees columns only
    row._change_reason = gettext_noop("fallbacks changed") if moved else None  # type: ignore[attr-defined]
    after = content(row, "settings", "connection_id", "client_settings")
    return Saved(row, changed=moved or after != before)


def _capability_errors(row: Profile, provider: type[Provider[Any]] | None) -> list[FieldError]:
    provider = provider or row.connection.provider
    if row.capability not in {str(one) for one in Capability}:
        return []  # the column's own rule has said so
    if provider is None:
        text = _("The provider of %(name)s is gone. Choose another connection.")
        text %= {"name": row.connection.name}
        return [FieldError("connection", "unknown_provider", text)]
    if row.capability not in {str(one) for one in provider.capabilities}:
        text = _("%(provider)s offers no %(capability)s models. Choose another connection.")
        text %= {"provider": provider.name, "capability": row.capability}
        return [FieldError("connection", "capability", text)]
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
            FieldError(f"settings.{one['loc'][0]}", one["type"], _sentence(capability, one))
            for one in found
        ]
    return valid.model_dump(mode="json", exclude_unset=True), []


def _sentence(capability: str, error: Any) -> str:
    """The error of one setting as a sentence. An error inside of a list is about one entry."""
    name = str(error["loc"][0])
    field = profile_fields(capability).get(name)
    if field is None:
        names = ", ".join(profile_fields(capability))
        text = _("There is no setting %(name)r. There are: %(names)s.")
        return text % {"name": name[:100], "names": names}
    label = _(field.label)
    if len(error["loc"]) > 1:
        label = _("Each entry of %(setting)s") % {"setting": label}
    return in_active_language(plain_sentence(error, label))


@retried
@act("profile.delete")
def delete_profile(
    profile: Profile, *, actor: Actor, expected_version: int | None = None
) -> UndoStep | None:
    """Deletes a profile; its history stays. Returns the step by which that can be undone.

    Raises InUse while `dependents_of` names any, Stale, PermissionDenied.
    """
    require(actor, "connections.delete_profile")
    with transaction.atomic():
        row = Profile.objects.select_for_update().get(pk=profile.pk)
        require(actor, "connections.delete_profile", on=row)
        refuse_stale(row, expected_version)
        if dependents := dependents_of(row):
            raise in_use(dependents)
        row._history_user = actor  # type: ignore[attr-defined]
        beside = what_goes_along(row)
        record(row, actor=actor)
        try:
            row.delete()
        except ProtectedError as error:  # named as a fallback or a default since the look
            raise in_use(
                [getattr(one, "profile", one) for one in error.protected_objects]
            ) from None
        return note_deletion(actor, row, profile.pk, beside)


def dependents_of(profile: Profile) -> list[DefaultProfile | Profile]:
    """The rows that stand in the way of deleting a profile: defaults, and profiles that fall back
    on it.
    """
    of_others = Profile.every.filter(fallback_steps__fallback=profile)[:100]
    return [*profile.default_for.all(), *of_others]

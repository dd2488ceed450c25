"""Connections as a change would leave them: validated, and not saved.

The services save them; a plan looks at them.
"""

import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Unpack

from django.conf import settings as django_settings
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from providers.core.base import Provider
from providers.core.registry import UnknownProvider, get_provider

from ..catalog import confirm_types
from ..errors import FieldError, Invalid, Notice
from ..kept import kept_beside, settings_alone
from ..models import Connection, ConnectionColumns, Team, UndoStep
from ..offers import offered_provider
from ..section_teams import asker_of
from ..type_versions import bring_up
from .base import column_errors, content, new_alias, set_columns
from .permissions import Actor, require
from .settings_validation import SettingsResult, merge_patch, plain_settings, validate_settings

SETTINGS_COLUMNS = ("settings", "credentials", "lacking")


@dataclass(frozen=True)
class Saved:
    """A save that succeeded: the row, what to know about it, whether anything changed at all, and
    the step by which that can be undone, None without one.
    """

    row: Any
    notices: list[Notice] = field(default_factory=list)
    changed: bool = True
    step: UndoStep | None = None


@dataclass(frozen=True)
class Draft:
    """What is written into a connection beside its columns, and by whom; None keeps.

    Each as in `create_connection`.
    """

    actor: Actor
    settings: Mapping[str, Any] | None = field(default=None, repr=False)
    missing_secrets: Collection[str] = ()
    kept: Mapping[str, str] | None = None
    team: Team | None = None


def known_provider(provider_id: str, *, is_new: bool = False) -> type[Provider[Any]]:
    """The provider, or Invalid at `provider_id` when there is none of this id. `is_new`: for
    something that is about to be made, of which types of other teams are none.
    """
    confirm_types(provider_id)
    try:
        return offered_provider(provider_id) if is_new else get_provider(provider_id)
    except UnknownProvider as error:
        raise Invalid([FieldError("provider_id", "unknown_provider", str(error))]) from None


@sensitive_variables("draft", "columns", "result", "row")
def draft_connection(
    draft: Draft,
    provider: type[Provider[Any]],
    *,
    alias: str = "",
    id: uuid.UUID | None = None,
    taken: Collection[str] | None = None,
    **columns: Unpack[ConnectionColumns],
) -> Saved:
    """The connection that `create_connection` would create, not saved.

    `taken`: the aliases that are taken, None to look it up. Raises Invalid, PermissionDenied.
    """
    row = Connection(provider_id=provider.id, type_version=provider.version, team=draft.team)
    require(draft.actor, "connections.add_connection", on=row)
    row.id = id or row.id
    errors = set_columns(row, columns, draft.actor)
    row.alias = alias or new_alias(Connection, row.name)
    result = validate_settings(
        provider, draft.settings or {}, {}, None, draft.missing_secrets, asker=asker_of(row.team_id)
    )
    result.settings |= draft.kept or {}
    _put_settings(row, result)
    if wrong := column_errors(row, True, taken) + errors + result.errors:
        raise Invalid(wrong)
    return Saved(row, result.notices)


@sensitive_variables("draft", "columns", "result", "row", "before")
def draft_change(
    draft: Draft,
    row: Connection,
    provider: type[Provider[Any]] | None,
    *,
    merge: bool = False,
    **columns: Unpack[ConnectionColumns],
) -> Saved:
    """Changes a row as `update_connection` would, and saves nothing.

    `provider`: of the row, None when it is gone. Raises Invalid, PermissionDenied.
    """
    require(draft.actor, "connections.change_connection", on=row)
    before = content(row, *SETTINGS_COLUMNS)
    if provider:
        bring_up(row, provider)
    errors = set_columns(row, columns, draft.actor)
    result = _result(row, provider, draft, merge)
    beside = kept_beside(row.settings) if draft.kept is None else draft.kept
    result.settings = {**settings_alone(result.settings), **beside}
    _put_settings(row, result)
    if wrong := column_errors(row, False) + errors + result.errors:
        raise Invalid(wrong)
    notices = [*result.notices, *_old_date(row, before)]
    after = content(row, *SETTINGS_COLUMNS)
    if any(after[name] != before[name] for name in SETTINGS_COLUMNS):
        row.settings_version = row.version + 1  # which the save will make it
    return Saved(row, notices, after != before)


@sensitive_variables("row", "before")
def _old_date(row: Connection, before: Mapping[str, Any]) -> list[Notice]:
    """Takes the date of the key away that was stored before, if it is over or near and another key
    was entered without another date: it was that of the old key.
    """
    day = row.expires_at
    is_same_key = row.credentials == before["credentials"]
    if day is None or day != before["expires_at"] or is_same_key:
        return []
    if day > timezone.now().date() + timedelta(days=max(django_settings.CONNECTIONS_RADAR_DAYS)):
        return []
    row.expires_at = None
    text = _("%(day)s was the end of the old key, so it was taken away. Enter that of the new one.")
    return [Notice("expires_at", "old_date", text % {"day": day})]


@sensitive_variables("draft", "posted", "row")
def _result(
    row: Connection, provider: type[Provider[Any]] | None, draft: Draft, merge: bool
) -> SettingsResult:
    """The settings to store in a row; None keeps them."""
    if draft.settings is None:
        return SettingsResult(row.settings, row.credentials, missing_secrets=row.lacking)
    provider = provider or known_provider(row.provider_id)
    posted = (
        merge_patch(provider, plain_settings(provider, row.settings), draft.settings)
        if merge
        else draft.settings
    )
    stored, asker = (row.settings, row.credentials), asker_of(row.team_id)
    return validate_settings(provider, posted, *stored, draft.missing_secrets, asker=asker)


def _put_settings(row: Connection, result: SettingsResult) -> None:
    row.settings, row.credentials = result.settings, result.credentials
    row.lacking = list(result.missing_secrets)

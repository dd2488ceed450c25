"""Copies of connections and profiles: under a name and an alias of their own, and inactive until
somebody saves them.
"""

import re
from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.db.models import Prefetch
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from providers.core.base import Provider
from providers.core.schema import SettingsField, settings_fields

from ..audit.services import act, record
from ..credentials import Undecryptable, merged
from ..errors import FieldError, Invalid
from ..kept import kept_beside
from ..locks import retried
from ..models import Connection, Fallback, Profile, Team, VersionedModel
from ..references import place
from ..type_versions import split
from ..unseen import fallbacks_seen
from .base import content
from .connections import create_connection, held_provider
from .drafts import Saved
from .permissions import Actor, may, require
from .profiles import create_profile
from .teams import teams_to_add

LONGEST_NAME = 255
COPY = re.compile(r" copy(?: \d+)?\Z")


@retried
@act("connection.duplicate")
@sensitive_variables("settings", "stored")
def duplicate_connection(
    connection: Connection, *, actor: Actor, name: str = "", alias: str = ""
) -> Saved:
    """Creates an inactive copy with the same tags, settings and references.

    Raises Invalid, PermissionDenied.

    Secret literals come along only for those who may change the connection; else the copy is noted
    as missing them, as it is when they cannot be decrypted.
    """
    require(actor, "connections.view_connection", "connections.add_connection")
    with transaction.atomic(), held_provider(connection.provider_id) as provider:
        row = Connection.objects.select_for_update(no_key=True).get(pk=connection.pk)
        require(actor, "connections.view_connection", on=row)
        stored = _todays(row, provider)
        may_keep = may(actor, "connections.change_connection", row)
        settings, missing = _brought(row, provider, stored, may_keep)
        saved = create_connection(
            row.provider_id,
            actor=actor,
            alias=alias,
            settings=settings,
            missing_secrets=missing,
            kept=kept_beside(stored),
            team=team_of_copy(row, actor),
            **_columns(row, name),
        )
        _note(saved.row, row)
        record(row, actor=actor, others=[saved.row])
    return saved


@retried
@act("profile.duplicate")
def duplicate_profile(profile: Profile, *, actor: Actor, name: str = "", alias: str = "") -> Saved:
    """Creates an inactive copy with the same connection, model, settings, tags and fallbacks, as
    far as whoever looks may see these; it is no default.

    Raises Invalid, PermissionDenied.
    """
    require(actor, "connections.view_profile", "connections.add_profile")
    with transaction.atomic():
        steps = Prefetch("fallback_steps", Fallback.objects.select_related("fallback"))
        row = Profile.objects.prefetch_related(steps).get(pk=profile.pk)
        require(actor, "connections.view_profile", on=row)
        connection = Connection.objects.filter(pk=row.connection_id).first()
        if connection is None:
            text = _("Its connection is of another team, which has not let this one use it.")
            raise Invalid([FieldError("connection", "other_team", text)])
        saved = create_profile(
            connection,
            actor=actor,
            alias=alias,
            capability=row.capability,
            settings=row.settings,
            client_settings=row.client_settings,
            fallbacks=fallbacks_seen([row])[row.pk],
            team=team_of_copy(row, actor),
            **_columns(row, name),
        )
        _note(saved.row, row)
        record(row, actor=actor, others=[saved.row])
    return saved


def team_of_copy(row: Connection | Profile, actor: Actor) -> Team | None:
    """The team of a copy: that of the original, else the first in which the actor may add one."""
    kind = str(row._meta.model_name)
    if may(actor, f"connections.add_{kind}", type(row)(team=row.team)):
        return row.team
    return next(iter(teams_to_add(actor, kind)), row.team)


def _columns(row: VersionedModel, name: str) -> Any:
    """The columns of a copy."""
    return content(row) | {"name": name or _copy_name(row), "is_active": False}


def _copy_name(row: VersionedModel) -> str:
    """`X copy`, or `X copy 2` when there is one already; the copy of a copy counts on."""
    model: Any = type(row)
    stem, rows, number = COPY.sub("", row.name), model.objects, 1
    while True:
        end = " copy" if number == 1 else f" copy {number}"
        found = stem[: LONGEST_NAME - len(end)] + end
        if not rows.filter(name=found).exists():
            return found
        number += 1


def _note(copy: Any, original: VersionedModel) -> None:
    """Notes in the history which row this is a copy of."""
    copy.history.update(history_change_reason=f"copied from {original.alias}"[:100])


@sensitive_variables()
def _todays(row: Connection, provider: type[Provider[Any]]) -> Mapping[str, Any]:
    """All stored settings, readable secrets included, in the names of the provider's version."""
    literals = {} if isinstance(row.credentials, Undecryptable) else row.credentials or {}
    stored = merged(row.settings, literals)
    is_older = row.type_version < provider.version
    return provider.migrated(row.type_version, stored) if is_older else stored


@sensitive_variables()
def _brought(
    row: Connection, provider: type[Provider[Any]], stored: Mapping[str, Any], may_keep: bool
) -> tuple[dict[str, Any], list[str]]:
    """The settings that come along, in the names of the provider's version, and the secrets that do
    not.
    """
    fields = settings_fields(provider)
    settings, secrets = split(
        provider, {name: value for name, value in stored.items() if name in fields}
    )
    if isinstance(row.credentials, Undecryptable):
        return settings, expected_secrets(fields, settings)
    if may_keep:
        return merged(settings, secrets), list(row.lacking)
    return settings, [
        *row.lacking,
        *(
            place(name, key)
            for name in secrets
            for key in (secrets[name] if fields[name].is_map else [""])
        ),
    ]


def expected_secrets(fields: Mapping[str, SettingsField], settings: Mapping[str, Any]) -> list[str]:
    """The secrets that must have been among credentials which cannot be read: those that are shown
    and no reference.
    """
    shown = [
        one
        for one in fields.values()
        if one.secret and one.name not in settings and _is_shown(one, settings, fields)
    ]
    return [one.name for one in shown if one.required or one.required_when_shown] or [
        one.name for one in shown
    ]


def _is_shown(
    field: SettingsField, settings: Mapping[str, Any], fields: Mapping[str, SettingsField]
) -> bool:
    if field.shown_when is None:
        return True
    name, wanted = field.shown_when
    return settings.get(name, fields[name].default) in wanted

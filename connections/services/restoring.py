"""An earlier version of a connection or a profile, put back as its next one.

All of it goes through the rules of any other save. Nothing is approved by it, and no secret of then
comes back unless somebody asks who may export secrets.
"""

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass, replace
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from django.views.decorators.debug import sensitive_variables

from ..audit.services import act, record
from ..catalog import confirm_types
from ..errors import FieldError, Invalid, Notice
from ..locks import hold, retried
from ..models import Connection, Fallback, Profile, RowVersion
from ..profile_settings import profile_fields
from ..row_versions import FALLBACKS, RESTORED
from .approvals import ask_for_hosts_of
from .base import refuse_stale, save_version
from .drafts import Draft, Saved, draft_change, known_provider
from .event_changes import changes_of
from .history import record_of
from .permissions import Actor, require
from .profiles import update_profile
from .restored_settings import Then, settings_then
from .undo_steps import note_change

WITH_SECRETS = "connections.export_secrets"
NOT_KEPT = gettext_noop("Version %(number)d of %(name)s is not kept.")
# of the key, and so it stays or comes with it
OF_THE_KEY = "expires_at"


def wanted_record(row: Any, number: int) -> Any:
    """The row of the history that has a version. Raises Invalid where none is kept."""
    record = record_of(row, number)
    if record is None:
        text = _(NOT_KEPT) % {"number": number, "name": row.name}
        raise Invalid([FieldError("version", "not_found", text)])
    return record


@retried
@act("connection.restore")
@sensitive_variables("row", "before")
def restore_connection(
    connection: Connection,
    number: int,
    *,
    actor: Actor,
    expected_version: int | None = None,
    with_secrets: bool = False,
) -> Saved:
    """Puts the content of a version into a connection, as its next version; its alias and team
    stay, and so do its secrets, unless `with_secrets`.

    Raises Invalid, Stale, PermissionDenied: `with_secrets` takes the right to export secrets.
    """
    require(actor, "connections.change_connection")
    with transaction.atomic():
        row = hold(Connection.objects.all(), [connection.pk]).get(connection.pk)
        if row is None:
            raise Connection.DoesNotExist
        _may_restore(actor, row, with_secrets)
        refuse_stale(row, expected_version)
        confirm_types(row.provider_id)
        before = copy(row)
        saved = connection_put_back(row, wanted_record(row, number), actor, with_secrets)
        if saved.changed:
            row._change_reason = f"{RESTORED}{number}"  # type: ignore[attr-defined]
            save_version(row, actor)
            saved = replace(saved, step=note_change(actor, row))
            record(row, actor=actor, changes=changes_of(row, before), detail={"version": number})
        saved.notices.extend(ask_for_hosts_of([row], actor))
    return saved


def _may_restore(actor: Actor, row: Connection, with_secrets: bool) -> None:
    require(actor, "connections.change_connection", on=row)
    if with_secrets:
        require(actor, WITH_SECRETS, on=row)


@sensitive_variables("row", "was", "then", "draft")
def connection_put_back(row: Connection, record: Any, actor: Actor, with_secrets: bool) -> Saved:
    """The row with the content of a version, not saved. Raises Invalid, PermissionDenied."""
    provider, was = known_provider(row.provider_id), record.instance
    then = settings_then(record, provider, row, with_secrets)
    draft = Draft(actor, then.settings, then.lacking, then.kept)
    columns = columns_of(Connection, was)
    if not with_secrets:
        columns.pop(OF_THE_KEY)
    elif columns[OF_THE_KEY] is None:
        columns[OF_THE_KEY] = ""
    saved = draft_change(draft, row, provider, **columns)
    saved.notices[:0] = [*then.notices, *_alias_stays(row, was)]
    return saved


def columns_of(model: Any, was: Any) -> dict[str, Any]:
    """The edited columns that a version had."""
    return {name: getattr(was, name) for name in model.editable_columns}


def _alias_stays(row: Any, was: Any) -> list[Notice]:
    if row.alias == was.alias:
        return []
    text = _("The alias was %(then)s. It stays %(now)s: an administrator changes it by itself.")
    return [Notice("alias", "alias_stays", text % {"then": was.alias, "now": row.alias})]


@retried
@act("profile.restore")
def restore_profile(
    profile: Profile, number: int, *, actor: Actor, expected_version: int | None = None
) -> Saved:
    """Puts the content of a version into a profile, as its next version: with its connection of
    then, and its fallbacks as far as they are there.

    Raises Invalid, Stale, PermissionDenied.
    """
    require(actor, "connections.change_profile", on=profile)
    with transaction.atomic():
        was = wanted_record(profile, number).instance
        then = profile_then(was, fallbacks_then(profile, number))
        saved = update_profile(
            profile,
            actor=actor,
            expected_version=expected_version,
            connection=connection_then(was),
            settings=then.settings,
            client_settings=was.client_settings or {},
            fallbacks=then.fallbacks,
            **columns_of(Profile, was),
        )
        if saved.changed:
            row: Any = saved.row
            made = row.history.filter(version=row.version)
            made.update(history_change_reason=f"{RESTORED}{number}")
            record(row, actor=actor, detail={"version": number})
        saved.notices[:0] = [*then.notices, *_alias_stays(saved.row, was)]
    return saved


@dataclass
class ProfileThen(Then):
    """As `Then`, for a profile. `fallbacks`: None where nobody knows which it had."""

    fallbacks: list[Profile] | None = None


def profile_then(was: Profile, chain: Sequence[str] | None) -> ProfileThen:
    """What a version of a profile had, as far as it can come back."""
    then, known = ProfileThen(), profile_fields(was.capability)
    then.settings = {name: value for name, value in was.settings.items() if name in known}
    for name in was.settings.keys() - known.keys():
        text = _("%(name)s is not a setting of profiles any more, so it is left out.")
        notice = Notice(f"settings.{name[:100]}", "unknown_field", text % {"name": name[:100]})
        then.notices.append(notice)
    if chain is not None:
        there = {str(one.pk): one for one in Profile.objects.filter(pk__in=chain)}
        then.fallbacks = [there[one] for one in chain if one in there]
        if len(then.fallbacks) < len(chain):
            text = _("A fallback that it had is gone, so it is left out.")
            then.notices.append(Notice("fallbacks", "not_found", text))
    return then


def connection_then(was: Profile) -> Connection:
    """The connection of a version. Raises Invalid if it is gone."""
    found = Connection.objects.listed().filter(pk=was.connection_id).first()
    if found is None:
        text = _("The connection it had is gone. Restore that first. Nothing was changed.")
        raise Invalid([FieldError("connection", "not_found", text)])
    return found


def fallbacks_then(profile: Profile, number: int) -> list[str] | None:
    """The ids of the fallbacks that a version of a profile had; None where they were the same as
    now, or nobody knows.
    """
    notes = RowVersion.objects.filter(kind=FALLBACKS, object_id=str(profile.pk))
    note = notes.filter(number__lte=number).order_by("-number").first()
    return list(note.content["fallbacks"]) if note else None


def fallbacks_now(profile: Profile) -> list[str]:
    """The ids of the fallbacks that a profile has."""
    found = Fallback.objects.filter(profile=profile).values_list("fallback_id", flat=True)
    return [str(one) for one in found]


def restore_version(
    row: Any,
    number: int,
    *,
    actor: Actor,
    expected_version: int | None = None,
    with_secrets: bool = False,
) -> Saved:
    """`restore_connection` or `restore_profile`, by what the row is. A profile has no secrets."""
    if isinstance(row, Profile):
        return restore_profile(row, number, actor=actor, expected_version=expected_version)
    return restore_connection(
        row,
        number,
        actor=actor,
        expected_version=expected_version,
        with_secrets=with_secrets,
    )

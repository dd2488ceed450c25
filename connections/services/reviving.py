"""Connections and profiles that were deleted, made again as the history has them: with their ids
and aliases, by the rules of anything new.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from django.contrib.auth import get_user_model
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from django.views.decorators.debug import sensitive_variables

from ..audit.services import act, record
from ..errors import FieldError, Invalid, Notice
from ..locks import hold, retried
from ..models import ApiToken, Connection, Profile, RowVersion, Team, UndoStep
from ..row_versions import DELETION
from .approvals import ask_for_hosts_of
from .base import alias_race, save_version
from .connections import held_provider
from .drafts import Draft, Saved, draft_connection
from .fallbacks import replace_fallbacks
from .permissions import Actor, require
from .profiles import ProfileDraft, draft_profile
from .restored_settings import settings_then
from .restoring import OF_THE_KEY, WITH_SECRETS, columns_of, connection_then, profile_then
from .team_fit import may_be_used_by
from .undo_deletion import put_rows_back, still_there

REASON = gettext_noop("restored after its deletion")
MODELS: dict[str, Any] = {"connection": Connection, "profile": Profile}


@retried
@act(lambda kind, *_record, **_how: f"{kind}.restore")
@sensitive_variables("last", "was")
def revive(
    kind: str, last: Any, *, actor: Actor, with_secrets: bool = False, alias: str = ""
) -> Saved:
    """Makes a deleted row again, as its next version. `kind`: `connection` or `profile`; `last`:
    its last row in the history; `alias`: another one, where its own is taken.

    Raises Invalid, PermissionDenied.
    """
    require(actor, f"connections.add_{kind}")
    was = last.instance
    with transaction.atomic():
        _refuse_gone(kind, was)
        step = _noted(kind, was)
        saved = (
            _connection(last, actor, with_secrets, alias)
            if kind == "connection"
            else _profile(was, step, actor, alias)
        )
        _as_before(MODELS[kind], saved.row, was)
        saved.notices.extend(put_rows_back(MODELS[kind], step))
        record(saved.row, actor=actor, detail={"version": was.version})
        if kind == "connection":
            saved.notices.extend(_not_read(step))
            saved.notices.extend(ask_for_hosts_of([saved.row], actor))
    return saved


def _refuse_gone(kind: str, was: Any) -> None:
    """Raises Invalid for a row that is there, and for one whose team is gone."""
    if MODELS[kind].every.filter(pk=was.pk).exists():
        raise _there(was)
    if was.team_id and not Team.objects.filter(pk=was.team_id).exists():
        text = _("The team of %(name)s is gone, so it belongs to nobody. Nothing was changed.")
        raise Invalid([FieldError("team", "not_found", text % {"name": was.name})])


def _there(row: Any) -> Invalid:
    text = _("%(name)s is there again already.") % {"name": row.name}
    return Invalid([FieldError("id", "there", text)])


def _noted(kind: str, was: Any) -> UndoStep:
    """What went along with the deletion, as an undo would have it."""
    notes = RowVersion.objects.filter(kind=DELETION, object_id=str(was.pk), number=was.version)
    note = notes.first()
    return UndoStep(kind=kind, rows=[{"id": str(was.pk)}], beside=note.content if note else {})


@sensitive_variables("last", "was", "then", "draft")
def _connection(last: Any, actor: Actor, with_secrets: bool, alias: str) -> Saved:
    was = last.instance
    if with_secrets:
        require(actor, WITH_SECRETS, on=was)
    with held_provider(was.provider_id) as provider:
        then = settings_then(last, provider, None, with_secrets)
        draft = Draft(actor, then.settings, then.lacking, then.kept, was.team)
        columns = columns_of(Connection, was)
        if not with_secrets and then.lacking:
            columns.pop(OF_THE_KEY)
        given = alias or was.alias
        saved = draft_connection(draft, provider, alias=given, id=was.pk, **columns)
        saved.row.version = saved.row.settings_version = was.version + 1
        _save(saved.row, actor)
    return replace(saved, notices=[*then.notices, *saved.notices])


def _profile(was: Profile, step: UndoStep, actor: Actor, alias: str) -> Saved:
    chain = step.beside.get("fallbacks", [])
    then = profile_then(was, chain)
    target = hold(Connection.objects.listed(), [connection_then(was).pk])[was.connection_id]
    wanted = then.fallbacks or []
    held = hold(Profile.objects.all(), [one.pk for one in wanted])
    fit = [one for one in wanted if one.pk in held and may_be_used_by(one, was.team_id)]
    if len(fit) < len(wanted):
        text = _("A fallback is of a team that has not let this one use it, so it is left out.")
        then.notices.append(Notice("fallbacks", "other_team", text))
    kept = was.client_settings
    draft = ProfileDraft(actor, target, then.settings, fit, held, team=was.team, kept=kept)
    given, columns = alias or was.alias, columns_of(Profile, was)
    saved = draft_profile(draft, was.capability, alias=given, id=was.pk, **columns)
    saved.row.version = was.version + 1
    _save(saved.row, actor)
    replace_fallbacks([(saved.row, fit)])
    for token in still_there(ApiToken, step.beside.get("tokens", [])):
        token.profiles.add(saved.row)
    return replace(saved, notices=[*then.notices, *saved.notices])


def _not_read(step: UndoStep) -> list[Notice]:
    """A notice where flows read the connection: nobody said that they may again."""
    if not step.beside.get("flow_tokens"):
        return []
    text = _("The tokens for flows that read it do not read it any more. Make new ones.")
    return [Notice("tokens", "not_brought_back", text)]


def _save(row: Any, actor: Actor) -> None:
    row._change_reason = REASON
    try:
        with alias_race(row):
            save_version(row, actor)
    except IntegrityError:  # somebody else was faster
        if type(row).every.filter(pk=row.pk).exists():
            raise _there(row) from None
        raise


def _as_before(model: Any, row: Any, was: Any) -> None:
    """Says when and by whom the row was made first."""
    creator = get_user_model().objects.filter(pk=was.created_by_id).first()
    values: Mapping[str, Any] = {"date_created": was.date_created, "created_by": creator}
    model.every.filter(pk=row.pk).update(**values)
    for name, value in values.items():
        setattr(row, name, value)

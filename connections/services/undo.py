"""The way back from the last act of a person, for CONNECTIONS_UNDO_MINUTES.

All of an act is undone, or nothing is: not when a row was changed since, a name was taken, or the
right to do the act is gone. Secrets come back as the history has them, encrypted.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop, ngettext
from django.views.decorators.debug import sensitive_variables

from ..audit.services import Subject, act, kind_named, record
from ..change_counter import bump_change_counter
from ..credentials import Undecryptable
from ..destinations import destinations_of, read_by_flows, unapproved, unapproved_message
from ..destinations import valid_reveal_tokens as flow_tokens
from ..errors import Notice, NotUndone
from ..locks import hold, retried
from ..models import ApiToken, Connection, DefaultProfile, Profile, RevealToken, UndoStep
from ..row_versions import keep_versions, keeping
from .base import save_version
from .callers import Scope, allows
from .defaults import put_defaults
from .drafts import SETTINGS_COLUMNS
from .fallbacks import replace_fallbacks
from .permissions import Actor, require
from .sections import denied_sections, lost_sections
from .team_fit import refuse_unfit_team
from .undo_deletion import NOTHING_DONE, PURGED, bring_back, fallbacks_of
from .undo_steps import last_step

Act = UndoStep.Act
MODELS: dict[str, Any] = {
    str(one._meta.model_name): one for one in (Connection, Profile, ApiToken, RevealToken)
}
VERBS = {
    Act.SWITCHED: "toggle",
    Act.CHANGED: "change",
    Act.DELETED: "delete",
    Act.MOVED: "change",
    Act.CHOSEN: "change",
}
UNDONE = gettext_noop("undone")
LOST = gettext_noop(
    "The secrets it had before cannot be decrypted: no key of FERNET_KEYS opens them. Nothing was "
    "undone."
)


@dataclass(frozen=True)
class Undone:
    """An act that was undone: a sentence, the rows as they are now, and what to know about them."""

    said: str
    rows: Sequence[Any]
    notices: list[Notice] = field(default_factory=list)


@retried
@act("connection.undo")
def undo_last_act(actor: Actor, key: uuid.UUID | None = None) -> Undone:
    """Undoes the last act of a person. `key`: it must be this one.

    Raises NotUndone, PermissionDenied.
    """
    step = last_step(actor)
    if step is None:
        text = _("There is nothing to undo: only your last act can be, within %(minutes)s minutes.")
        raise NotUndone(text % {"minutes": settings.CONNECTIONS_UNDO_MINUTES})
    if key not in (None, step.key):
        raise NotUndone(
            _("You have done something else since, and only your last act can be undone.")
        )
    _refuse_scope(actor, step)
    undoing = {
        Act.SWITCHED: _switch_back,
        Act.CHANGED: _change_back,
        Act.DELETED: _restore,
        Act.REVOKED: _unrevoke,
        Act.MOVED: _move_back,
        Act.CHOSEN: _choose_back,
    }[Act(step.act)]
    with transaction.atomic():
        undone = undoing(step, actor)
        UndoStep.objects.filter(user_id=actor.pk, key=step.key).delete()
        kind = kind_named(step.kind)
        own = Subject(kind) if kind == "defaults" else None
        detail = {"act": step.act, "done_at": step.done_at}
        record(own, actor=actor, action=f"{kind}.undo", others=undone.rows, detail=detail)
    return undone


def _refuse_scope(actor: Actor, step: UndoStep) -> None:
    """Raises NotUndone for a token that could not have done the act."""
    scope = {"connection": Scope.CONNECTIONS_WRITE, "profile": Scope.PROFILES_WRITE}.get(step.kind)
    if step.kind == "connection" and step.act == Act.DELETED:
        scope = Scope.CONNECTIONS_DELETE
    if not allows(getattr(actor, "token", None), scope or Scope.ADMIN):
        text = _("This token lacks the scope %(scope)s.")
        raise NotUndone(text % {"scope": scope or Scope.ADMIN})


def _require(actor: Actor, step: UndoStep) -> None:
    require(actor, f"connections.{VERBS[Act(step.act)]}_{step.kind}")


def _unchanged(step: UndoStep, actor: Actor) -> dict[str, Any]:
    """The rows of an act, locked, by id.

    Raises NotUndone if one is another since, PermissionDenied.
    """
    found = hold(MODELS[step.kind].objects.all(), [one["id"] for one in step.rows])
    rows = {str(pk): row for pk, row in found.items()}
    for row in found.values():
        require(actor, f"connections.{VERBS[Act(step.act)]}_{step.kind}", on=row)
    for one in step.rows:
        row = rows.get(one["id"])
        if row is None:
            raise NotUndone(_("It was deleted since. Nothing was undone."))
        if row.version != one["version"]:
            text = _(
                "%(who)s changed %(name)s since; it is at version %(version)d now. Nothing was "
                "undone."
            )
            who = row.modified_by or _("Somebody")
            raise NotUndone(text % {"who": who, "name": row.name, "version": row.version})
    return rows


def _switch_back(step: UndoStep, actor: Actor) -> Undone:
    _require(actor, step)
    rows = _unchanged(step, actor)
    for one in sorted(step.rows, key=lambda one: uuid.UUID(one["id"])):
        row = rows[one["id"]]
        row.is_active, row._change_reason = one["is_active"], UNDONE
        save_version(row, actor, ["is_active"])
    switched = [rows[one["id"]] for one in step.rows]
    first = switched[0]
    if len(switched) > 1:
        return Undone(_("%(number)d are as before.") % {"number": len(switched)}, switched)
    said = _("%(name)s is active again.") if first.is_active else _("%(name)s is inactive again.")
    return Undone(said % {"name": first.name}, switched)


@sensitive_variables("before", "row")
def _change_back(step: UndoStep, actor: Actor) -> Undone:
    _require(actor, step)
    if "columns" in step.beside:
        return _columns_back(step, actor)
    noted, model = step.rows[0], MODELS[step.kind]
    record = model.history.filter(pk=noted["history"]).first()
    if record is None:
        raise NotUndone(_("The version before is not kept any more. Nothing was undone."))
    chain = fallbacks_of(step, record)
    row = _unchanged(step, actor)[noted["id"]]
    if record.is_active != row.is_active:
        require(actor, f"connections.toggle_{step.kind}", on=row)
    if step.kind == "connection":
        _put_settings_back(row, record, step)
    else:
        row.settings, row.connection_id = record.settings, record.connection_id
        row.client_settings = record.client_settings
        refuse_unfit_team(row, chain or ())
    for name in model.editable_columns:
        setattr(row, name, getattr(record, name))
    row._change_reason = UNDONE
    save_version(row, actor)
    if chain is not None:
        replace_fallbacks([(row, chain)])
    return Undone(_("%(name)s is as it was before.") % {"name": row.name}, [row])


def _columns_back(step: UndoStep, actor: Actor) -> Undone:
    """Puts the columns of several rows back that were changed together."""
    rows, columns = _unchanged(step, actor), step.beside["columns"]
    keys = [one["history"] for one in step.rows]
    records = MODELS[step.kind].history.filter(pk__in=keys).values("id", *columns)
    before = {str(one["id"]): one for one in records}
    if len(before) < len(step.rows):
        raise NotUndone(_("The version before is not kept any more. Nothing was undone."))
    for pk, row in rows.items():
        for name in columns:
            setattr(row, name, before[pk][name])
        row._change_reason = UNDONE
        save_version(row, actor, columns)
    found = list(rows.values())
    said = (
        _("%(name)s is as before.") % {"name": found[0].name}
        if len(found) == 1
        else _("%(number)d are as before.") % {"number": len(found)}
    )
    return Undone(said, found)


@sensitive_variables("record", "row", "before")
def _put_settings_back(row: Connection, record: Any, step: UndoStep) -> None:
    """Puts the settings of a version into a row. Raises NotUndone where a secret would be lost, or
    come to where it may not go any more.
    """
    if record.purged:
        raise NotUndone(_(PURGED))
    was, now = record.credentials, row.credentials
    is_lost = isinstance(was, Undecryptable)
    if is_lost and not (isinstance(now, Undecryptable) and now.token == was.token):
        raise NotUndone(_(LOST))
    before, denied = {*destinations_of(row), *read_by_flows([row])}, denied_sections([row])
    is_other = not is_lost and was != now
    if any(getattr(record, name) != getattr(row, name) for name in SETTINGS_COLUMNS):
        row.settings_version = row.version + 1  # which the save will make it
    for name in (*SETTINGS_COLUMNS, "type_version"):
        setattr(row, name, getattr(record, name))
    if lost := lost_sections([row], denied):
        raise NotUndone(f"{lost} {_(NOTHING_DONE)}")
    if moved := unapproved({*destinations_of(row), *read_by_flows([row])} - before):
        raise NotUndone(f"{unapproved_message(moved)} {_(NOTHING_DONE)}")
    # whoever made a token for flows since meant them to read the new secrets
    since = flow_tokens().filter(connections=row, date_created__gte=step.done_at)
    if is_other and since.exists():
        raise NotUndone(
            _("Somebody made a token for flows that read it since. Nothing was undone.")
        )


def _move_back(step: UndoStep, actor: Actor) -> Undone:
    _require(actor, step)
    pk = uuid.UUID(step.beside["connection"])
    source = hold(Connection.objects.listed(), [pk]).get(pk)
    if source is None:
        raise NotUndone(_("The connection they came from was deleted since. Nothing was undone."))
    rows = _unchanged(step, actor)
    for key in sorted(rows, key=uuid.UUID):
        rows[key].connection, rows[key]._change_reason = source, UNDONE
        refuse_unfit_team(rows[key], ())
        save_version(rows[key], actor)
    said = ngettext(
        "The profile is at %(name)s again.",
        "%(number)d profiles are at %(name)s again.",
        len(rows),
    )
    return Undone(said % {"number": len(rows), "name": source.name}, list(rows.values()))


def _choose_back(step: UndoStep, actor: Actor) -> Undone:
    _require(actor, step)
    was = {one["id"]: one["was"] and uuid.UUID(one["was"]) for one in step.rows}
    there = hold(Profile.objects.all(), filter(None, was.values()))
    if gone := [name for name, pk in was.items() if pk and pk not in there]:
        text = _("The default for %(capability)s was deleted since. Nothing was undone.")
        raise NotUndone(text % {"capability": gone[0]})
    found = DefaultProfile.objects.select_for_update().order_by("pk")
    now = {name: str(pk) for name, pk in found.values_list("pk", "profile_id")}
    for one in step.rows:
        if now.get(one["id"]) != one["now"]:
            text = _("Somebody chose another default for %(capability)s since.")
            raise NotUndone(text % {"capability": one["id"]})
    with keeping("defaults", "all", actor, UNDONE):
        put_defaults(was)
    return Undone(_("The default profiles are as before."), list(there.values()))


def _restore(step: UndoStep, actor: Actor) -> Undone:
    _require(actor, step)
    rows, notices = [], []
    for noted in sorted(step.rows, key=lambda one: uuid.UUID(one["id"])):
        beside = step.beside.get("each", {}).get(noted["id"], step.beside)
        one = UndoStep(user_id=step.user_id, kind=step.kind, rows=[noted], beside=beside)
        row, told = bring_back(MODELS[step.kind], one, actor)
        rows.append(row)
        notices += told
    said = ngettext("%(name)s is back.", "%(number)d are back.", len(rows))
    return Undone(said % {"name": rows[0].name, "number": len(rows)}, rows, notices)


def _unrevoke(step: UndoStep, actor: Actor) -> Undone:
    tokens = MODELS[step.kind].objects
    there = {str(one.pk): one for one in tokens.filter(pk__in=[one["id"] for one in step.rows])}
    for noted in step.rows:
        token = there.get(noted["id"])
        if token is None:
            raise NotUndone(_("It was deleted since. Nothing was undone."))
        if step.kind != "apitoken" or actor != token.user:
            require(actor, f"connections.delete_{step.kind}", on=token)
        revoked_at = datetime.fromisoformat(noted["revoked_at"])
        ended = tokens.filter(pk=token.pk, revoked_at=revoked_at, revoked_because="")
        if not ended.update(revoked_at=None):
            text = _("Somebody changed %(name)s since. Nothing was undone.")
            raise NotUndone(text % {"name": token})
        token.revoked_at = None
    bump_change_counter()
    keep_versions(step.kind, there, actor, UNDONE)
    back = [there[one["id"]] for one in step.rows]
    said = ngettext("%(name)s is valid again.", "%(number)d are valid again.", len(back))
    return Undone(said % {"name": back[0], "number": len(back)}, back)

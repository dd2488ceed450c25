"""Connections and profiles that were deleted, as far as their history is kept and somebody may see
them; one brought back, with its profiles.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.contrib.auth import get_user_model
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from connections.audit.services import act, record
from connections.locks import retried
from connections.models import Connection, Team
from connections.services import Actor, FieldError, Invalid, Notice, may, revive

from .subjects import WITH_HISTORY, WITH_SECRETS

TOGETHER = timedelta(days=1)  # profiles that were deleted so long before their connection
COLUMNS = ("pk", "id", "alias", "name", "version", "tags", "team_id", "history_date")


@dataclass(frozen=True)
class Deleted:
    """Something that was deleted: at which version, when, by whom. `profiles`: of a connection,
    those that would come back with it. `of`: of a profile, the id of its connection.
    """

    kind: str
    id: UUID
    alias: str
    name: str
    version: int
    date: datetime
    user: Any
    team: Team | None
    at: int
    of: UUID | None = None
    profiles: Sequence["Deleted"] = field(default=())


@dataclass(frozen=True)
class Revived:
    """What came back: the row, the profiles that came with it, and what could not come back."""

    row: Any
    profiles: Sequence[Any]
    notices: Sequence[Notice]


def deleted_rows(actor: Actor, kind: str = "") -> list[Deleted]:
    """What was deleted and is not back, of this kind or of both, the last one first."""
    profiles = list(_deleted("profile", actor))
    connections = [
        Deleted(**{**vars(one), "profiles": _together(one, profiles)})
        for one in _deleted("connection", actor)
    ]
    found = {"connection": connections, "profile": profiles}
    wanted = found[kind] if kind else connections + profiles
    return sorted(wanted, key=lambda one: one.date, reverse=True)


def find_deleted(text: UUID, *, actor: Actor) -> Deleted | None:
    """What was deleted and had this id, if the actor may see it."""
    return next((one for one in deleted_rows(actor) if one.id == text), None)


def _deleted(kind: str, actor: Actor) -> Iterator[Deleted]:
    model = WITH_HISTORY[kind]
    more = ("connection_id",) if kind == "profile" else ()
    gone = model.history.filter(history_type="-").exclude(id__in=model.every.values("pk"))
    records = list(gone.order_by("-history_id").values(*COLUMNS, *more, "history_user_id"))
    users = get_user_model().objects.in_bulk({one["history_user_id"] for one in records})
    teams = Team.objects.in_bulk({one["team_id"] for one in records} - {None})
    known = set()
    for one in records:
        if one["id"] in known:
            continue
        known.add(one["id"])  # where it was before, when it was deleted there, counts no more
        row = model(id=one["id"], team_id=one["team_id"], tags=one["tags"])
        if not may(actor, f"connections.view_{kind}", row):
            continue
        yield Deleted(
            kind,
            one["id"],
            one["alias"],
            one["name"],
            one["version"],
            one["history_date"],
            users.get(one["history_user_id"]),
            teams.get(one["team_id"]),
            one["pk"],
            one.get("connection_id"),
        )


def _together(connection: Deleted, profiles: Iterable[Deleted]) -> list[Deleted]:
    """The profiles that were deleted shortly before their connection, the last one first."""
    since = connection.date - TOGETHER
    return [
        one for one in profiles if one.of == connection.id and since <= one.date <= connection.date
    ]


@retried
@act(lambda found, **_how: f"{found.kind}.restore")
def restore_deleted(
    found: Deleted,
    *,
    actor: Actor,
    with_profiles: bool = False,
    with_secrets: bool = False,
    alias: str = "",
) -> Revived:
    """Brings something back that was deleted, all of it or nothing. `with_profiles`: of a
    connection, those that were deleted shortly before it; `alias`: another one, where its own was
    taken meanwhile.

    Raises Invalid, PermissionDenied: `with_secrets` takes the right to export secrets.
    """
    with transaction.atomic():
        saved = _revive(found, actor, with_secrets=with_secrets, alias=alias)
        notices, rows = list(saved.notices), []
        # none could be deleted before those that fell back on it
        for one in found.profiles if with_profiles else ():
            made = _revive(one, actor)
            rows.append(made.row)
            text = _("%(name)s: %(message)s")
            notices += [
                Notice(note.field, note.code, text % {"name": one.name, "message": note.message})
                for note in made.notices
            ]
        record(saved.row, actor=actor)
    return Revived(saved.row, rows, notices)


def _revive(one: Deleted, actor: Actor, **how: Any) -> Any:
    last = WITH_HISTORY[one.kind].history.filter(pk=one.at).first()
    if last is None:
        text = _("%(name)s is not kept any more.") % {"name": one.name}
        raise Invalid([FieldError("id", "not_found", text)])
    return revive(one.kind, last, actor=actor, **how)


def may_restore_deleted(one: Deleted, actor: Actor) -> bool:
    """True for whoever may bring it back."""
    row = WITH_HISTORY[one.kind](id=one.id, team=one.team)
    return may(actor, f"connections.add_{one.kind}", row)


def may_restore_secrets(one: Deleted, actor: Actor) -> bool:
    """True for whoever may bring its secrets back too."""
    return one.kind == "connection" and may(actor, WITH_SECRETS, Connection(team=one.team))


def said_back(revived: Revived) -> str:
    """What came back, as a sentence."""
    text = _("%(name)s is back.") % {"name": revived.row.name}
    if not revived.profiles:
        return text
    more = ngettext(
        "%(number)d profile came back with it.",
        "%(number)d profiles came back with it.",
        len(revived.profiles),
    )
    return f"{text} {more % {'number': len(revived.profiles)}}"

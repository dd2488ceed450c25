"""Writing of events: who, on what, and what changed, as columns and as one document."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from providers.core.request_id import REQUEST_ID

from ..models import (
    AuditEvent,
    AuditMention,
    Connection,
    KeyReplacement,
    Team,
    is_service_account,
)
from .chain import append, instance
from .origin import origin
from .words import kind_of

MOST_OTHERS = 1000  # objects that one event names beside its own
Change = tuple[str, str, str]  # field, before, after


@dataclass(frozen=True)
class Subject:
    """What an act is done to, by id and name, since it may be gone when the event is read."""

    kind: str
    id: str = ""
    name: str = ""
    team: Any = field(default=None, compare=False)

    @classmethod
    def of(cls, row: Any, *, with_team: bool = True) -> "Subject":
        """That of a row, before it is deleted or while it is there. `with_team` may cost a query.

        A replacement stands for its connection, on whose page it is.
        """
        if isinstance(row, cls):
            return row
        if isinstance(row, KeyReplacement):
            found = Connection.every.filter(pk=row.connection_id).first()
            row = found or Connection(pk=row.connection_id)
        kind = kind_of(row)
        name = getattr(row, "alias", "") or str(row)
        team = row if isinstance(row, Team) else getattr(row, "team", None) if with_team else None
        return cls(kind, "" if row.pk is None else str(row.pk), name, team)


Noted = tuple[Subject, tuple[Change, ...]]


def write(  # noqa: PLR0913 by name, and each is a part of an event
    action: str,
    subject: Subject | None,
    *,
    actor: Any,
    changes: Sequence[Change] = (),
    noted: Sequence[Noted] = (),
    detail: Mapping[str, Any],
    outcome: str,
    code: str,
) -> AuditEvent:
    """Writes one event. `noted`: further objects, each with its changes."""
    own = subject or (noted[0][0] if noted else None)
    others = {(one.kind, one.id): one for one, _changes in noted if one != own}
    body = _document(own, list(others.values()), changes, noted)
    if detail:
        body["detail"] = dict(detail)
    if origin().meta:
        origin().left.append(action)
    event = append(
        {
            "action": action,
            "outcome": outcome,
            "code": code,
            "body": json.dumps(body, ensure_ascii=False, default=str) if body else "",
        }
        | _who(actor)
        | _on(own)
    )
    mentions = [one for one in others.values() if one.id][:MOST_OTHERS]
    AuditMention.objects.bulk_create(
        AuditMention(event=event, kind=one.kind, object_id=one.id) for one in mentions
    )
    return event


def _document(
    own: Subject | None,
    others: Sequence[Subject],
    changes: Sequence[Change],
    noted: Sequence[Noted],
) -> dict[str, Any]:
    """What changed on the event's own object and on others, and which those are."""
    both = [*changes, *(one for which, inner in noted if which == own for one in inner)]
    inside = {f"{one.kind} {one.name}": inner for one, inner in noted if one != own and inner}
    named = [[one.kind, one.id, one.name] for one in others[:MOST_OTHERS]]
    number = len(others) + 1 if len(others) > MOST_OTHERS else 0
    parts = {"changes": both, "inside": inside, "others": named, "number": number}
    return {name: value for name, value in parts.items() if value}


def _who(actor: Any) -> dict[str, str]:
    """The actor as columns, with the token and the address they came with."""
    where = origin()
    found = {
        "instance": instance(),
        "surface": where.surface,
        "address": where.address,
        "request_id": REQUEST_ID.get(),
    }
    if actor is None or not getattr(actor, "pk", None):
        kind = where.surface if where.surface in ("command", "schedule") else "nobody"
        name = where.program if actor is None else str(actor)
        return found | {"actor_kind": kind, "actor_name": name}
    kind = "service_account" if is_service_account(actor) else "person"
    found |= {"actor_kind": kind, "actor_id": str(actor.pk), "actor_name": actor.get_username()}
    token = getattr(actor, "token", None)
    if token is not None:
        found |= {"token_kind": kind_of(token), "token_id": str(token.pk), "token_name": token.name}
    return found


def _on(subject: Subject | None) -> dict[str, str]:
    if subject is None:
        return {}
    team = subject.team
    return {
        "object_kind": subject.kind,
        "object_id": subject.id,
        "object_name": subject.name,
        "team_id": str(team.pk) if team else "",
        "team_name": team.name if team else "",
    }

"""Recording of acts. A service names its act with `act` and records it where it has done it, in its
own transaction; a refusal records itself.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from django.core.exceptions import PermissionDenied
from django.db import models
from django.views.decorators.debug import sensitive_variables

from providers.core.request_id import REQUEST_ID

from ..errors import InUse, Invalid, MissingRight, NotUndone, Stale, Throttled, Unusable
from ..models import (
    AuditEvent,
    AuditMention,
    Connection,
    KeyReplacement,
    Outcome,
    Team,
    is_service_account,
)
from .chain import append, instance
from .origin import origin
from .words import is_action, kind_of

P = ParamSpec("P")
R = TypeVar("R")

REFUSALS = (Invalid, PermissionDenied, Stale, InUse, Unusable, Throttled, NotUndone)
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


_Noted = tuple[Subject, tuple[Change, ...]]


@dataclass
class _Act:
    """An act that is under way. `noted`: what acts inside of it did, for the one event it leaves.

    `is_recorded`: that event has been written, or the act inside has handed it on.
    """

    action: str
    outer: "_Act | None"
    noted: list[_Noted] = field(default_factory=list)
    is_recorded: bool = False


_current: ContextVar[_Act | None] = ContextVar("act", default=None)


def act(
    action: str | Callable[..., str], *refusals: type[Exception]
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Names the act that a service is: "connection.update", or a function of its arguments says it.
    Raises ValueError for an action that has no words.

    A refusal, one of REFUSALS or of these `refusals`, leaves an event of its own. An act inside of
    another leaves none: what it records goes into the event of the outermost.
    """

    if isinstance(action, str) and not is_action(action):
        raise ValueError(f"The action {action} has no words in connections/audit/words.py.")

    own_refusals: tuple[type[Exception], ...] = (*REFUSALS, *refusals)

    def decorated(service: Callable[P, R]) -> Callable[P, R]:
        @wraps(service)
        @sensitive_variables()  # the arguments hold secrets
        def acting(*args: P.args, **kwargs: P.kwargs) -> R:
            name = action if isinstance(action, str) else action(*args, **kwargs)
            this = _Act(name, _current.get())
            token = _current.set(this)
            try:
                return service(*args, **kwargs)
            except own_refusals as error:
                if this.outer is None:
                    _record_refusal(name, error, args, kwargs)
                raise
            finally:
                _current.reset(token)

        acting.action = action  # type: ignore[attr-defined]
        return acting

    return decorated


def record(  # noqa: PLR0913 by name, and each is a part of an event
    on: Any = None,
    *,
    actor: Any,
    action: str = "",
    changes: Iterable[Change] = (),
    others: Iterable[Any] = (),
    detail: Mapping[str, Any] | None = None,
    outcome: str = Outcome.DONE,
    code: str = "",
) -> AuditEvent | None:
    """Records the act that is under way, in the transaction of whoever calls.

    `on`: the row it is done to, or its Subject. `action`: in place of the name that `act` gave.
    `changes`: field, before, after; a secret as "changed", never in clear. `others`: further rows.
    Returns None inside of another act, whose event says it too.
    """
    this = _current.get()
    subject = Subject.of(on) if on is not None else None
    if this is not None and this.outer is not None:
        this.is_recorded = True
        if subject is not None:
            this.outer.noted.append((subject, tuple(changes)))
        this.outer.noted += _further(others)
        this.outer.noted += this.noted
        return None
    noted = _further(others)
    if this is not None:
        noted += this.noted
        this.is_recorded, this.noted = True, []
    return write(
        action or (this.action if this else ""),
        subject,
        actor=actor,
        changes=tuple(changes),
        noted=noted,
        detail=detail or {},
        outcome=outcome,
        code=code,
    )


def record_noted(*, actor: Any) -> AuditEvent | None:
    """Records the act that is under way if acts inside of it changed anything."""
    this = _current.get()
    return record(actor=actor) if this is not None and this.noted else None


def _further(others: Iterable[Any]) -> list[_Noted]:
    """Further objects; of a team, as one that may be the event's own, is the first alone."""
    return [(Subject.of(one, with_team=not number), ()) for number, one in enumerate(others)]


def write(  # noqa: PLR0913 by name, and each is a part of an event
    action: str,
    subject: Subject | None,
    *,
    actor: Any,
    changes: Sequence[Change] = (),
    noted: Sequence[_Noted] = (),
    detail: Mapping[str, Any],
    outcome: str,
    code: str,
) -> AuditEvent:
    """Writes one event. `noted`: further objects, each with its changes."""
    own = subject or (noted[0][0] if noted else None)
    others = {(one.kind, one.id): one for one, _changes in noted if one != own}
    body: dict[str, Any] = {}
    both = [*changes, *(one for which, inner in noted if which == own for one in inner)]
    if both:
        body["changes"] = both
    if inside := {f"{one.kind} {one.name}": inner for one, inner in noted if one != own and inner}:
        body["inside"] = inside
    if others:
        body["others"] = [[one.kind, one.id, one.name] for one in others.values()][:MOST_OTHERS]
        body |= {"number": len(others) + 1} if len(others) > MOST_OTHERS else {}
    if detail:
        body["detail"] = dict(detail)
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


def _record_refusal(
    action: str, error: Exception, args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> None:
    """Records what was refused and why, by codes: texts of errors may repeat what was typed."""
    actor = kwargs.get("actor", args[0] if args and _is_person(args[0]) else None)
    given = [_first_row(one) for one in (*args, *kwargs.values()) if one is not actor]
    kind = action.partition(".")[0]
    rows = [one for one in given if one is not None]
    beside = {"team", "role"}  # what is given along with something else
    fitting = [one for one in rows if kind_of(one) == kind or kind_of(one) not in beside]
    fitting.sort(key=lambda one: (kind_of(one) != kind, _is_person(one)))
    record_refusal(action, error, fitting[0] if fitting else None, actor=actor)


def _first_row(given: Any) -> models.Model | None:
    """The row that an argument is, or that a list of rows or of tuples with a row begins with."""
    while isinstance(given, list | tuple) and given:
        given = given[0]
    return given if isinstance(given, models.Model) else None


def record_refusal(action: str, error: Exception, on: Any = None, *, actor: Any) -> None:
    """Records that an act was refused: for services that `act` cannot wrap."""
    subject = Subject.of(on) if on is not None and on.pk is not None else None
    write(action, subject, actor=actor, detail={}, outcome=Outcome.REFUSED, code=_code_of(error))


def _is_person(one: Any) -> bool:
    return hasattr(one, "get_username")


def _code_of(error: Exception) -> str:
    if isinstance(error, Invalid):
        return ", ".join(f"{one.field}: {one.code}" for one in error.errors)
    if isinstance(error, MissingRight):
        return ", ".join(["missing_right", *error.permissions])
    if isinstance(code := getattr(error, "code", None), str) and code:
        return code
    name = type(error).__name__
    return "".join(f"_{one.lower()}" if one.isupper() else one for one in name).lstrip("_")

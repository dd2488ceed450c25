"""Recording of acts. A service names its act with `act` and records it where it has done it, in its
own transaction; a refusal records itself.
"""

import logging
from collections.abc import Callable, Iterable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from django.core.exceptions import PermissionDenied
from django.db import Error, models
from django.views.decorators.debug import sensitive_variables

from ..errors import InUse, Invalid, MissingRight, NotUndone, Stale, Throttled, Unusable
from ..models import AuditEvent, Outcome
from .bounded import times_due
from .words import is_action, kind_of
from .writing import Change, Noted, Subject, write

P = ParamSpec("P")
R = TypeVar("R")

REFUSALS = (Invalid, PermissionDenied, Stale, InUse, Unusable, Throttled, NotUndone)
logger = logging.getLogger(__name__)


@dataclass
class _Act:
    """An act that is under way. `noted`: what acts inside of it did, for its one event."""

    action: str
    outer: "_Act | None"
    noted: list[Noted] = field(default_factory=list)


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
                found = service(*args, **kwargs)
                if this.outer is None and this.noted:  # the service itself recorded nothing
                    record(actor=kwargs.get("actor"))
                return found
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
        if subject is not None:
            this.outer.noted.append((subject, tuple(changes)))
        this.outer.noted += _further(others)
        this.outer.noted += this.noted
        return None
    noted = _further(others)
    if this is not None:
        noted += this.noted
        this.noted = []
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


def note(*rows: Any) -> None:
    """Notes rows, or their Subjects, that the act under way changes beside its own: its event names
    them.
    """
    this = _current.get()
    if this is not None:
        this.noted += [(Subject.of(one), ()) for one in rows]


def forget_notes() -> None:
    """Forgets what was noted for the act under way: the transaction that did it was taken back."""
    this = _current.get()
    if this is not None:
        this.noted.clear()


def has_notes() -> bool:
    """True if anything was noted for the act that is under way."""
    this = _current.get()
    return this is not None and bool(this.noted)


def _further(others: Iterable[Any]) -> list[Noted]:
    """Further objects; of a team, as one that may be the event's own, is the first alone."""
    return [(Subject.of(one, with_team=not number), ()) for number, one in enumerate(others)]


def _record_refusal(
    action: str, error: Exception, args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> None:
    """Records what was refused and why, by codes: texts of errors may repeat what was typed.

    Of those who ask too often one a minute is enough: events are not for them to make.
    """
    actor = kwargs.get("actor", args[0] if args and _is_person(args[0]) else None)
    if isinstance(error, Throttled) and not times_due(action, str(getattr(actor, "pk", ""))):
        return
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
    """Records that an act was refused: for services that `act` cannot wrap. `on`: a row, or its
    Subject.
    """
    is_there = on is not None and getattr(on, "pk", True) is not None
    subject = Subject.of(on) if is_there else None
    code = _code_of(error)
    try:
        write(action, subject, actor=actor, detail={}, outcome=Outcome.REFUSED, code=code)
    except Error:  # who is refused is told so in any case
        logger.exception("The refusal of %s (%s) left no event", action, code)


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

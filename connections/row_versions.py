"""Versions of teams, roles, tokens and whatever else has no history of its own.

Whoever owns a kind declares it when Django starts; the services that change a thing keep its state
afterwards, in their transaction. connections/history reads and restores them.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from django.db import IntegrityError, transaction
from django.db.models import Max
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from .errors import FieldError, Invalid, Notice
from .models import RowVersion

P = ParamSpec("P")
R = TypeVar("R")
Content = dict[str, Any]
FALLBACKS, DELETION = "fallbacks", "deletion"  # kinds that are notes beside a history
TRIES = 5
RESTORED = "restored from version "  # and a number: the reason of a version

OF_TOKENS = gettext_noop(
    "A token is not restored: what ended stays ended, and its text is not kept. Renew it, or make "
    "a new one."
)


@dataclass(frozen=True)
class VersionedKind:
    """A kind of thing whose states are kept.

    `content`: of the thing with this id, without any secret; None where there is none. `find`: the
    thing, for whoever may see its versions, else None. `restore`: puts a content back through the
    services, by their rules; its notices say what could not come back. It raises what they raise.
    `may_change`: whether somebody may do that. `key`: the id of a thing.
    """

    name: str
    title: str
    content: Callable[[str], Content | None]
    find: Callable[[str, Any], Any]
    restore: Callable[[Any, Mapping[str, Any], Any], list[Notice]]
    may_change: Callable[[Any, Any], bool]
    key: Callable[[Any], str] = lambda row: str(row.pk)


_declared: dict[str, VersionedKind] = {}
_open: ContextVar[frozenset[tuple[str, str]]] = ContextVar("open", default=frozenset())


def said_reason(reason: str) -> str:
    """The reason of a version in the language of whoever looks."""
    number = reason.removeprefix(RESTORED)
    return (
        _("restored from version %(number)s") % {"number": number}
        if number != reason
        else _(reason)
    )


def declare_kind(kind: VersionedKind) -> None:
    """Adds a kind. Called when an app is ready; one of the same name is replaced."""
    _declared[kind.name] = kind


def declared_kinds() -> tuple[VersionedKind, ...]:
    """Every kind that was declared, by name."""
    return tuple(_declared[name] for name in sorted(_declared))


@contextmanager
def keeping(kind: str, object_id: Any, actor: Any, reason: str = "") -> Iterator[None]:
    """Keeps the state that the block leaves a thing in; the one before it too, where none is kept.

    Of several changes within each other the outermost counts. One that changes nothing is none.
    """
    found, pk = _declared.get(kind), str(object_id)
    if found is None or (kind, pk) in _open.get():
        yield
        return
    with transaction.atomic():
        before = None if _newest(kind, pk) else found.content(pk)
        token = _open.set(_open.get() | {(kind, pk)})
        try:
            yield
        finally:
            _open.reset(token)
        if before is not None:
            _add(kind, pk, before, None, "")
        keep_version(kind, pk, actor, reason)


def keeps(kind: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """`keeping` around a service: its first argument is the thing, `actor` who changes it."""

    def decorated(service: Callable[P, R]) -> Callable[P, R]:
        @wraps(service)
        def kept(*args: P.args, **kwargs: P.kwargs) -> R:
            row: Any = args[0]
            with keeping(kind, row.pk, kwargs["actor"]):
                return service(*args, **kwargs)

        return kept

    return decorated


def keep_versions(kind: str, keys: Iterable[Any], actor: Any, reason: str = "") -> None:
    """`keep_version` of several things."""
    for key in keys:
        keep_version(kind, key, actor, reason)


def keep_version(kind: str, object_id: Any, actor: Any, reason: str = "") -> None:
    """Keeps the state that a thing has now, if it is another than the newest that is kept."""
    found, pk = _declared.get(kind), str(object_id)
    if found is None or (kind, pk) in _open.get():
        return
    content, newest = found.content(pk), _newest(kind, pk)
    if content is not None and (newest is None or newest.content != content):
        _add(kind, pk, content, actor, reason)


def note_beside(kind: str, notes: Iterable[tuple[Any, int, Content]]) -> None:
    """Notes something beside versions of rows: an id, a version and what is noted, each in place of
    what was.
    """
    RowVersion.objects.bulk_create(
        [
            RowVersion(kind=kind, object_id=str(pk), number=number, content=content)
            for pk, number, content in notes
        ],
        update_conflicts=True,
        unique_fields=["kind", "object_id", "number"],
        update_fields=["content"],
    )


def _newest(kind: str, pk: str) -> RowVersion | None:
    return RowVersion.objects.filter(kind=kind, object_id=pk).order_by("-number").first()


def _add(kind: str, pk: str, content: Content, actor: Any, reason: str) -> None:
    """Adds a version under the next number, which another change may take first."""
    rows = RowVersion.objects.filter(kind=kind, object_id=pk)
    for left in reversed(range(TRIES)):
        number = (rows.aggregate(newest=Max("number"))["newest"] or 0) + 1
        values = {"number": number, "user": actor, "reason": reason, "content": content}
        try:
            with transaction.atomic():
                RowVersion.objects.create(kind=kind, object_id=pk, **values)
        except IntegrityError:
            if not left:
                raise
        else:
            return


def token_content(token: Any) -> Content:
    """What is kept of any token: never its text or its hash."""
    return {
        "name": token.name,
        "user": str(token.user),
        "team": str(token.team_id) if token.team_id else None,
        "networks": list(token.networks),
        "expires_at": token.expires_at and token.expires_at.isoformat(timespec="seconds"),
        "revoked_at": token.revoked_at and token.revoked_at.isoformat(timespec="seconds"),
        "revoked_because": token.revoked_because or None,
    }


def refuse_token(_token: Any, _content: Mapping[str, Any], _actor: Any) -> list[Notice]:
    """Refuses to restore a token."""
    raise Invalid([FieldError("version", "not_restorable", _(OF_TOKENS))])

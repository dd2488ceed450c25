"""Who looks: the person, or the token, for whom rows are read at the moment.

A surface says it once, and the managers of `connections.models` leave out what this viewer may not
see. Where nobody looks (commands, the scheduler, threads of our own, the gateway) nothing is left
out. The rule itself is in docs/teams.md.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar, Token
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Standing:
    """What a person may do, as far as their groups and teams say.

    `rights`: of their groups, for what belongs to no team. `roles`: by the ids of their teams.
    `sees_all`: the person sees and may everything, whatever its team. `has_teams`: there is a team
    at all. `user_id`: of the person, None for nobody.
    """

    rights: frozenset[str] = frozenset()
    roles: Mapping[UUID, str] = field(default_factory=dict)
    sees_all: bool = False
    has_teams: bool = True
    user_id: Any = None


@dataclass(frozen=True, slots=True)
class Viewer:
    """A person who looks, or one of their tokens.

    `standing` is asked when a row is read, and not before: a page that reads none needs no person.
    `team`, `tags`: what a token is narrowed to.
    """

    standing: Callable[[], Standing]
    team: UUID | None = None
    tags: tuple[str, ...] = ()


_current: ContextVar[Viewer | None] = ContextVar("viewer", default=None)


def current_viewer() -> Viewer | None:
    """Whoever looks, None for the machine itself."""
    return _current.get()


def begin_viewing(viewer: Viewer | None) -> Token[Viewer | None]:
    """Says who looks from now on. `end_viewing` takes it back."""
    return _current.set(viewer)


def end_viewing(token: Token[Viewer | None]) -> None:
    """Makes whoever looked before the viewer again."""
    _current.reset(token)


@contextmanager
def viewing(viewer: Viewer | None) -> Iterator[None]:
    """Says who looks in the block; None: the machine itself, which sees all."""
    token = begin_viewing(viewer)
    try:
        yield
    finally:
        end_viewing(token)


def viewed(viewer: Viewer | None, parts: Iterable[Any]) -> Iterator[Any]:
    """The parts of an answer that is made while it is sent, each made for this viewer."""
    made, end = iter(parts), object()
    while True:
        with viewing(viewer):
            part = next(made, end)
        if part is end:
            return
        yield part

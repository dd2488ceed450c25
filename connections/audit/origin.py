"""Where an act comes from: a surface says it once, whoever records an event reads it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from ..client_ip import address_of


@dataclass(frozen=True, slots=True)
class Origin:
    """A surface: `page`, `api`, `command`, `schedule`, `start`, or `process` for none of them.

    `meta`: the address and headers of the request, named as in WSGI. `program`: the name of the
    command or job, and at a terminal who is signed in on the machine. `left`: the actions of the
    events that the request left.
    """

    surface: str = "process"
    meta: Mapping[str, Any] = field(default_factory=dict)
    program: str = ""
    left: list[str] = field(default_factory=list, compare=False)

    @property
    def address(self) -> str:
        """The address of whoever asked, empty without a request."""
        return address_of(self.meta) if self.meta else ""


_current: ContextVar[Origin | None] = ContextVar("origin", default=None)
NOWHERE = Origin()


def origin() -> Origin:
    """Where whatever happens now comes from."""
    return _current.get() or NOWHERE


def come_from(where: Origin) -> None:
    """Says where the acts of this task come from, until its end."""
    _current.set(where)


@contextmanager
def coming_from(where: Origin) -> Iterator[Origin]:
    """Says where the acts in the block come from."""
    token = _current.set(where)
    try:
        yield where
    finally:
        _current.reset(token)

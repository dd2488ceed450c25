"""Asking each source of references now, for the page of administrators and the system check."""

import time
from dataclasses import dataclass

from ..conf import resolver
from ..references import State
from ..sources import Fault, KeptStore, Source, SourceError
from .permissions import Actor, require

PROBE = "switchboard-check"  # a section that nobody has, where no reference names a better one


@dataclass(frozen=True)
class SourceTest:
    """The answer of one source: whether it was reached, signed in to, and allowed to be read; None
    for what was not found out. `message`: cause and cure.
    """

    name: str
    state: State
    reached: bool
    signed_in: bool | None
    allowed: bool | None
    message: str
    milliseconds: int


def test_sources(actor: Actor, key: tuple[str, ...] = (PROBE, "Key")) -> list[SourceTest]:
    """Asks every source for this key, past what is kept. Raises PermissionDenied."""
    require(actor, "connections.add_connectiontype")
    return [_tested(source, key) for source in resolver().sources]


test_sources.__test__ = False  # type: ignore[attr-defined]  # pytest takes it for a test


def _tested(source: Source, key: tuple[str, ...]) -> SourceTest:
    began = time.monotonic()
    message, fault = "", None
    try:
        if isinstance(source, KeptStore):
            source.store.read(key[: source.store.depth] if source.store.depth is not None else key)
        else:
            source.holds(key[0].lower())
            source.lookup(key)
    except SourceError as error:
        message, fault = str(error), error.fault
    took = round((time.monotonic() - began) * 1000)
    reached = fault not in (Fault.AWAY, Fault.BROKEN)
    signed_in = None if not reached else fault != Fault.SIGN_IN_FAILED
    allowed = fault is None if signed_in else None
    state = State(fault) if fault else State.RESOLVED
    return SourceTest(source.name, state, reached, signed_in, allowed, message, took)

"""Decides what is told of one fault: once for each change that lasts, a few times an hour at most.

What changes to and fro is not told each time: a fault must last to be told, and be over for a
minute. What an hour has no room for is summed up later.
"""

from dataclasses import dataclass

from ...attention.kinds import Fault
from ...models import NoticeState
from .rules import FLAPS, HOLD_END, HOUR, MOST_AN_HOUR, SILENT_ENDS, hold_of

BEGAN, RECOVERED, FLAPPED = "began", "recovered", "flapped"


@dataclass(frozen=True)
class Change:
    """What is to be told of a fault. `changes`: those that were seen since it was told last."""

    event: str
    kind: str
    changes: int


def state_of(fault: Fault | None) -> str:
    """The part of a fault whose change is told; empty where it is over. An end is told again with
    each step that it comes nearer.
    """
    if fault is None:
        return ""
    return fault.kind if fault.step is None else f"{fault.kind} {fault.step}"


def step(row: NoticeState, fault: Fault | None, clock: float, *, is_snoozed: bool) -> Change | None:
    """Takes in what a look saw of a fault, and returns what is to be told. Changes the row."""
    seen, lasted = state_of(fault), clock - row.seen_clock
    if seen != row.seen or lasted < 0:  # below 0: the clock began anew
        row.changes += seen != row.seen
        row.seen, row.seen_clock, lasted = seen, clock, 0.0
    row.told_clocks = [at for at in row.told_clocks if 0 <= clock - at < HOUR]
    has_room = len(row.told_clocks) < MOST_AN_HOUR
    if row.seen == row.told:
        return _flapped(row, lasted, clock, has_room=has_room)
    if lasted < (hold_of(fault.kind, fault.was) if fault else HOLD_END):
        return None
    if fault is None and (row.is_quiet or row.kind in SILENT_ENDS):
        row.told, row.changes, row.is_quiet = "", 0, False
        return None
    if is_snoozed:  # somebody knows
        row.told, row.changes, row.is_quiet = row.seen, 0, True
        return None
    if not has_room:
        return None
    change = Change(BEGAN if fault else RECOVERED, fault.kind if fault else row.kind, row.changes)
    _note(row, clock)
    row.kind, row.told, row.is_quiet = change.kind, row.seen, False
    return change


def _flapped(row: NoticeState, lasted: float, clock: float, *, has_room: bool) -> Change | None:
    """What changed to and fro and is as people know it: told when there is room, else forgotten."""
    if row.changes >= FLAPS and lasted >= HOLD_END and has_room and not row.is_quiet:
        change = Change(FLAPPED, row.kind, row.changes)
        _note(row, clock)
        return change
    if lasted >= HOUR:
        row.changes = 0
    return None


def _note(row: NoticeState, clock: float) -> None:
    row.told_clocks = [*row.told_clocks, clock]
    row.changes = 0


def is_forgettable(row: NoticeState, clock: float) -> bool:
    """True for a fault that is over, that everybody knows to be over, and that was not told
    lately.
    """
    is_over = not row.seen and not row.told and not row.told_clocks
    return is_over and (row.changes == 0 or clock - row.seen_clock >= HOUR)

"""Rules: how much a fault weighs, how long it must last to be told, and which target wants it."""

from collections.abc import Mapping
from datetime import datetime, time
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ...models import NoticeTarget

WARNING, CRITICAL = NoticeTarget.Severity.WARNING, NoticeTarget.Severity.CRITICAL
# Told only while somebody may act on them; that they are over is no news
SILENT_ENDS = frozenset(
    {
        *("host", "token", "endless", "idle", "limit", "unused"),
        *("key", "certificate", "access", "model", "replacement"),
    }
)

SOON = 0.0  # seconds that a fault must last
HOLDS = {"failing": 8.0, "resting": 60.0, "degraded": 60.0, "source": 8.0, "reference": 8.0}
HOLD_END = 60.0  # seconds that it must be over
MOST_AN_HOUR = 4  # notices about one fault
HOUR = 3600.0
FLAPS = 6  # changes that were not told, after which a notice says so
LASTING_CODE = " unauthorized "  # in the state of a fault: nobody waits whether that goes by itself


def hold_of(kind: str, was: str) -> float:
    """The seconds that a fault of this kind and state must last before it is told."""
    return SOON if LASTING_CODE in f" {was} " else HOLDS.get(kind, SOON)


def wants(target: NoticeTarget, event: str, kind: str, item: Mapping[str, Any]) -> bool:
    """True if the rules of a target let one fault of a notice through."""
    heavy = WARNING if event == "flapped" else item["severity"]
    order = NoticeTarget.Severity.values
    return (
        order.index(heavy) >= order.index(target.minimum_severity)
        and (not target.kinds or kind in target.kinds)
        and (event != "recovered" or target.tells_recovery)
        and _meet(target.providers, item["providers"])
        and _meet(target.tags, item["tags"])
        and item["fault"] != f"target:{target.pk}"
    )


def _meet(wanted: list[str], there: list[str]) -> bool:
    return not wanted or not {one.lower() for one in wanted}.isdisjoint(map(str.lower, there))


def is_quiet(target: NoticeTarget, now: datetime) -> bool:
    """True in the quiet hours of a target. They may go past midnight."""
    if target.quiet_from is None or target.quiet_to is None:
        return False
    try:
        local = now.astimezone(ZoneInfo(target.time_zone)).time()
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return _is_between(local, target.quiet_from, target.quiet_to)


def _is_between(at: time, begin: time, end: time) -> bool:
    return begin <= at < end if begin <= end else at >= begin or at < end

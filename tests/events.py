"""The events that acts leave, for tests."""

import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from connections.models import AuditEvent


def left_by(act: Callable[[], Any], *refusals: type[Exception]) -> list[AuditEvent]:
    """The events that an act left. `refusals`: what it may raise."""
    last = AuditEvent.objects.order_by("id").values_list("id", flat=True).last() or 0
    with suppress(*refusals):
        act()
    return list(AuditEvent.objects.filter(id__gt=last).order_by("id"))


def told(act: Callable[[], Any], *refusals: type[Exception]) -> list[tuple[str, str, str]]:
    """The action, the outcome and the code of each event that an act left."""
    return [(one.action, one.outcome, one.code) for one in left_by(act, *refusals)]


def body_of(event: AuditEvent) -> Any:
    """What an event says besides its columns."""
    return json.loads(event.body) if event.body else {}

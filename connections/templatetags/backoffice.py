"""What templates need beyond Django's own tags: badges and the small chart."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django import template

from .. import selectors
from ..models import Connection, ConnectionCheck

register = template.Library()
BAR, GAP, HEIGHT = 14, 4, 48


@register.inclusion_tag("elements/health.html")
def health(connection: Connection) -> dict[str, Any]:
    """The badge of a connection."""
    return {"health": selectors.health(connection)}


@dataclass(frozen=True)
class Bar:
    """One check in the chart, in the units of the drawing."""

    x: int
    y: int
    height: int
    check: ConnectionCheck


@register.inclusion_tag("elements/check_chart.html")
def check_chart(checks: Sequence[ConnectionCheck]) -> dict[str, Any]:
    """The last checks as bars, oldest first: the height is the time each took, the colour whether it passed."""
    longest = max((check.latency_ms or 0 for check in checks), default=0) or 1
    heights = [max(4, round(HEIGHT * (check.latency_ms or 0) / longest)) for check in reversed(checks)]
    bars = [
        Bar(position * (BAR + GAP), HEIGHT - height, height, check)
        for position, (height, check) in enumerate(zip(heights, reversed(checks), strict=True))
    ]
    return {"bars": bars, "width": max(1, len(bars)) * (BAR + GAP) - GAP, "height": HEIGHT, "bar": BAR}

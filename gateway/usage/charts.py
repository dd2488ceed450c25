"""Bar charts of usage: the place and height of each bar, in the units of the drawing."""

from collections.abc import Sequence
from dataclasses import dataclass

from .course import Point

WIDTH, HEIGHT, SMALLEST = 1000.0, 100.0, 1.5


@dataclass(frozen=True)
class BarSegment:
    """A piece of a bar. `kind`: what it counts, which is its class in the drawing."""

    kind: str
    y: float
    height: float


@dataclass(frozen=True)
class StackedBar:
    """One point, drawn as segments that stand on each other."""

    x: float
    width: float
    point: Point
    segments: list[BarSegment]


@dataclass(frozen=True)
class Chart:
    """Bars from left to right. `top`: the number that the full height stands for."""

    bars: list[StackedBar]
    top: int


def requests_chart(points: Sequence[Point]) -> Chart:
    """Requests: those that succeeded, those whose caller hung up, and on top those that failed."""
    return _chart(
        points, [{"good": one.succeeded, "closed": one.closed, "bad": one.failed} for one in points]
    )


def tokens_chart(points: Sequence[Point]) -> Chart:
    """Tokens: in, and on top out."""
    return _chart(points, [{"in": one.input_tokens, "out": one.output_tokens} for one in points])


def _chart(points: Sequence[Point], numbers: Sequence[dict[str, int]]) -> Chart:
    """A chart with a bar for each point. `numbers`: what the segments of each bar count, from the
    bottom up. A segment is never too small to be seen.
    """
    top = max((sum(one.values()) for one in numbers), default=0)
    space = WIDTH / max(1, len(points))
    bars = []
    for place, (point, counts) in enumerate(zip(points, numbers, strict=True)):
        segments, y = [], HEIGHT
        for kind, count in counts.items():
            if count:
                height = max(SMALLEST, HEIGHT * count / top)
                y = max(0.0, y - height)
                segments.append(BarSegment(kind, round(y, 2), round(height, 2)))
        bars.append(StackedBar(round(place * space, 2), round(space * 0.8, 2), point, segments))
    return Chart(bars, top)

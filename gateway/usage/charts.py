"""The points of a chart: where each bar stands and how high it is, in the units of the drawing."""

from collections.abc import Sequence
from dataclasses import dataclass

from .selectors import Point

WIDTH, HEIGHT, SMALLEST = 1000.0, 100.0, 1.5


@dataclass(frozen=True)
class Part:
    """A piece of a bar; `kind` is what it counts."""

    kind: str
    y: float
    height: float


@dataclass(frozen=True)
class Bar:
    """One point, drawn as pieces that stand on each other."""

    x: float
    width: float
    point: Point
    parts: list[Part]


@dataclass(frozen=True)
class Chart:
    """Bars from left to right. `top` is what the full height stands for."""

    bars: list[Bar]
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
    top = max((sum(one.values()) for one in numbers), default=0)
    space = WIDTH / max(1, len(points))
    return Chart(
        [
            Bar(round(place * space, 2), round(space * 0.8, 2), point, _parts(counts, top))
            for place, (point, counts) in enumerate(zip(points, numbers, strict=True))
        ],
        top,
    )


def _parts(counts: dict[str, int], top: int) -> list[Part]:
    """From the bottom up. What is there can be seen, however little it is."""
    parts, ground = [], HEIGHT
    for kind, count in counts.items():
        if count:
            height = max(SMALLEST, HEIGHT * count / top)
            ground = max(0.0, ground - height)
            parts.append(Part(kind, round(ground, 2), round(height, 2)))
    return parts

"""The geometry of charts: numbers over time in, places in per cent of the drawing out.

Heights are pixels, widths are not known here: a drawing is as wide as its page. What is drawn has
its numbers in a table too.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from math import ceil, floor, log10

from django.utils.translation import gettext as _

SMALLEST = 2  # pixels: less cannot be seen
FEW_TICKS, MANY_COLUMNS = 8, 100
HOURS, DAYS = (1, 2, 3, 6, 12), (1, 2, 4, 7, 14, 28, 91, 182, 364)
Number = float | None


@dataclass(frozen=True)
class Unit:
    """The way in which numbers are written: `value` in full, `tick` short beside a line.

    `shows_zero`: nought is drawn too, as it is a measurement and not the lack of one.
    """

    value: Callable[[float], str]
    tick: Callable[[float], str]
    shows_zero: bool = False


@dataclass(frozen=True)
class Series:
    """Numbers of one kind, one for each time; None where there is nothing to count.

    `kind`: its class in the stylesheet.
    """

    kind: str
    label: str
    values: Sequence[Number]


@dataclass(frozen=True)
class Tick:
    """A line of the grid. `is_minor`: narrow pages leave its label out."""

    at: float
    label: str
    is_minor: bool = False


@dataclass(frozen=True)
class Segment:
    """A piece of a bar."""

    kind: str
    y: float
    height: float


@dataclass(frozen=True)
class Column:
    """What belongs to one time: the words for it, and the pieces of its bar from the bottom up."""

    x: float
    width: float
    title: str
    segments: tuple[Segment, ...] = ()
    is_failed: bool = False

    @property
    def middle(self) -> float:
        """Half way between its edges."""
        return round(self.x + self.width / 2, 3)


@dataclass(frozen=True)
class Line:
    """A line of a series in pieces, where there are gaps. `points`: x and y of 0 to 100."""

    kind: str
    pieces: tuple[str, ...]


@dataclass(frozen=True)
class Chart:
    """A drawing. `is_raised`: a bar is taller than its number, so that it can be seen."""

    height: int
    series: tuple[Series, ...]
    columns: tuple[Column, ...]
    lines: tuple[Line, ...]
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    is_raised: bool = False

    @property
    def is_dense(self) -> bool:
        """True if columns are so many that they touch each other."""
        return len(self.columns) > MANY_COLUMNS


def _count_tick(number: float) -> str:
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= size:
            return f"{number / size:g} {unit}"
    return f"{number:g}"


COUNT = Unit(lambda number: f"{number:,.0f}", _count_tick)
DURATION = Unit(
    lambda number: f"{number:,.0f} ms",
    lambda number: (
        f"{number / 1000:g} s" if number >= 1000 else f"{number:g} ms" if number else "0"
    ),
    shows_zero=True,
)


def bar_chart(
    times: Sequence[datetime],
    series: Sequence[Series],
    unit: Unit = COUNT,
    height: int = 160,
    failed: Sequence[str] = (),
) -> Chart:
    """Bars whose pieces stand on each other, the first series at the bottom.

    `failed`: for times that are no rhythm, such as those of checks, the words for a failure at each
    of them, empty for none; its whole column is marked. They have the places of FEW_TICKS at least.
    """
    sums = [sum(one or 0 for one in values) for values in _rows(times, series)]
    ticks, places = nice_ticks(max(sums, default=0)), max(len(times), FEW_TICKS if failed else 0)
    scale, smallest = 100 / ticks[-1], 100 * SMALLEST / height
    columns, is_raised = [], False
    for place, (time, values) in enumerate(zip(times, _rows(times, series), strict=True)):
        segments, y = [], 100.0
        for one, value in zip(series, values, strict=True):
            if value or (value == 0 and unit.shows_zero):
                tall = max(smallest, value * scale)
                is_raised = is_raised or tall > value * scale
                y = max(0.0, y - tall)
                segments.append(Segment(one.kind, round(y, 2), round(tall, 2)))
        reason = failed[place] if failed else ""
        title = _title(time, series, values, unit, reason)
        columns.append(Column(*_place(place, places), title, tuple(segments), bool(reason)))
    return Chart(
        height,
        tuple(series),
        tuple(columns),
        (),
        tuple(even_ticks(times) if failed else time_ticks(times)),
        _y_ticks(ticks, unit),
        is_raised,
    )


def line_chart(
    times: Sequence[datetime], series: Sequence[Series], unit: Unit = DURATION, height: int = 160
) -> Chart:
    """Lines, with gaps where a series has no number."""
    found = [value for one in series for value in one.values if value is not None]
    ticks = nice_ticks(max(found, default=0))
    columns = [
        Column(*_place(place, len(times)), _title(time, series, values, unit))
        for place, (time, values) in enumerate(zip(times, _rows(times, series), strict=True))
    ]
    lines = [Line(one.kind, tuple(_pieces(columns, one.values, 100 / ticks[-1]))) for one in series]
    return Chart(
        height,
        tuple(series),
        tuple(columns),
        tuple(lines),
        tuple(time_ticks(times)),
        _y_ticks(ticks, unit),
    )


def nice_ticks(top: float, most: int = 4) -> list[int]:
    """0 and up to `most` whole numbers above it, the last of them `top` or a little more. They are
    1, 2 or 5 times a power of ten apart.
    """
    least = max(top / most, 1)
    power = 10 ** floor(log10(least))
    step = next(times * power for times in (1, 2, 5, 10) if times * power >= least)
    return [step * number for number in range(max(1, ceil(top / step)) + 1)]


def time_ticks(times: Sequence[datetime]) -> Iterator[Tick]:
    """Up to FEW_TICKS times, each at a round hour or day of the zone the times are in, as far left
    as the column that begins then. Every other one is minor.
    """
    chosen = [0]
    for is_round in _rhythms():
        chosen = [place for place, one in enumerate(times) if is_round(one)]
        if 0 < len(chosen) <= FEW_TICKS:
            break
    for number, place in enumerate(chosen[:FEW_TICKS]):
        time = times[place]
        text = f"{time:%H:%M}" if time.hour or time.minute else f"{time:%m-%d}"
        yield Tick(round(100 * place / len(times), 2), text, number % 2 == 1)


def even_ticks(times: Sequence[datetime]) -> Iterator[Tick]:
    """Up to FEW_TICKS of times without a rhythm: the day where it is another one, else the hour."""
    day = None
    for number, place in enumerate(range(0, len(times), ceil(len(times) / FEW_TICKS) or 1)):
        time = times[place]
        text = f"{time:%H:%M}" if time.date() == day else f"{time:%m-%d}"
        day = time.date()
        yield Tick(round(100 * place / max(len(times), FEW_TICKS), 2), text, number % 2 == 1)


@dataclass(frozen=True)
class Share:
    """A piece of a bar that lies on its side."""

    kind: str
    x: float
    width: float


def share_rows(kinds: Sequence[str], rows: Sequence[Sequence[int]]) -> list[list[Share]]:
    """A lying bar for each row, the longest as wide as the drawing. A piece has a hundredth of that
    at least, so that it can be seen.
    """
    longest = max(map(sum, rows), default=0) or 1
    found = []
    for numbers in rows:
        shares, x = [], 0.0
        for kind, number in zip(kinds, numbers, strict=True):
            if number:
                shares.append(Share(kind, round(x, 2), round(max(1, 100 * number / longest), 2)))
                x += shares[-1].width
        found.append(shares)
    return found


def _rhythms() -> Iterator[Callable[[datetime], bool]]:
    """Tests of whether a time is round, from the most frequent to the rarest."""
    for hours in HOURS:
        yield partial(_is_hour, hours)
    for days in DAYS:
        yield partial(_is_day, days)


def _is_hour(hours: int, time: datetime) -> bool:
    return not time.minute and time.hour % hours == 0


def _is_day(days: int, time: datetime) -> bool:
    return not time.hour and not time.minute and time.toordinal() % days == 0


def _rows(times: Sequence[datetime], series: Sequence[Series]) -> Iterator[tuple[Number, ...]]:
    return (tuple(one.values[place] for one in series) for place in range(len(times)))


def _place(place: int, count: int) -> tuple[float, float]:
    """The left edge and the width of a column; many leave no gap between them."""
    space = 100 / count
    return round(place * space, 3), round(space * (1 if count > MANY_COLUMNS else 0.8), 3)


def _title(
    time: datetime,
    series: Sequence[Series],
    values: Sequence[Number],
    unit: Unit,
    reason: str = "",
) -> str:
    words = [
        f"{one.label} {unit.value(value)}"
        for one, value in zip(series, values, strict=True)
        if value is not None
    ]
    return f"{time:%Y-%m-%d %H:%M}: {', '.join([*filter(None, [reason]), *words]) or _('nothing')}"


def _y_ticks(ticks: Sequence[float], unit: Unit) -> tuple[Tick, ...]:
    return tuple(Tick(round(100 - 100 * one / ticks[-1], 2), unit.tick(one)) for one in ticks)


def _pieces(columns: Sequence[Column], values: Sequence[Number], scale: float) -> Iterator[str]:
    """The points of each run of numbers, a number in the middle of its column. One that is alone is
    as wide as its column.
    """
    run: list[tuple[Column, float]] = []
    for column, value in [*zip(columns, values, strict=True), (None, None)]:
        if column is not None and value is not None:
            run.append((column, round(100 - value * scale, 2)))
        elif run:
            if len(run) == 1:
                ((only, y),) = run
                yield f"{only.x},{y} {only.x + only.width:.3f},{y}"
            else:
                yield " ".join(f"{one.middle},{y}" for one, y in run)
            run = []

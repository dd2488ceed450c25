"""The requests of the last days, row by row. Whatever uses profiles keeps them, and declares how
they are read when Django starts.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Model
from django.db.models.expressions import Combinable

DAYS = 7  # today and those before
WIDTH, HEIGHT = 40, 16


@dataclass(frozen=True)
class Use:
    """The requests of one row in DAYS: their number, and that of each day, the oldest first."""

    number: int = 0
    by_day: tuple[int, ...] = ()

    @property
    def has_days(self) -> bool:
        """True where a line can be drawn through its days."""
        return any(self.by_day)

    @property
    def points(self) -> str:
        """The line through the days, as wide and high as templates/elements/spark.html draws it;
        empty where there were no requests.
        """
        top = max(self.by_day, default=0)
        return " ".join(
            f"{place * WIDTH / (DAYS - 1):.0f},{HEIGHT - HEIGHT * number / top:.1f}"
            for place, number in enumerate(self.by_day)
            if top
        )


Read = Callable[[type[Model], Mapping[UUID, str]], Mapping[UUID, Use]]  # of ids and aliases
SortBy = Callable[[type[Model]], Combinable]  # the number of requests, for a query of rows


@dataclass(frozen=True)
class Reader:
    """How requests are read, of connections and of profiles."""

    read: Read
    sort_by: SortBy


_declared: list[Reader] = []


def declare(reader: Reader) -> None:
    """Sets the reader of requests. Called when an app is ready; one from before is replaced."""
    _declared[:] = [reader]


def recent_use(model: type[Model], aliases: Mapping[UUID, str]) -> Mapping[UUID, Use]:
    """The use of each of these rows of a model, by id. One query, none without a reader."""
    return _declared[0].read(model, aliases) if _declared and aliases else {}


def sort_by_use(model: type[Model]) -> Combinable | None:
    """The number of requests as an expression to sort by, None without a reader."""
    return _declared[0].sort_by(model) if _declared else None

"""The use of the rows of a list: today and the six days before (UTC), as far as it is counted.

Days are named one by one, so that each is one look into the index of the totals.
"""

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import F, Model, OuterRef, QuerySet, Subquery, Sum, Value
from django.db.models.expressions import Combinable
from django.db.models.functions import Coalesce
from django.utils import timezone

from connections.models import ApiToken, Connection
from connections.recent_use import DAYS, Use

from ..models import UsageTotal
from .buckets import DAY, begin
from .dimensions import CALLER, EARLIER


def recent_use(model: type[Model], aliases: Mapping[UUID, str]) -> dict[UUID, Use]:
    """The use of these rows, by id. One query; a row that is not named was not used. Tokens have
    their ids instead of aliases.
    """
    starts, column = _starts(), "key" if model is ApiToken else "name"
    found_in = {f"{column}__in": aliases.values()}
    rows = _totals(model, starts).filter(**found_in).values(column, "start")
    days: dict[str, list[int]] = defaultdict(lambda: [0] * DAYS)
    for name, start, number in rows.annotate(n=Sum("requests")).values_list(column, "start", "n"):
        days[name][starts.index(start)] += number
    found = {pk: days[alias] for pk, alias in aliases.items() if alias in days}
    return {pk: Use(sum(numbers), tuple(numbers)) for pk, numbers in found.items()}


def sort_by_use(model: type[Model]) -> Combinable:
    """The number of requests of a row in these days, as an expression."""
    mine = _totals(model, _starts()).filter(name=OuterRef("alias")).values("name")
    return Coalesce(Subquery(mine.annotate(n=Sum(F("requests"))).values("n")), Value(0))


def _starts() -> list[datetime]:
    today = begin(timezone.now(), DAY)
    return [today - timedelta(days=number) for number in reversed(range(DAYS))]


def _totals(model: type[Model], starts: list[datetime]) -> QuerySet[UsageTotal]:
    of_others = [CALLER] if model is ApiToken else ["profile"]
    dimensions = ["connection", EARLIER] if model is Connection else of_others
    minutes = DAY // timedelta(minutes=1)
    found = UsageTotal.objects.filter(dimension__in=dimensions, minutes=minutes, start__in=starts)
    return found.order_by()

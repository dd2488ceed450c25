"""The active connections that are not well, and their models with trouble: few columns, for lists
of many.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import F, Q, QuerySet
from django.utils import timezone

from ..models import Connection, ConnectionTraffic
from ..models.traffic import FAILED
from .conditions import of_setup, state_of_connection
from .reference_index import NamedReference
from .states import DEGRADED, DEGRADED_FOR, FAILING, REMEMBERED, RESTING, SETUP

UNWELL = (FAILING, SETUP, RESTING, DEGRADED)


@dataclass(frozen=True)
class Trouble:
    """A model that fails, rests, or fails now and then, and since when. `is_whole`: every model of
    its connection fails for that.
    """

    model: str
    code: str
    since: datetime
    is_whole: bool


def unwell(
    broken: Iterable[NamedReference], *columns: str
) -> Iterator[tuple[UUID, str, tuple[Any, ...]]]:
    """The active connections that fail, rest, are degraded or not set up: id, state, columns. Two
    queries. The state is only looked for where something may be wrong, and these are named one by
    one: else PostgreSQL expects so much work that it compiles the query, which takes longer than
    the query (https://www.postgresql.org/docs/current/jit-decision.html).
    """
    doubtful = Q(pk__in=_troubled().values("connection_id")) | Q(last_check__success=False)
    rows = Connection.objects.filter(doubtful | of_setup("", broken), is_active=True).order_by()
    named = Connection.objects.filter(pk__in=list(rows.values_list("pk", flat=True))).order_by()
    found = named.annotate(state=state_of_connection(broken))
    for pk, state, *values in found.values_list("pk", "state", *columns).iterator():
        if state in UNWELL:
            yield pk, state, tuple(values)


def _troubled() -> QuerySet[ConnectionTraffic]:
    """The rows with trouble, of whatever version of their connection."""
    now = timezone.now()
    fails = Q(is_failing=True) & (Q(is_of_account=True) | Q(failed_at__gt=now - REMEMBERED))
    some = Q(recent__contains=FAILED, failed_at__gt=now - DEGRADED_FOR)
    return ConnectionTraffic.objects.filter(fails | some | Q(resting_until__gt=now)).order_by()


def trouble() -> dict[UUID, list[Trouble]]:
    """The models with trouble, by connection. One query."""
    now = timezone.now()
    rows = _troubled().filter(
        Q(resting_until__gt=now) | Q(version__gte=F("connection__settings_version")),
        connection__is_active=True,
    )
    found: dict[UUID, list[Trouble]] = {}
    columns = ("connection_id", "model", "code", "failing_since", "failed_at")
    flags = ("is_failing", "is_of_account")
    for pk, model, code, since, failed_at, *both in rows.values_list(*columns, *flags):
        one = Trouble(model, code, since or failed_at or now, all(both))
        found.setdefault(pk, []).append(one)
    return found

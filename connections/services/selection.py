"""The rows of a list that a person chose: those ticked, all that match its filters, or those that
do not work in a bulk test. They are looked for again by whoever acts on them.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import ngettext

from ..listing import connections, profiles
from ..models import Connection, Profile, by_name
from .bulk_tests import failed_in
from .permissions import Actor


@dataclass(frozen=True)
class Selection:
    """Such a choice. `match`: the filters of a list, None where only `ids` count. `failed_in`: a
    bulk test. `seen`: the number of rows that the person saw, None for those that were ticked.
    """

    ids: tuple[uuid.UUID, ...] = ()
    match: Mapping[str, str] | None = None
    failed_in: uuid.UUID | None = None
    seen: int | None = field(default=None, compare=False)

    def differs(self, number: int) -> str:
        """A sentence if another number is chosen now than the person saw, empty if not."""
        seen = self.seen
        if seen is None or seen == number:
            return ""
        were = ngettext(
            "%(number)s was chosen when you looked", "%(number)s were chosen when you looked", seen
        )
        are = ngettext("%(number)s is now", "%(number)s are now", number)
        return f"{were % {'number': f'{seen:,}'}}, {are % {'number': f'{number:,}'}}."


def selected(model: Any, selection: Selection, *, actor: Actor) -> QuerySet[Any]:
    """The rows of a selection, connections or profiles, by name, without their credentials."""
    rows: QuerySet[Any] = model.objects.all()
    if model is Connection:
        rows = rows.defer("credentials")
    if selection.match is not None:
        listed: QuerySet[Any] = (connections if model is Connection else profiles)(selection.match)
        return listed.order_by(*by_name())
    if selection.failed_in is not None:
        keys = failed_in(selection.failed_in, actor=actor).values("row_id")
        of = "pk__in" if model is Connection else "connection__in"
        return rows.filter(**{of: keys}).order_by(*by_name())
    return rows.filter(pk__in=selection.ids).order_by(*by_name())


def connections_of(rows: QuerySet[Any]) -> QuerySet[Connection]:
    """The connections of a list: themselves, or those of profiles; by name."""
    if rows.model is not Profile:
        return rows
    keys = rows.order_by().values("connection")
    return Connection.objects.listed().filter(pk__in=keys).order_by(*by_name())

"""What a person chose in a list, read from the form or the address, and written into the next."""

from typing import Any
from urllib.parse import parse_qsl, urlencode

from django.db.models import QuerySet
from django.http import QueryDict

from .. import services
from ..lookup import parse_id
from ..models import Connection
from .base import Page

Pairs = list[tuple[str, str]]


class SelectingPage(Page):
    """A page that acts on the rows that were chosen in a list. `model`: of the list."""

    model: Any = Connection

    @property
    def given(self) -> QueryDict:
        """What the form or the address says."""
        return self.request.POST if self.request.method == "POST" else self.request.GET

    @property
    def selection(self) -> services.Selection:
        """What was chosen. "All" counts more than what was ticked."""
        seen = self.given.get("seen", "")
        number = int(seen) if seen.isdecimal() and len(seen) < 10 else None
        if self.given.get("all") == "match":
            match = dict(parse_qsl(self.given.get("match", "").replace("\x00", "")))
            return services.Selection(match=match, seen=number)
        if self.given.get("all") == "failed":
            task = parse_id(self.given.get("failed_in", ""))
            return services.Selection(failed_in=task, seen=number)
        keys = [parse_id(one) for one in self.given.getlist("ids")]
        return services.Selection(ids=tuple(one for one in keys if one))

    def chosen(self) -> QuerySet[Any]:
        """The rows."""
        return services.selected(self.model, self.selection, actor=self.request.user)

    def pairs(self, number: int | None = None) -> Pairs:
        """The selection as names and values of a form. `number`: that is shown now."""
        chosen = self.selection
        seen = chosen.seen if number is None else number
        if chosen.match is not None:
            match = urlencode(chosen.match)
            return [("all", "match"), ("match", match), ("seen", str(seen))]
        if chosen.failed_in is not None:
            return [
                ("all", "failed"),
                ("failed_in", str(chosen.failed_in)),
                ("seen", str(seen)),
            ]
        return [("ids", str(one)) for one in chosen.ids]


def ticked_again(address: QueryDict, rows: Any, actor: Any) -> dict[str, Any]:
    """The context in which those rows of a list are ticked that do not work in the bulk test that
    the address names in `tick`. `rows`: those of the page, connections or profiles.
    """
    task = parse_id(address.get("tick", ""))
    if task is None:
        return {}
    ticked = set(services.failed_in(task, actor=actor).values_list("row_id", flat=True))
    chosen = services.Selection(failed_in=task)
    model = rows[0].__class__ if rows else Connection
    number = services.selected(model, chosen, actor=actor).count()
    here = sum(getattr(row, "connection_id", row.pk) in ticked for row in rows)
    return {"tick": str(task), "ticked": ticked, "tick_number": number, "ticked_here": here}

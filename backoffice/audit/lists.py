"""The lists of events: all that somebody may see, and what they did themselves."""

from collections.abc import Iterable, Sequence
from typing import Any

from django.utils.translation import gettext_lazy as _

from connections.audit.services import (
    BY,
    FILTERS,
    VIEW,
    BadFilter,
    BadPlace,
    Found,
    Told,
    find,
    things,
    told,
    verbs,
)
from connections.list_columns import TEAM, Column
from connections.models import AuditEvent, Outcome
from connections.views.lists import ListPage, PageByPlace

from .naming import name_of

LABELS = {
    "q": _("Search"),
    "actor": _("Who"),
    "by": _("Kind of actor"),
    "token": _("Token"),
    "kind": _("Kind"),
    "verb": _("Act"),
    "action": _("Action"),
    "object": _("Object"),
    "outcome": _("Outcome"),
    "address": _("Address"),
    "team": _("Team"),
    "request": _("Request id"),
    "from": _("From"),
    "to": _("To"),
}
ACTORS = {
    "person": _("a person"),
    "service_account": _("a service account"),
    "command": _("a command"),
    "schedule": _("the schedule"),
    "nobody": _("nobody who is known"),
}
SURFACES = {
    "page": _("a page"),
    "api": _("the API"),
    "command": _("a command"),
    "schedule": _("the schedule"),
    "start": _("the start"),
    "process": _("the process"),
}
COLUMNS: tuple[Column, ...] = (
    Column("act", _("Act")),
    Column("at", _("When")),
    Column("outcome", _("Outcome")),
    Column("address", _("From")),
    Column("token", _("Token"), is_extra=True),
    TEAM,
    Column("request", _("Request id"), is_extra=True),
)
PAGE_SIZE = 25


class EventPage(PageByPlace):
    """One page of events, as templates of lists know pages."""

    def __init__(self, found: Found) -> None:
        number = len(found.rows) if found.number is None else found.number
        super().__init__(found.rows, found.behind, number, is_counted=found.is_counted)
        self.looked_to = found.looked_to


class AuditListView(ListPage):
    """Events, newest first, as far as the person may see them."""

    reads_replica = True
    template_name, fragment_name = "audit/list.html", "audit/_rows.html"
    title = _("Audit")
    section = "audit"
    permission_required: Any = VIEW
    refusal = _("You may not see who did what.")
    list_name = "audit"
    filters = {name: LABELS[name] for name in FILTERS}
    columns = COLUMNS
    first_sort = ""
    is_own = False  # only what the person did themselves

    def rows(self, filters: dict[str, str], sort: str) -> Any:  # noqa: ARG002 it has one order
        self.refused = ""
        actor = self.request.user if self.is_own else None
        try:
            return find(filters, self.request.GET.get("behind", ""), PAGE_SIZE, actor=actor)
        except (BadFilter, BadPlace) as refused:
            self.refused = str(refused)
            return Found([], None, 0)

    def paged(self, rows: Any) -> Any:
        return EventPage(rows)

    @staticmethod
    def lines(rows: Sequence[AuditEvent], actor: Any) -> list[Told]:  # noqa: ARG004
        return told(rows)

    @staticmethod
    def words(name: str, value: str) -> str:
        if name == "outcome":
            return str(dict(Outcome.choices).get(value, value))
        if name == "by":
            return str(ACTORS.get(value, value))
        if name == "kind":
            return str(things().get(value, value))
        if name == "verb":
            return str(verbs().get(value, value))
        return name_of(value) if name in ("object", "actor", "token") else value

    def of_page(self, rows: Sequence[Any]) -> dict[str, Any]:  # noqa: ARG002
        return {
            "refused": self.refused,
            "outcomes": Outcome.choices,
            "actors": {one: ACTORS[one] for one in BY}.items(),
            "kinds": self._sorted(things()),
            "verbs": self._sorted(verbs()),
            "surfaces": SURFACES,
            "there": self.address(),
            "is_own": self.is_own,
        }

    @staticmethod
    def _sorted(words: Any) -> Iterable[tuple[str, str]]:
        return sorted(words.items(), key=lambda one: str(one[1]).casefold())


class OwnActsView(AuditListView):
    """What the person who looks did themselves."""

    title = _("What I did")
    section = "you"
    permission_required = ()
    list_name = "own-acts"
    address_name = "own-acts"
    filters = {
        name: LABELS[name]
        for name in FILTERS
        if name not in ("actor", "by", "team", "token", "request")
    }
    columns = tuple(one for one in COLUMNS if one.key != "team")
    is_own = True

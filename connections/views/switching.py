"""Switching several connections on or off, and the page that says before what that hits."""

from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html_join
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, ngettext_lazy

from .. import services
from ..consequences import switching_off
from ..dependent_profiles import told_of_switching_off
from ..models import Connection, by_name
from .base import Crumb, Page, tell_done
from .connections import LIST

MOST_NAMED = 50
MOST_TOLD = 5  # connections of whose profiles a message tells
SWITCHED = {
    ("connection", True): ngettext_lazy(
        "%(shown)s connection switched on.", "%(shown)s connections switched on.", "number"
    ),
    ("connection", False): ngettext_lazy(
        "%(shown)s connection switched off.", "%(shown)s connections switched off.", "number"
    ),
    ("profile", True): ngettext_lazy(
        "%(shown)s profile switched on.", "%(shown)s profiles switched on.", "number"
    ),
    ("profile", False): ngettext_lazy(
        "%(shown)s profile switched off.", "%(shown)s profiles switched off.", "number"
    ),
}


def ticked(keys: Iterable[str]) -> QuerySet[Connection]:
    """The connections with these ids, by name; none when one is not an id."""
    try:
        wanted = [UUID(key) for key in keys]
    except ValueError:
        wanted = []
    return Connection.objects.filter(pk__in=wanted).order_by(*by_name())


def switch(request: HttpRequest, rows: Sequence[Any], is_active: bool) -> None:
    """Switches connections or profiles, and says in a message what became of them, and of the
    profiles of connections. Raises PermissionDenied.
    """
    saved = services.switch([(row, is_active) for row in rows], actor=request.user)
    changed = [one.row for one in saved if one.changed]
    kind = rows[0]._meta.model_name
    if len(rows) == 1:
        text = _("%(name)s is active.") if is_active else _("%(name)s is inactive.")
        text %= {"name": rows[0].name}
    else:
        counted = {"number": len(changed), "shown": f"{len(changed):,}"}
        text = SWITCHED[kind, is_active] % counted
    is_told = kind == "connection" and not is_active
    told = [told_of_switching_off(row) for row in changed[:MOST_TOLD]] if is_told else []
    step = next((one.step for one in saved if one.changed), None)
    tell_done(request, " ".join([text, *filter(None, told)]), step)


def address_of_switching_off(rows: Iterable[Connection], back: str) -> str:
    """The address of the page that asks whether to switch these off. `back`: the page that it leads
    back to, empty for the list.
    """
    query = urlencode({"ids": [row.pk for row in rows], "next": back}, doseq=True)
    return f"{reverse('connection-switch-off')}?{query}"


class ConnectionSwitchOffView(Page):
    """Says what switching connections off hits, asks, and switches them off."""

    template_name = "connections/switch_off.html"
    permission_required = "connections.toggle_connection"

    def get_title(self) -> str:
        rows = self._rows()
        if len(rows) == 1:
            return _("Switch off %(name)s") % {"name": rows[0].name}
        text = ngettext(
            "Switch off %(number)s connection", "Switch off %(number)s connections", len(rows)
        )
        return text % {"number": len(rows)}

    def get_breadcrumbs(self) -> list[Crumb]:
        rows = self._rows()
        return [LIST, (rows[0].name, rows[0].get_absolute_url())] if len(rows) == 1 else [LIST]

    def _rows(self) -> list[Connection]:
        if not hasattr(self, "_found"):
            given = self.request.POST if self.request.method == "POST" else self.request.GET
            self._found = list(ticked(given.getlist("ids")).defer("credentials"))
        return self._found

    def get(self, request: HttpRequest, **_kwargs: Any) -> HttpResponse:
        if not self._rows():
            messages.error(request, _("Tick the connections first."))
            return self.redirect("connection-list")
        back = self.ours(request.GET.get("next", "")) or reverse("connection-list")
        names = format_html_join(
            ", ",
            "<strong>{}</strong> (<code>{}</code>)",
            ((row.name, row.alias) for row in self._rows()[:MOST_NAMED]),
        )
        hit = switching_off(self._rows())
        context = {"rows": self._rows(), "names": names, "hit": hit, "back": back}
        return self.render_to_response(self.get_context_data(**context))

    def post(self, request: HttpRequest, **_kwargs: Any) -> HttpResponse:
        if self._rows():
            switch(request, self._rows(), is_active=False)
        else:
            messages.error(request, _("Tick the connections first."))
        return self.back("connection-list")

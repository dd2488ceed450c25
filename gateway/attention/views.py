"""The page of faults, and their snoozes."""

import uuid
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from connections.models import Snooze
from connections.services import Invalid
from connections.views.base import Page
from connections.views.lists import ListPage

from . import services
from .kinds import KINDS
from .lines import COLUMNS, Line, in_order, lines
from .ranking import Ranked

HOURS = (1, 4, 24, 72, 168, 720)


class AttentionView(ListPage):
    """Every fault, the worst first, a page at a time."""

    template_name, fragment_name = (
        "gateway/attention/list.html",
        "gateway/attention/_rows.html",
    )
    title = _("Attention")
    section = "attention"
    permission_required = "connections.view_connection"
    list_name = address_name = "attention"
    filters = {"tag": _("Tag"), "kind": _("Kind"), "snoozed": _("Show")}
    columns = COLUMNS
    first_sort = "worst"

    def rows(self, filters: dict[str, str], sort: str) -> list[Ranked]:
        found = services.attention(
            filters["tag"].replace("\x00", ""),
            filters["kind"] if filters["kind"] in KINDS else "",
            actor=self.request.user,
            is_snoozed=filters["snoozed"] == "yes",
        )
        self.snoozed = found.snoozed
        return in_order(found.rows, sort)

    @staticmethod
    def lines(rows: Sequence[Ranked], actor: Any) -> list[Line]:  # noqa: ARG004
        return lines(rows)

    @staticmethod
    def words(name: str, value: str) -> str:
        known = {"kind": KINDS, "snoozed": {"yes": _("Snoozed")}}.get(name, {})
        return str(known.get(value, value))

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        shown = {
            "snoozed": self.snoozed,
            "kinds": KINDS.items(),
            "hours": [(one, _in_words(one)) for one in HOURS],
        }
        return super().get_context_data(**shown, **kwargs)


def _in_words(hours: int) -> str:
    if hours < 24:
        return ngettext("%(number)s hour", "%(number)s hours", hours) % {"number": hours}
    return ngettext("%(number)s day", "%(number)s days", hours // 24) % {"number": hours // 24}


class SnoozeView(Page):
    """Leaves faults out of the list for some hours: one, or those that are ticked."""

    section = "attention"
    permission_required = "connections.change_connection"

    def post(self, request: HttpRequest) -> HttpResponse:
        hours = self.posted("hours")
        until = timezone.now() + timedelta(hours=int(hours) if hours in map(str, HOURS) else 0)
        keys = request.POST.getlist("fault") or request.POST.getlist("ids")
        if not keys:
            messages.error(request, gettext("Tick the faults first."))
            return self.back("attention")
        try:
            rows = services.snooze_several(
                keys, reason=self.posted("reason"), until=until, actor=request.user
            )
        except Invalid as refused:
            for error in refused.errors:
                messages.error(request, error.message)
        else:
            text = ngettext(
                "Snoozed until %(time)s UTC, or until it changes.",
                "%(number)s snoozed until %(time)s UTC, or until they change.",
                len(rows),
            )
            said = {"time": f"{until:%Y-%m-%d %H:%M}", "number": len(rows)}
            messages.success(request, text % said)
        return self.back("attention")


class WakeView(Page):
    """Ends a snooze."""

    section = "attention"
    permission_required = "connections.change_connection"

    def post(self, request: HttpRequest, pk: uuid.UUID, **_kwargs: object) -> HttpResponse:
        services.wake(get_object_or_404(Snooze, pk=pk), actor=request.user)
        messages.success(request, gettext("It is in the list again, unless it is over."))
        return self.back("attention")

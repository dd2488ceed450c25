"""The page of faults, and their snoozes."""

import uuid
from datetime import timedelta

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from connections.models import Snooze
from connections.services import Invalid
from connections.views.base import Page

from . import services
from .kinds import KINDS
from .lines import lines

PAGE_SIZE = 25
HOURS = (1, 4, 24, 72, 168, 720)


class AttentionView(Page):
    """Every fault, the worst first, a page at a time."""

    template_name, fragment_name = (
        "gateway/attention/list.html",
        "gateway/attention/_rows.html",
    )
    title = _("Attention")
    section = "attention"
    permission_required = "connections.view_connection"

    def get(self, request: HttpRequest) -> HttpResponse:
        filters = {name: request.GET.get(name, "") for name in ("tag", "kind", "snoozed")}
        found = services.attention(
            filters["tag"].replace("\x00", ""),
            filters["kind"] if filters["kind"] in KINDS else "",
            actor=request.user,
            is_snoozed=filters["snoozed"] == "yes",
        )
        page = Paginator(found.rows, PAGE_SIZE).get_page(request.GET.get("page"))
        context = {
            "page": page,
            "lines": lines(list(page.object_list)),
            "snoozed": found.snoozed,
            "filters": filters,
            "kinds": KINDS.items(),
            "hours": [(one, _in_words(one)) for one in HOURS],
            "is_filtered": any(filters.values()),
        }
        return self.render_to_response(self.get_context_data(**context))


def _in_words(hours: int) -> str:
    if hours < 24:
        return ngettext("%(number)s hour", "%(number)s hours", hours) % {"number": hours}
    return ngettext("%(number)s day", "%(number)s days", hours // 24) % {"number": hours // 24}


class SnoozeView(Page):
    """Leaves a fault out of the list for some hours."""

    section = "attention"
    permission_required = "connections.change_connection"

    def post(self, request: HttpRequest) -> HttpResponse:
        hours = self.posted("hours")
        until = timezone.now() + timedelta(hours=int(hours) if hours in map(str, HOURS) else 0)
        try:
            row = services.snooze(
                self.posted("fault"), reason=self.posted("reason"), until=until, actor=request.user
            )
        except Invalid as refused:
            for error in refused.errors:
                messages.error(request, error.message)
        else:
            text = gettext("Snoozed until %(time)s UTC, or until it changes.")
            messages.success(request, text % {"time": f"{row.until:%Y-%m-%d %H:%M}"})
        return self.back("attention")


class WakeView(Page):
    """Ends a snooze."""

    section = "attention"
    permission_required = "connections.change_connection"

    def post(self, request: HttpRequest, pk: uuid.UUID, **_kwargs: object) -> HttpResponse:
        services.wake(get_object_or_404(Snooze, pk=pk), actor=request.user)
        messages.success(request, gettext("It is in the list again, unless it is over."))
        return self.back("attention")

"""The dashboard, and what is shown when something goes wrong."""

import sys
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.defaults import page_not_found, server_error

from connections import selectors
from connections.api.problems import problem_response
from connections.outages import database_outage, log_outage
from connections.views.base import Page
from connections.views.typed import entries_of, keep_typed, page_of_form
from gateway.attention.lines import lines
from gateway.attention.services import attention
from gateway.usage import records
from gateway.usage import selectors as usage_selectors
from gateway.usage.charts import requests_chart
from gateway.usage.course import course

from .first_steps import first_steps, start_with_echo
from .localization import show_as_chosen

FAULTS = 10  # on the first page


class DashboardView(Page):
    """The first page: numbers, and what needs attention."""

    template_name = "dashboard.html"
    title = gettext_lazy("Dashboard")
    section = "dashboard"
    permission_required = "connections.view_connection"

    def get(self, request: HttpRequest) -> HttpResponse:
        usage = _usage_of_a_day() if request.user.has_perm("gateway.view_usagerecord") else {}
        found = attention(actor=request.user)
        context = {
            "dashboard": selectors.dashboard(),
            "steps": first_steps(request.user),
            "lines": lines(found.rows[:FAULTS]),
            "faults": len(found.rows),
            "more": len(found.rows[FAULTS:]),
            "snoozed": found.snoozed,
        }
        return self.render_to_response(self.get_context_data(**context, **usage))


class StartView(Page):
    """Makes what a first call needs, of Echo."""

    permission_required = ("connections.add_connection", "connections.add_profile")

    def post(self, request: HttpRequest) -> HttpResponse:
        return self.redirect("profile-call", start_with_echo(request.user).pk)


def _usage_of_a_day() -> dict[str, Any]:
    """The use of the gateway in the last 24 hours."""
    day, zone = records.last(records.PERIODS["24h"]), timezone.get_current_timezone()
    totals = usage_selectors.usage_report(day).totals
    return {
        "usage": totals,
        "usage_chart": requests_chart(course(day, zone=zone), 72) if totals.requests else None,
    }


def not_found(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """The page for an address that does not exist; under the API's prefixes, a problem document."""
    if _is_of_api(request):
        return problem_response(request, 404, "There is no such address.", "not_found")
    show_as_chosen(request)
    return page_not_found(request, exception)


def _is_of_api(request: HttpRequest) -> bool:
    prefixes = tuple(f"/{prefix}/" for prefix in ["api", *settings.API_EXTRA_PREFIXES])
    return f"{request.path}/".startswith(prefixes)


def fault(request: HttpRequest) -> HttpResponse:
    """The page for an exception that nobody caught. Without a database nobody is at fault: the
    answer says so, and the log has no traceback of each.
    """
    outage = database_outage(sys.exc_info()[1])
    if outage is None:
        return server_error(request)
    log_outage(outage)
    if _is_of_api(request):
        response: HttpResponse = problem_response(
            request, outage.status, outage.detail, outage.code
        )
    else:
        text = render_to_string("503.html", {"detail": _(outage.detail)})
        response = HttpResponse(text, status=outage.status)
    for header, value in outage.headers.items():
        response[header] = value
    response._has_been_logged = True  # type: ignore[attr-defined]  # noqa: SLF001 Django's mark
    return response


def csrf_failure(request: HttpRequest, **_kwargs: Any) -> HttpResponse:
    """The page for a form whose token is missing or old."""
    show_as_chosen(request)
    page = page_of_form(request)
    entries = entries_of(request.POST, page) if request.user.is_authenticated else []
    if entries and not request.htmx:  # type: ignore[attr-defined]
        text = _(
            "This form was out of date, so nothing was saved. What you typed is below, without "
            "secrets: look at it, and send it again."
        )
        messages.warning(request, text)
        return redirect(keep_typed(request, page, entries))
    context = {
        "title": _("This form is out of date"),
        "detail": _("Go back, load the page again and repeat what you did."),
    }
    return render(request, "403.html", context, status=403)

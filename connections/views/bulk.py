"""Actions on all connections that are ticked in the list."""

from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from .. import services
from ..consequences import switching_off
from ..models import Connection
from .base import Page, tell_check
from .switching import address_of_switching_off, switch, ticked


class ConnectionBulkView(Page):
    """Activate, deactivate or test what is ticked in the list, or lead on to its export."""

    permission_required = "connections.view_connection"

    def post(self, request: HttpRequest) -> HttpResponse:
        action = request.POST.get("action")
        chosen = ticked(request.POST.getlist("ids"))
        rows = list(chosen if action == "test" else chosen.defer("credentials"))
        if not rows:
            messages.error(request, "Tick the connections first.")
        elif action in ("activate", "deactivate"):
            return self._switch(rows, action == "activate")
        elif action == "test":
            self._test(rows)
        elif action == "export":
            ids = urlencode({"ids": [row.pk for row in rows]}, doseq=True)
            return self.redirect(f"{reverse('package-export')}?{ids}")
        return self.back("connection-list")

    def _switch(self, rows: list[Connection], is_active: bool) -> HttpResponse:
        services.require(self.request.user, "connections.toggle_connection")
        if not is_active and switching_off(rows).hurts:
            back = self.ours(self.request.POST.get("next", ""))
            return self.redirect(address_of_switching_off(rows, back))
        switch(self.request, rows, is_active)
        return self.back("connection-list")

    def _test(self, rows: list[Connection]) -> None:
        checks = services.test_connections(rows, actor=self.request.user)
        failed = [check for check in checks if not check.success]
        if len(failed) < len(checks):
            messages.success(self.request, f"{len(checks) - len(failed)} of {len(checks)} work.")
        for check in failed:
            tell_check(self.request, check)

"""Actions on all connections that are ticked in the list."""

from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from .. import services
from ..dependent_profiles import told_of_switching_off
from ..models import Connection, by_name
from .base import Page, tell_check

MOST_TOLD = 5  # connections of whose profiles the page tells


class ConnectionBulkView(Page):
    """Activate, deactivate or test what is ticked in the list, or lead on to its export."""

    permission_required = "connections.view_connection"

    def post(self, request: HttpRequest) -> HttpResponse:
        action = request.POST.get("action")
        rows = list(self._chosen() if action == "test" else self._chosen().defer("credentials"))
        if not rows:
            messages.error(request, "Tick the connections first.")
        elif action in ("activate", "deactivate"):
            self._switch(rows, action == "activate")
        elif action == "test":
            self._test(rows)
        elif action == "export":
            ids = urlencode({"ids": [row.pk for row in rows]}, doseq=True)
            return self.redirect(f"{reverse('package-export')}?{ids}")
        return self.back("connection-list")

    def _chosen(self) -> QuerySet[Connection]:
        try:
            keys = [UUID(key) for key in self.request.POST.getlist("ids")]
        except ValueError:
            keys = []
        return Connection.objects.filter(pk__in=keys).order_by(*by_name())

    def _switch(self, rows: list[Connection], is_active: bool) -> None:
        actor = self.request.user
        changed = [row for row in rows if services.set_active(row, is_active, actor=actor).changed]
        text = (
            f"{len(changed)} connection{'' if len(changed) == 1 else 's'} "
            f"{'activated' if is_active else 'deactivated'}."
        )
        told = [] if is_active else [told_of_switching_off(row) for row in changed[:MOST_TOLD]]
        messages.success(self.request, " ".join([text, *filter(None, told)]))

    def _test(self, rows: list[Connection]) -> None:
        checks = services.test_connections(rows, actor=self.request.user)
        failed = [check for check in checks if not check.success]
        if len(failed) < len(checks):
            messages.success(self.request, f"{len(checks) - len(failed)} of {len(checks)} work.")
        for check in failed:
            tell_check(self.request, check)

"""Actions on all connections that are ticked in the list."""

from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from .. import services
from ..models import Connection
from .base import Page, tell_check


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
        return Connection.objects.filter(pk__in=keys).order_by("name")

    def _switch(self, rows: list[Connection], is_active: bool) -> None:
        changed = sum(
            services.set_active(row, is_active, actor=self.request.user).changed for row in rows
        )
        messages.success(
            self.request,
            f"{changed} connection{'' if changed == 1 else 's'} "
            f"{'activated' if is_active else 'deactivated'}.",
        )

    def _test(self, rows: list[Connection]) -> None:
        checks = services.test_connections(rows, actor=self.request.user)
        failed = [check for check in checks if not check.success]
        if len(failed) < len(checks):
            messages.success(self.request, f"{len(checks) - len(failed)} of {len(checks)} work.")
        for check in failed:
            tell_check(self.request, check)

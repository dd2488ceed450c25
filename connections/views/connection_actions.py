"""Effects on one connection from its row or page: switching it, testing it."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from .. import services
from ..consequences import switching_off
from ..dependent_profiles import told_of_switching_off
from ..models import Connection
from .base import tell_check, tell_done
from .connections import ConnectionListView, OneConnection
from .switching import address_of_switching_off


class RowOfConnection(OneConnection):
    """An effect on a connection that its row in the list may ask for."""

    fragment_name = "connections/_connection_row.html"

    def row(self, **context: Any) -> HttpResponse:
        """The row as it is now."""
        pk = self.connection.pk
        self._connection = Connection.objects.listed().select_related("last_check").get(pk=pk)
        line = ConnectionListView.row_context(self.request.user, self.connection)
        return self.render_to_response(self.get_context_data(**line, **context))


class ConnectionToggleView(RowOfConnection):
    """Switches a connection on or off: to `is_active` if the form says so, else to the other side.
    Leads to the page that asks where that hits somebody.
    """

    permission_required = "connections.toggle_connection"

    def post(self, request: HttpRequest, **_kwargs: Any) -> HttpResponse:
        wanted = request.POST.get("is_active")
        is_active = not self.connection.is_active if wanted is None else wanted == "true"
        if not is_active and switching_off([self.connection]).hurts:
            back = self.ours(request.POST.get("next", "")) or self.came_from()
            return self.redirect(address_of_switching_off([self.connection], back))
        saved = services.set_active(self.connection, is_active, actor=request.user)
        row = saved.row
        told = "" if row.is_active else told_of_switching_off(row)
        text = _("%(name)s is active.") if row.is_active else _("%(name)s is inactive.")
        text %= {"name": row.name}
        tell_done(request, f"{text} {told}".strip(), saved.step)
        if request.htmx and request.POST.get("part") == "row":  # type: ignore[attr-defined]
            return self.row()
        return self.back(row)


class ConnectionPurgeView(OneConnection):
    """Purges the secrets at once that a connection does not use any more."""

    permission_required = "connections.change_connection"

    def post(self, request: HttpRequest, **_kwargs: Any) -> HttpResponse:
        services.purge_connection(self.connection, actor=request.user)
        text = _("The secrets that %(name)s does not use are purged.")
        messages.success(request, text % {"name": self.connection.name})
        return self.back(self.connection)


class ConnectionTestView(RowOfConnection):
    """Tests a saved connection."""

    permission_required = "connections.test_connection"

    def post(self, request: HttpRequest, **_kwargs: Any) -> HttpResponse:
        check = services.test_connection(self.connection, actor=request.user)
        if request.htmx and request.POST.get("part") == "row":  # type: ignore[attr-defined]
            return self.row(check=check)
        tell_check(request, check)
        return self.back(self.connection)

"""Pages that delete a connection, and move the profiles that need it to another one."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from .. import selectors, services
from ..consequences import switching_off
from ..lookup import get_by_id_or_alias, id_or_alias_q
from ..models import Connection
from .base import tell_done, tell_not_deleted
from .connections import OneConnection
from .inline_add import PicksConnections


class ConnectionDeleteView(OneConnection, PicksConnections):
    """Lists the profiles that need the connection, offers to move them, asks, and deletes."""

    template_name = "connections/connection_confirm_delete.html"
    permission_required = "connections.delete_connection"

    def get_title(self) -> str:
        return _("Delete %(name)s") % {"name": self.connection.name}

    def get(self, _request: HttpRequest, **_kwargs: Any) -> HttpResponse:
        profiles = list(self.connection.profiles.all()[:100])
        targets = selectors.move_targets(self.connection) if profiles else []
        needed = sorted(
            set(self.connection.profiles.values_list("capability", flat=True).distinct())
        )
        hit = switching_off([self.connection])
        context = {
            "hit": hit,
            "profiles": profiles,
            "needed": ",".join(needed),
            **self._chosen(targets),
        }
        return self.render_to_response(self.get_context_data(**context))

    def _chosen(self, targets: list[Connection]) -> dict[str, Any]:
        """The targets and the chosen one. A connection that was added for this page is among them,
        even if it could not be offered by itself.
        """
        draft = self.draft()
        chosen = draft.chosen or draft.posted().get(draft.picker, "") if draft else ""
        if chosen and chosen not in {one.alias for one in targets}:
            targets = [*targets, *Connection.objects.listed().filter(id_or_alias_q(chosen))]
        return {"targets": targets, "chosen": chosen}

    def post(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        try:
            step = services.delete_connection(
                self.connection,
                actor=request.user,
                expected_version=self.version_shown(),
                purge="purge" in request.POST,
            )
        except services.Stale as stale:
            tell_not_deleted(request, stale)
            return self.redirect("connection-delete", pk)
        except services.InUse as refused:
            messages.error(request, str(refused))
            return self.redirect("connection-delete", pk)
        tell_done(request, _("%(name)s is deleted.") % {"name": self.connection.name}, step)
        return self.redirect("connection-list")


class ConnectionMoveProfilesView(OneConnection):
    """Moves all profiles of a connection to another one."""

    permission_required = "connections.change_profile"

    def post(self, request: HttpRequest, **_kwargs: Any) -> HttpResponse:
        target = get_by_id_or_alias(Connection.objects.listed(), self.posted("target"))
        if target is None:
            messages.error(
                request,
                _("There is no connection with this id or alias. Choose where the profiles go."),
            )
            return self.back(self.connection)
        try:
            moved = services.move_profiles(self.connection, target, actor=request.user)
            text = ngettext(
                "%(number)s profile moved to %(name)s.",
                "%(number)s profiles moved to %(name)s.",
                moved.number,
            )
            tell_done(request, text % {"number": moved.number, "name": target.name}, moved.step)
        except services.Invalid as refused:
            messages.error(request, " ".join(error.message for error in refused.errors))
        return self.back(self.connection)

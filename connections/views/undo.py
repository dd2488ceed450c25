"""The button that undoes a person's last act."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from .. import services
from ..lookup import parse_id
from .base import Page


class UndoView(Page):
    """Undoes the act that the button names, and leads back to the page that it was on."""

    permission_required = ()  # the services judge, by the act

    def post(self, request: HttpRequest) -> HttpResponse:
        key = parse_id(self.posted("step"))
        try:
            if key is None:
                raise services.NotUndone(_("There is nothing to undo."))
            undone = services.undo_last_act(request.user, key)
        except (services.NotUndone, PermissionDenied) as refused:
            messages.error(request, str(refused))
        else:
            messages.success(request, undone.said)
            self.tell(undone.notices)
        return self.back(self.came_from() or "dashboard")

"""The page of what runs by itself, for administrators."""

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _

from connections.views.base import Page

from . import services


class ScheduleView(Page):
    """What ran, when and with what result, what is due, and what is overdue."""

    template_name = "connections/schedule/schedule.html"
    title = _("What runs by itself")
    section = "schedule"
    permission_required = "connections.add_connectiontype"

    def get(self, _request: HttpRequest) -> HttpResponse:
        return self.render_to_response(self.get_context_data(report=services.schedule_report()))

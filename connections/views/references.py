"""The page of all references: the state of each, its uses, and how to mend it."""

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse

from .. import selectors
from ..references import State
from .base import Page

PAGE_SIZE = 50


class ReferenceListView(Page):
    """Every reference, the broken ones first."""

    template_name = "connections/reference_list.html"
    title = "References"
    section = "references"
    permission_required = "connections.view_connection"

    def get(self, request: HttpRequest) -> HttpResponse:
        uses = selectors.reference_uses()
        broken = sum(use.resolution.state != State.RESOLVED for use in uses)
        page = Paginator(uses, PAGE_SIZE).get_page(request.GET.get("page"))
        return self.render_to_response(self.get_context_data(page=page, broken=broken))

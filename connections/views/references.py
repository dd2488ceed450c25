"""The page of all references: the state of each, its uses, and how to mend it."""

from typing import Any

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy

from .. import selectors, services
from ..conf import resolver
from ..references import State
from .base import Page

PAGE_SIZE = 50


class ReferenceListView(Page):
    """Every reference, the broken ones first."""

    template_name = "connections/reference_list.html"
    title = gettext_lazy("References")
    section = "references"
    permission_required = "connections.view_connection"

    def get(self, request: HttpRequest) -> HttpResponse:
        uses = selectors.reference_uses()
        broken = sum(use.resolution.state != State.RESOLVED for use in uses)
        page = Paginator(uses, PAGE_SIZE).get_page(request.GET.get("page"))
        return self.render_to_response(self.context(page, broken))

    def context(self, page: Any, broken: int) -> dict[str, Any]:
        """The page of references, the stores that are away, and all sources in their order."""
        return self.get_context_data(
            page=page,
            broken=broken,
            outages=selectors.store_outages(),
            sources=[source.name for source in resolver().sources],
        )


class SourceListView(Page):
    """Every source of references with a test of it, for administrators."""

    template_name = "connections/source_list.html"
    title = gettext_lazy("Sources of references")
    section = "references"
    permission_required = "connections.add_connectiontype"

    def get(self, request: HttpRequest) -> HttpResponse:  # noqa: ARG002
        sources = [source.name for source in resolver().sources]
        return self.render_to_response(self.get_context_data(sources=sources))

    def post(self, request: HttpRequest) -> HttpResponse:
        found = services.test_sources(request.user)
        return self.render_to_response(self.get_context_data(tests=found))

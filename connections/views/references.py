"""The page of all references: the state of each, its uses, and how to mend it."""

from collections.abc import Sequence
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy

from .. import selectors, services
from ..conf import resolver
from ..list_columns import REFERENCE_COLUMNS
from ..reference_list import STATES, ReferenceLine, listed_references, reference_lines
from ..references import State
from ..standing import standing_of
from .base import Page
from .lists import ListPage


class ReferenceListView(ListPage):
    """Every reference, the broken ones first."""

    template_name = "connections/reference_list.html"
    fragment_name = "connections/_reference_rows.html"
    title = gettext_lazy("References")
    section = "references"
    permission_required = "connections.view_connection"
    list_name = "reference"
    filters = {
        "q": gettext_lazy("Search"),
        "state": gettext_lazy("State"),
        "source": gettext_lazy("Source"),
    }
    columns = REFERENCE_COLUMNS
    first_sort = "state"

    @cached_property
    def uses(self) -> list[selectors.ReferenceUse]:
        """All references, whatever the filters."""
        return selectors.reference_uses()

    def rows(self, filters: dict[str, str], sort: str) -> list[selectors.ReferenceUse]:
        return listed_references(self.uses, filters, sort)

    @staticmethod
    def lines(rows: Sequence[selectors.ReferenceUse], actor: Any) -> list[ReferenceLine]:
        teams = {one.name: str(one) for one in services.limited_section_list(actor)}
        return reference_lines(rows, teams)

    @staticmethod
    def words(name: str, value: str) -> str:
        return str(STATES.get(value, value)) if name == "state" else value  # type: ignore[call-overload]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """With the stores that are away, and all sources in their order."""
        shown = {
            "total": len(self.uses),
            "broken": sum(use.resolution.state != State.RESOLVED for use in self.uses),
            "outages": selectors.store_outages(),
            "sources": [source.name for source in resolver().sources],
            "has_teams": standing_of(self.request.user).has_teams,
            "states": [(one.value, text) for one, text in STATES.items()],
        }
        return super().get_context_data(**shown, **kwargs)


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

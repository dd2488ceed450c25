"""Lists with filters, an order, columns that a person chooses, and pages."""

from collections.abc import Sequence
from typing import Any, ClassVar

from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from ..list_columns import Column, shown_columns, sort_choices
from .base import Page

PAGE_SIZE = 25
SEES_USAGE = "gateway.view_usagerecord"


class ListPage(Page):
    """A list. A subclass says which filters and columns it has, its rows, and what is read beside
    them.
    """

    filters: ClassVar[tuple[str, ...]] = ()
    columns: ClassVar[tuple[Column, ...]] = ()

    def rows(self, filters: dict[str, str], sort: str) -> QuerySet[Any]:
        """The rows that the filters leave, in this order."""
        raise NotImplementedError

    @staticmethod
    def lines(rows: Sequence[Any], sees_usage: bool) -> Sequence[Any]:
        """The rows of one page with what is read beside them."""
        raise NotImplementedError

    @classmethod
    def row_context(cls, user: Any, row: Any) -> dict[str, Any]:
        """What the template of one row needs, for an answer that replaces a row."""
        sees_usage = user.has_perm(SEES_USAGE)
        (line,) = cls.lines([row], sees_usage)
        columns = shown_columns(cls.columns, None, sees_usage)
        return {"line": line, "shown": {one.key for one in columns}}

    def get(self, request: HttpRequest) -> HttpResponse:
        user: Any = request.user
        sees_usage = user.has_perm(SEES_USAGE)
        filters = {name: request.GET.get(name, "") for name in self.filters}
        sort = request.GET.get("sort", "name")
        if sort.removeprefix("-") == "used" and not sees_usage:
            sort = "name"
        page = Paginator(self.rows(filters, sort), PAGE_SIZE).get_page(request.GET.get("page"))
        columns = shown_columns(self.columns, None, sees_usage)
        context = {
            "page": page,
            "lines": self.lines(list(page), sees_usage),
            "columns": columns,
            "shown": {one.key for one in columns},
            "filters": filters,
            "sort": sort,
            "sorts": sort_choices(self.columns, sees_usage),
            "is_filtered": any(filters.values()),
        }
        return self.render_to_response(self.get_context_data(**context))

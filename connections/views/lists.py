"""Lists with filters, an order, columns and views that a person chooses, and pages."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar
from urllib.parse import urlencode

from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext_lazy

from .. import services
from ..health.services import LABELS
from ..list_columns import Column, Looker, shown_columns, sort_choices
from ..list_rows import SEES_USAGE
from ..listing import NO_TEAM
from ..models import ListChoice, Team
from ..standing import standing_of
from .base import Page, Text
from .selecting import ticked_again

PAGE_SIZE = 25
LABELS_OF_FILTERS = {
    "q": gettext_lazy("Search"),
    "provider": gettext_lazy("Provider"),
    "capability": gettext_lazy("Capability"),
    "connection": gettext_lazy("Connection"),
    "status": gettext_lazy("Status"),
    "health": gettext_lazy("Health"),
    "tag": gettext_lazy("Tag"),
    "team": gettext_lazy("Team"),
}
SHARED = gettext_lazy("Shared by all")
STATUSES = {"active": gettext_lazy("Active"), "inactive": gettext_lazy("Inactive")}


LISTS: dict[str, type["ListPage"]] = {}  # by their names


@dataclass(frozen=True)
class Chip:
    """A filter that is on, in words, and the query of the list without it."""

    label: Text
    text: str
    query: str


@dataclass(frozen=True)
class _Counted:
    """How many there are, as the furniture of lists asks for it."""

    count: int
    num_pages: int = 1


class PageByPlace:
    """One page of a list that goes on from place to place, as templates of lists know pages.

    `behind`: the place that the next page goes on behind, empty at the end. `number`: of all rows,
    as far as it `is_counted`.
    """

    def __init__(
        self, rows: Sequence[Any], behind: str | None, number: int, *, is_counted: bool
    ) -> None:
        self.object_list, self.behind, self.is_counted = rows, behind, is_counted
        self.paginator = _Counted(number)

    def __iter__(self) -> Any:
        return iter(self.object_list)


class ListPage(Page):
    """A list. A subclass says its name, which filters and columns it has, its rows, and what is
    read beside them. `filters`: their names in the address, and for people. `columns`: the first
    is always shown. `first_sort`: the order in which it begins. `address_name`: of its page, where
    that is not the list's name with `-list` behind it.
    """

    list_name: ClassVar[str] = ""
    address_name: ClassVar[str] = ""
    filters: ClassVar[Mapping[str, Text]] = {}
    columns: ClassVar[tuple[Column, ...]] = ()
    first_sort: ClassVar[str] = "name"

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if cls.list_name:
            LISTS[cls.list_name] = cls

    def asked(self) -> dict[str, str]:
        """The filters in the address, by name; an empty text filters nothing."""
        return {name: self.request.GET.get(name, "") for name in self.filters}

    def rows(self, filters: dict[str, str], sort: str) -> QuerySet[Any] | Sequence[Any]:
        """The rows that the filters leave, in this order."""
        raise NotImplementedError

    def paged(self, rows: Any) -> Any:
        """The page of the rows that the address names."""
        paginator = Paginator(self.with_beside(rows), PAGE_SIZE)
        paginator.count = rows.count() if isinstance(rows, QuerySet) else len(rows)
        return paginator.get_page(self.request.GET.get("page"))

    @staticmethod
    def with_beside(rows: Any) -> Any:
        """The rows with what `lines` reads of other tables. They are counted without it."""
        return rows

    @staticmethod
    def lines(rows: Sequence[Any], actor: Any) -> Sequence[Any]:
        """The rows of one page with what is read beside them for who looks at them."""
        raise NotImplementedError

    @staticmethod
    def words(name: str, value: str) -> str:
        """The value of a filter for people."""
        return filter_words(name, value)

    def of_page(self, rows: Sequence[Any]) -> dict[str, Any]:  # noqa: ARG002
        """What else the template needs for the rows of one page."""
        return {}

    @classmethod
    def address(cls, query: str = "") -> str:
        """The address of the list with this query."""
        there = reverse(cls.address_name or f"{cls.list_name}-list")
        return f"{there}?{query}" if query else there

    @classmethod
    def query_of(cls, filters: Mapping[str, str], sort: str) -> str:
        """The query of the list with these filters and this order; empty for the list as it
        begins.
        """
        given = {name: value for name, value in filters.items() if value}
        return urlencode(given | ({} if sort == cls.first_sort else {"sort": sort}))

    @classmethod
    def row_context(cls, user: Any, row: Any) -> dict[str, Any]:
        """What the template of one row needs, for an answer that replaces a row."""
        (line,) = cls.lines([row], user)
        columns = cls.columns_of(user, services.list_choice(user, cls.list_name))
        return {"line": line, "perms": line.perms, "shown": labels_by_key(columns)}

    @classmethod
    def columns_of(cls, user: Any, choice: ListChoice) -> list[Column]:
        """The columns that a person sees."""
        return shown_columns(cls.columns, choice.hidden, looker_of(user))

    def get(self, request: HttpRequest) -> HttpResponse:
        user: Any = request.user
        looker = looker_of(user)
        filters = self.asked()
        sort = request.GET.get("sort", self.first_sort)
        if sort.removeprefix("-") == "used" and not looker.sees_usage:
            sort = self.first_sort
        page = self.paged(self.rows(filters, sort))
        shown = list(page)
        choice = services.list_choice(user, self.list_name)
        columns = self.columns_of(user, choice)
        query = self.query_of(filters, sort)
        teams = services.teams_of(user) if looker.has_teams and "team" in filters else ()
        views = services.team_views(user, self.list_name) if looker.has_teams else ()
        context = {
            "page": page,
            "teams": teams,
            "team_views": views,
            "may_save_for": services.teams_to_save_for(user) if query and looker.has_teams else (),
            "lines": self.lines(shown, user),
            "columns": columns,
            "shown": labels_by_key(columns),
            "all_columns": [one for one in self.columns[1:] if looker.may_have(one)],
            "choice": choice,
            "list_name": self.list_name,
            "query": query,
            "chips": self._chips(filters, sort, teams),
            "filters": filters,
            "sort": sort,
            "sorts": sort_choices(self.columns, looker),
            "is_filtered": any(filters.values()),
            "filters_on": sum(bool(value) for name, value in filters.items() if name != "q"),
            **self.of_page(shown),
        }
        return self.render_to_response(self.get_context_data(**context))

    def _chips(self, filters: dict[str, str], sort: str, teams: Iterable[Team]) -> list[Chip]:
        return [
            Chip(
                self.filters[name],
                _team_words(value, teams) if name == "team" else self.words(name, value),
                self.query_of(without, sort),
            )
            for name, value in filters.items()
            if value
            for without in [{**filters, name: ""}]
        ]


def labels_of(*names: str) -> dict[str, Any]:
    """The filters of a list with their labels."""
    return {name: LABELS_OF_FILTERS[name] for name in names}


def looker_of(user: Any) -> Looker:
    """What decides on the columns that a person may have."""
    return Looker(user.has_perm(SEES_USAGE), standing_of(user).has_teams)


def labels_by_key(columns: Iterable[Column]) -> dict[str, str]:
    """The columns that are shown, for rows: whether one is among them, and its label."""
    return {one.key: str(one.label) for one in columns}


class TestedListPage(ListPage):
    """A list whose rows can be tested together: those that did not work are ticked again."""

    def of_page(self, rows: Sequence[Any]) -> dict[str, Any]:
        return ticked_again(self.request.GET, rows, self.request.user)


def filter_words(name: str, value: str) -> str:
    """The value of a filter that both lists have, for people."""
    if name == "health":
        return str(LABELS.get(value, value))
    return str(STATUSES.get(value, value)) if name == "status" else value


def _team_words(value: str, teams: Iterable[Team]) -> str:
    """The name of one of these teams, or the words for none; what is neither as it is."""
    names = {str(one.pk): one.name for one in teams}
    return str(SHARED) if value == NO_TEAM else names.get(value, value)

"""What a person chooses for a list: columns and density, and views with a name."""

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.utils.translation import gettext as _

from .. import services
from .base import Page
from .lists import LISTS, ListPage


class ListChoiceView(Page):
    """Keeps what somebody chose in the list of the address; who may see the list may choose."""

    @property
    def list_page(self) -> type[ListPage]:
        """The list in the address; 404 if there is none."""
        try:
            return LISTS[self.kwargs["list_name"]]
        except KeyError:
            raise Http404(_("There is no such list.")) from None

    def get_permission_required(self) -> tuple[str, ...]:
        return (str(self.list_page.permission_required),)


class ColumnsView(ListChoiceView):
    """Keeps the columns that are ticked, and the density."""

    def post(self, request: HttpRequest, list_name: str) -> HttpResponse:
        ticked = set(request.POST.getlist("columns"))
        hidden = {one.key for one in self.list_page.columns[1:]} - ticked
        services.choose_columns(request.user, list_name, hidden, "dense" in request.POST)
        return self.back(self.list_page.address())


class SaveViewView(ListChoiceView):
    """Keeps the filters and the order of the list under a name, or forgets those of a name."""

    def post(self, request: HttpRequest, list_name: str) -> HttpResponse:
        name = self.posted("name")
        if team_view := self.posted("team_view"):
            number = int(team_view) if team_view.isdecimal() and len(team_view) < 10 else 0
            if gone := services.remove_team_view(number, actor=request.user):
                messages.success(request, _("The view %(name)s is removed.") % {"name": gone})
            return self.redirect(self.list_page.address())
        if "remove" in request.POST:
            services.remove_view(request.user, list_name, name)
            messages.success(request, _("The view %(name)s is removed.") % {"name": name})
            return self.redirect(self.list_page.address())
        query = self._query()
        try:
            if team := self.posted("team"):
                found = services.team_named(team, actor=request.user)
                services.save_team_view(found, list_name, name, query, actor=request.user)
            else:
                services.save_view(request.user, list_name, name, query)
            said = {"name": " ".join(name.split())}
            messages.success(request, _("The view %(name)s is saved.") % said)
        except services.Invalid as refused:
            messages.error(request, refused.errors[0].message)
            query = "&".join(filter(None, [query, urlencode({"view_name": name})]))
        return self.redirect(self.list_page.address(query))

    def _query(self) -> str:
        """The filters and the order that were posted, and nothing else."""
        given = QueryDict(self.posted("query"))
        filters: dict[str, Any] = {name: given.get(name, "") for name in self.list_page.filters}
        sort = str(given.get("sort", self.list_page.first_sort))
        return self.list_page.query_of(filters, sort)

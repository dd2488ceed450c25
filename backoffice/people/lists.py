"""The pages of the list of people, and of what is done with several of them."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qsl

from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from connections.views.base import Crumb, Page
from connections.views.lists import ListPage

from . import services
from .administration import ADMINISTRATION, PEOPLE
from .listing import (
    FACTORS,
    NO_ROLE,
    PERSON_COLUMNS,
    STATES,
    PersonLine,
    listed_people,
    person_lines,
)

MOST_REFUSED = 5  # people that a message names


def words_of(name: str, value: str) -> str:
    """The value of a filter of people or service accounts, in words."""
    if name == "role":
        return _("no role") if value == NO_ROLE else _(value)
    known = {"status": STATES, "factor": FACTORS}.get(name, {})
    return str(known.get(value, value))


class PersonListView(ListPage):
    """Everybody: their role, second factor, tokens, and when they signed in last."""

    template_name, fragment_name = "people/list.html", "people/_rows.html"
    title = gettext_lazy("People")
    section = "people"
    permission_required = "auth.view_user"
    list_name = "person"
    filters = {
        "q": gettext_lazy("Search"),
        "role": gettext_lazy("Role"),
        "status": gettext_lazy("State"),
        "factor": gettext_lazy("Second factor"),
    }
    columns = PERSON_COLUMNS

    def get_breadcrumbs(self) -> list[Crumb]:
        return [ADMINISTRATION]

    def rows(self, filters: dict[str, str], sort: str) -> list[User]:
        return listed_people(filters, sort)

    @staticmethod
    def lines(rows: Sequence[User], actor: Any) -> list[PersonLine]:
        return person_lines(rows, actor)

    @staticmethod
    def words(name: str, value: str) -> str:
        return words_of(name, value)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        choices = {"roles": services.roles(), "states": STATES.items(), "factors": FACTORS.items()}
        return super().get_context_data(**choices, **kwargs)


class PeopleDeactivateView(Page):
    """Says what ending the access of several people hits, asks, and does it once `agreed`."""

    template_name = "people/deactivate_several.html"
    section = "people"
    permission_required = services.ADMINISTERS

    @staticmethod
    def is_dangerous(request: HttpRequest) -> bool:
        return request.method == "POST"

    def get_title(self) -> str:
        number = len(self._people())
        text = ngettext("Deactivate %(number)s person", "Deactivate %(number)s people", number)
        return text % {"number": number}

    def get_breadcrumbs(self) -> list[Crumb]:
        return [ADMINISTRATION, PEOPLE]

    def _people(self) -> list[User]:
        """Those who are ticked, or all that match, if they are active."""
        if not hasattr(self, "_found"):
            given = self.request.POST
            if given.get("all") == "match" and "agreed" not in given:
                rows = listed_people(dict(parse_qsl(given.get("match", ""))))
            else:
                ticked = {one for one in given.getlist("ids") if one.isdecimal()}
                rows = [one for one in listed_people({}) if str(one.pk) in ticked]
            self._found = [one for one in rows if one.is_active]
        return self._found

    def post(self, request: HttpRequest) -> HttpResponse:
        if not self._people():
            messages.error(request, _("Tick people first who are active."))
            return self.back("person-list")
        if "agreed" not in request.POST:
            context = {
                "people": self._people(),
                "tokens": sum(one.tokens for one in self._people()),  # type: ignore[attr-defined]
                "back": self.ours(self.posted("next")) or PEOPLE[1],
            }
            return self.render_to_response(self.get_context_data(**context))
        done, kept = services.deactivate_several(self._people(), actor=request.user)
        if done:
            text = ngettext(
                "%(number)s person is deactivated.", "%(number)s people are deactivated.", len(done)
            )
            messages.success(request, text % {"number": len(done)})
        for sentence in kept[:MOST_REFUSED]:
            messages.warning(request, sentence)
        if len(kept) > MOST_REFUSED:
            more = len(kept) - MOST_REFUSED
            messages.warning(request, _("and %(number)s more") % {"number": more})
        return self.back("person-list")

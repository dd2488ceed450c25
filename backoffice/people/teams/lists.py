"""The list of teams."""

from collections.abc import Sequence
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from connections.list_columns import NAME, NEWEST, Column
from connections.models import Team
from connections.services import may
from connections.standing import MANAGES
from connections.views.base import Crumb
from connections.views.lists import ListPage

from ..administration import ADMINISTRATION
from ..listing import MOST
from . import services

TEAM_COLUMNS = (
    NAME,
    *(
        Column(key, label, f"-{key}", MOST, is_number=True)
        for key, label in (
            ("members", gettext_lazy("Members")),
            ("connections", gettext_lazy("Connections")),
            ("profiles", gettext_lazy("Profiles")),
            ("tokens", gettext_lazy("Tokens")),
        )
    ),
    Column("created", gettext_lazy("Added"), "-created", NEWEST, is_extra=True),
)


def teams_crumbs(actor: Any) -> list[Crumb]:
    """The way to a team, as far as this person may go it."""
    above = [ADMINISTRATION] if actor.has_perm("auth.view_user") else []
    return [*above, (_("Teams"), reverse("team-list"))]


class TeamListView(ListPage):
    """The teams that one manages: all, or one's own."""

    template_name, fragment_name = "people/teams/list.html", "people/teams/_rows.html"
    title = gettext_lazy("Teams")
    section = "teams"
    permission_required = MANAGES
    list_name = "team"
    filters = {"q": gettext_lazy("Search")}
    columns = TEAM_COLUMNS

    def get_breadcrumbs(self) -> list[Crumb]:
        return teams_crumbs(self.request.user)[:-1]

    def rows(self, filters: dict[str, str], sort: str) -> list[Team]:
        return services.listed_teams(self.request.user, filters, sort)

    @staticmethod
    def lines(rows: Sequence[Team], actor: Any) -> Sequence[Team]:  # noqa: ARG004
        return rows

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        may_add = may(self.request.user, MANAGES, Team())
        return super().get_context_data(may_add=may_add, **kwargs)

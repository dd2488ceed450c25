"""The page of hosts that the secrets behind references may go to, and the decisions about them."""

import uuid
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from .. import services
from ..approval_list import approvals_seen
from ..models import HostApproval, Team
from ..standing import standing_of
from .base import Crumb, Page

PAGE_SIZE = 50
FOR_ALL = "all"


def teams_to_choose(person: Any) -> list[Team]:
    """The teams to which this person may limit an answer, by name."""
    return (
        list(services.teams_to_share_with(person))
        if person.has_perm("connections.approve_host")
        else []
    )


class HostListView(Page):
    """Every host that was asked for, those that wait first."""

    template_name = "connections/host_list.html"
    title = gettext_lazy("Hosts")
    section = "references"
    permission_required = "connections.view_connection"

    def get(self, request: HttpRequest) -> HttpResponse:
        page = Paginator(approvals_seen(), PAGE_SIZE).get_page(request.GET.get("page"))
        has_teams = standing_of(request.user).has_teams
        teams = teams_to_choose(request.user) if has_teams else []
        shown = {"page": page, "has_teams": has_teams, "host_teams": teams}
        return self.render_to_response(self.get_context_data(**shown))

    def get_breadcrumbs(self) -> list[Crumb]:
        return [(_("References"), reverse("reference-list"))]


class HostDecisionView(Page):
    """Approves or refuses a host, or forgets that anybody asked: `decision` of the form."""

    permission_required = "connections.approve_host"

    @staticmethod
    def is_dangerous(request: HttpRequest) -> bool:
        return request.method == "POST"

    def post(self, request: HttpRequest, pk: uuid.UUID, **_kwargs: Any) -> HttpResponse:
        row = get_object_or_404(approvals_seen(), pk=pk)
        decision = self.posted("decision")
        if decision == "forget":
            services.forget_host(row, actor=request.user)
        elif decision in (HostApproval.State.APPROVED, HostApproval.State.REFUSED):
            try:
                services.decide_host(row, decision, actor=request.user, team=self._team(row))
            except services.Invalid as refused:
                messages.error(request, refused.errors[0].message)
                return self.back("host-list")
        else:
            messages.error(request, _("Choose Approve, Refuse or Forget."))
            return self.back("host-list")
        messages.success(request, TOLD[decision] % {"host": row.host, "section": row.section})
        return self.back("host-list")

    def _team(self, row: HostApproval) -> Team | None:
        """The team that was chosen, None for all; that of the row where nothing was to choose."""
        chosen = self.posted("team")
        if not chosen:
            return row.team
        return None if chosen == FOR_ALL else services.team_named(chosen, actor=self.request.user)


TOLD = {
    "approved": gettext_lazy("%(host)s: the secrets of %(section)s may go there from now on."),
    "refused": gettext_lazy("%(host)s: the secrets of %(section)s may not go there."),
    "forget": gettext_lazy("%(host)s: the next save or test asks again."),
}

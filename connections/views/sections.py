"""The page of sections of references that belong to teams, and its form."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from .. import services
from ..models import Team
from .base import Crumb, Page


class SectionListView(Page):
    """The sections of one's teams, or all for whoever manages all teams, who changes them."""

    template_name = "connections/section_list.html"
    title = gettext_lazy("Sections of teams")
    section = "references"
    permission_required = "connections.view_connection"

    @staticmethod
    def is_dangerous(request: HttpRequest) -> bool:
        return request.method == "POST"

    def get_breadcrumbs(self) -> list[Crumb]:
        return [(_("References"), reverse("reference-list"))]

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.show(name=request.GET.get("name", ""))

    def post(self, request: HttpRequest) -> HttpResponse:
        services.require(request.user, services.MANAGES, on=Team())
        name = self.posted("name")
        try:
            if self.posted("action") == "open":
                services.open_section(name, actor=request.user)
                messages.success(request, _("%(section)s is for all now.") % {"section": name})
                return self.redirect("section-list")
            chosen = request.POST.getlist("teams")
            teams = [services.team_named(one, actor=request.user) for one in chosen]
            would = services.limit_section(name, teams, actor=request.user, is_dry=True)
            if would.denied and not self.posted("sure"):
                return self.show(name=name, chosen=chosen, would=would)
            services.limit_section(name, teams, actor=request.user)
        except services.Invalid as refused:
            messages.error(request, " ".join(one.message for one in refused.errors))
            return self.show(name=name, chosen=request.POST.getlist("teams"))
        said = {"section": would.name, "teams": would}
        messages.success(request, _("Only %(teams)s may name %(section)s now.") % said)
        return self.redirect("section-list")

    def show(self, **typed: Any) -> HttpResponse:
        """The page with its form. `would`: what somebody wants, and is asked about first."""
        actor, sections = self.request.user, services.limited_section_list(self.request.user)
        may_manage = services.may(actor, services.MANAGES, Team())
        named = (one for one in sections if one.name == typed["name"])
        chosen = typed.get("chosen") or [str(pk) for one in named for pk in one.owners]
        teams = services.teams_of(actor) if may_manage else ()
        shown = {
            "sections": sections,
            "may_manage": may_manage,
            "teams": [(one, str(one.pk) in chosen) for one in teams],
            **typed,
        }
        return self.render_to_response(self.get_context_data(**shown))

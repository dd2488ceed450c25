"""The page on which a connection or a profile is moved to another team, and shared with others."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from .. import services
from ..models import Connection, Level, Profile
from .base import Crumb, Page
from .connections import LIST as CONNECTIONS
from .connections import OneConnection
from .profiles import LIST as PROFILES
from .profiles import OneProfile


class SharingPage(Page):
    """The team of a row, and the teams that may see or use it.

    Whoever may change the row moves it; whoever manages its team shares it.
    """

    template_name = "connections/sharing.html"
    list_crumb: Crumb

    @property
    def row(self) -> Connection | Profile:
        """The row in the address; 404 if there is none."""
        raise NotImplementedError

    def get_title(self) -> str:
        return _("Team of %(name)s") % {"name": self.row.name}

    def get_breadcrumbs(self) -> list[Crumb]:
        return [self.list_crumb, (self.row.name, self.row.get_absolute_url())]

    def get(self, _request: HttpRequest, **_kwargs: Any) -> HttpResponse:
        actor, row = self.request.user, self.row
        kind = str(row._meta.model_name)
        may_share = row.team_id is not None and services.may(actor, services.MANAGES, row)
        teams = services.teams_to_add(actor, kind)
        context = {
            "row": row,
            "shares": services.shares_of(row) if may_share else [],
            "may_share": may_share,
            "may_move": services.may(actor, f"connections.change_{kind}", row),
            "targets": [one for one in teams if one.pk != row.team_id],
            "may_be_for_all": row.team_id and services.may_add_for_all(actor, kind),
            "others": [one for one in services.teams_to_share_with(actor) if one.pk != row.team_id],
            "levels": Level.choices,
            "takes_profiles": kind == "connection" and Profile.objects.filter(connection=row.pk),
        }
        return self.render_to_response(self.get_context_data(**context))

    def post(self, request: HttpRequest, **_kwargs: Any) -> HttpResponse:
        acts = {"move": self._move, "share": self._share, "unshare": self._unshare}
        act, row = acts.get(request.POST.get("action", "")), self.row
        try:
            if act:
                act(row)
        except services.Invalid as refused:
            messages.error(request, " ".join(one.message for one in refused.errors))
        return self.redirect(request.path)

    def _team(self) -> Any:
        return services.team_named(self.posted("team"), actor=self.request.user)

    def _move(self, row: Connection | Profile) -> None:
        team = None if self.posted("team") == "none" else self._team()
        services.move_to_team(
            [row],
            team,
            actor=self.request.user,
            with_profiles="profiles" in self.request.POST,
        )
        said = {"name": row.name, "team": team}
        text = _("%(name)s belongs to %(team)s now.") if team else _("All share %(name)s now.")
        messages.success(self.request, text % said)

    def _share(self, row: Connection | Profile) -> None:
        made = services.share(row, self._team(), self.posted("level"), actor=self.request.user)
        said = {"name": row.name, "team": made.team}
        text = _("%(name)s is shared with %(team)s.")
        messages.success(self.request, text % said)

    def _unshare(self, row: Connection | Profile) -> None:
        team = self._team()
        services.unshare(row, team, actor=self.request.user)
        text = _("%(name)s is not shared with %(team)s any more.")
        messages.success(self.request, text % {"name": row.name, "team": team})


class ConnectionSharingView(SharingPage, OneConnection):
    """The team and the shares of a connection."""

    permission_required = "connections.view_connection"
    list_crumb = CONNECTIONS

    @property
    def row(self) -> Connection:
        return self.connection


class ProfileSharingView(SharingPage, OneProfile):
    """The team and the shares of a profile."""

    permission_required = "connections.view_profile"
    list_crumb = PROFILES

    @property
    def row(self) -> Profile:
        return self.profile

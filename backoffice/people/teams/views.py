"""The pages of teams, for whoever manages all of them, and for the members of each."""

from collections.abc import Callable, Sequence
from typing import Any

from django.contrib import messages
from django.contrib.auth.models import User
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from connections import services as connections
from connections.models import Role, Team
from connections.services import Invalid, may
from connections.standing import MANAGES
from connections.views.base import Crumb, Page
from connections.views.typed import with_typed

from .. import services as people
from ..forms import RefusableForm
from . import services
from .forms import FOR_ALL, EndForm, LimitsForm, MemberForm, TeamForm, TeamOfPersonForm
from .lists import teams_crumbs


class TeamCreateView(Page):
    """Adds a team: for whoever manages all."""

    template_name = "people/form.html"
    title = gettext_lazy("Add a team")
    section = "teams"
    permission_required = MANAGES
    shows_typed = True

    def get_breadcrumbs(self) -> list[Crumb]:
        return teams_crumbs(self.request.user)

    def get(self, request: HttpRequest) -> HttpResponse:
        connections.require(self.request.user, MANAGES, on=Team())
        return self.show(with_typed(TeamForm(), request))

    def post(self, request: HttpRequest) -> HttpResponse:
        form = TeamForm(request.POST)
        if form.is_valid():
            try:
                team = connections.create_team(form.cleaned_data["name"], actor=request.user)
            except Invalid as refused:
                form.add_refusal(refused)
            else:
                said = _("%(team)s is added. Now say who is in it.") % {"team": team}
                messages.success(request, said)
                return self.redirect("team-detail", team.pk)
        return self.show(form)

    def show(self, form: RefusableForm) -> HttpResponse:
        """The page with its form."""
        context = {"form": form, "act": _("Add"), "back": reverse("team-list")}
        return self.render_to_response(self.get_context_data(**context))


class TeamPage(Page):
    """A page about one team, for its members; 404 for others."""

    section = "teams"
    permission_required: Any = ()

    @property
    def team(self) -> Team:
        """The team in the address."""
        if not hasattr(self, "_team"):
            rows = connections.teams_of(self.request.user)
            self._team = get_object_or_404(rows, pk=self.kwargs["pk"])
        return self._team

    def get_title(self) -> str:
        return self.team.name

    def get_breadcrumbs(self) -> Sequence[Crumb]:
        user = self.request.user
        return teams_crumbs(user) if user.has_perm(MANAGES) else ()

    def done(self, act: Callable[[], Any], form: RefusableForm, text: str) -> bool:
        """Runs a service and says so; False with the refusal in the form."""
        try:
            act()
        except Invalid as refused:
            form.add_refusal(refused)
            return False
        messages.success(self.request, text)
        return True


class TeamDetailView(TeamPage):
    """One team: its members, what it has, and what it shares. `action` of a POST: `name`, `limits`,
    `add`, `role` or `remove`.
    """

    template_name = "people/teams/detail.html"

    @staticmethod
    def is_dangerous(request: HttpRequest) -> bool:
        return request.method == "POST"  # it gives and takes rights

    def get(self, _request: HttpRequest, **_kwargs: Any) -> HttpResponse:
        return self.show()

    def post(self, request: HttpRequest, **_kwargs: Any) -> HttpResponse:
        acts = {
            "name": self._rename,
            "limits": self._limit,
            "add": self._add,
            "role": self._role,
            "remove": self._remove,
        }
        act = acts.get(self.posted("action"))
        if act is None:
            raise Http404(_("There is no such action."))
        return act(request)

    def _rename(self, request: HttpRequest) -> HttpResponse:
        form, actor = TeamForm(request.POST), request.user
        if form.is_valid() and self.done(
            lambda: connections.rename_team(self.team, form.cleaned_data["name"], actor=actor),
            form,
            _("The team has another name."),
        ):
            return self.redirect("team-detail", self.team.pk)
        self.team.refresh_from_db()
        return self.show(name_form=form)

    def _limit(self, request: HttpRequest) -> HttpResponse:
        form, actor = LimitsForm(request.POST), request.user
        if form.is_valid() and self.done(
            lambda: connections.change_team(self.team, form.cleaned_data, actor=actor),
            form,
            _("The limits of the team are saved."),
        ):
            return self.redirect("team-detail", self.team.pk)
        return self.show(limits_form=form)

    def _add(self, request: HttpRequest) -> HttpResponse:
        form, actor = MemberForm(request.POST), request.user
        if form.is_valid():
            name, role = form.cleaned_data["name"], form.cleaned_data["role"]
            said = _("%(name)s is in %(team)s.") % {"name": name, "team": self.team}
            if self.done(
                lambda: services.add_member(self.team, name, role, actor=actor), form, said
            ):
                return self.redirect("team-detail", self.team.pk)
        return self.show(member_form=form)

    def _role(self, request: HttpRequest) -> HttpResponse:
        person, form = self._person(), RefusableForm({})
        role = self.posted("role")
        label = str(dict(Role.choices).get(role, role))
        said = _("%(person)s has the role %(role)s.") % {"person": person, "role": label}
        return self._answered(
            form, lambda: connections.set_member(self.team, person, role, actor=request.user), said
        )

    def _remove(self, request: HttpRequest) -> HttpResponse:
        person, form = self._person(), RefusableForm({})
        said = _("%(person)s is no longer in %(team)s.") % {"person": person, "team": self.team}
        return self._answered(
            form, lambda: connections.remove_member(self.team, person, actor=request.user), said
        )

    def _answered(self, form: RefusableForm, act: Callable[[], Any], said: str) -> HttpResponse:
        if not self.done(act, form, said):
            return self.show(member_form=None, errors=form)
        actor: Any = self.request.user
        is_seen = connections.teams_of(User.objects.get(pk=actor.pk))
        if is_seen.filter(pk=self.team.pk).exists():
            return self.back("team-detail", self.team.pk)
        return self.redirect("preferences")  # whoever left it does not see it any more

    def _person(self) -> User:
        wanted = self.posted("person")
        rows = self.team.memberships.select_related("user")
        found = rows.filter(user=int(wanted)).first() if wanted.isdecimal() else None
        if found is None:
            raise Http404(_("Nobody of the team has this id."))
        return found.user

    def show(self, **forms: Any) -> HttpResponse:
        """The page with its forms."""
        actor, team = self.request.user, self.team
        may_manage = may(actor, MANAGES, team)
        context = {
            "team": team,
            "members": connections.members_of(team),
            "holdings": services.holdings(team, actor),
            "shared": services.shared_by(team),
            "roles": Role.choices,
            "may_manage": may_manage,
            "manages_all": may(actor, MANAGES, Team()),
            "limits_form": LimitsForm(
                initial={
                    "requests_per_minute": team.requests_per_minute,
                    "tokens_per_day": team.tokens_per_day,
                }
            ),
            "name_form": TeamForm(initial={"name": team.name}),
            "member_form": MemberForm(),
        }
        given = {name: form for name, form in forms.items() if form is not None}
        return self.render_to_response(self.get_context_data(**context | given))


class TeamDeleteView(TeamPage):
    """Says what a team has, asks to whom it goes, and deletes it."""

    template_name = "people/teams/delete.html"
    permission_required = MANAGES

    @staticmethod
    def is_dangerous(request: HttpRequest) -> bool:
        return request.method == "POST"

    def get_title(self) -> str:
        return _("Delete %(team)s") % {"team": self.team}

    def get(self, request: HttpRequest, **_kwargs: Any) -> HttpResponse:
        connections.require(request.user, MANAGES, on=Team())
        return self.show(EndForm(team=self.team))

    def post(self, request: HttpRequest, **_kwargs: Any) -> HttpResponse:
        connections.require(request.user, MANAGES, on=Team())
        form = EndForm(request.POST, team=self.team)
        has = [one for one in services.holdings(self.team, request.user) if one.number]
        form.fields["heir"].required = bool(has)
        if form.is_valid():
            chosen = form.cleaned_data["heir"]
            heir: Team | None = None
            if chosen and chosen != FOR_ALL:
                heir = get_object_or_404(services.heirs_of(self.team), pk=chosen)
            if self.done(
                lambda: connections.delete_team(
                    self.team, actor=request.user, heir=heir, is_for_all=chosen == FOR_ALL
                ),
                form,
                _("%(team)s is deleted.") % {"team": self.team.name},
            ):
                return self.redirect("team-list")
        return self.show(form)

    def show(self, form: RefusableForm) -> HttpResponse:
        """The page with its form."""
        found = services.holdings(self.team, self.request.user)
        holdings = [one for one in found if one.number]
        opened = connections.sections_opened_by(self.team)
        context = {"team": self.team, "form": form, "holdings": holdings, "opened": opened}
        members = connections.members_of(self.team)
        return self.render_to_response(self.get_context_data(members=members, **context))


class PersonTeamView(Page):
    """Takes a person into a team, from their page."""

    section = "people"
    permission_required = people.ADMINISTERS
    http_method_names = ["post"]

    @staticmethod
    def is_dangerous(request: HttpRequest) -> bool:
        return request.method == "POST"

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        person = get_object_or_404(people.people(), pk=pk)
        teams = connections.teams_of(request.user)
        form = TeamOfPersonForm(request.POST, teams=teams)
        if not form.is_valid():
            messages.error(request, _("Choose a team and a role."))
            return self.redirect("person-detail", pk)
        team, role = form.cleaned_data["team"], form.cleaned_data["role"]
        connections.set_member(team, person, role, actor=request.user)
        said = {"person": person, "team": team, "role": dict(Role.choices)[role]}
        messages.success(request, _("%(person)s is in %(team)s as %(role)s.") % said)
        return self.redirect("person-detail", pk)

"""The pages of people and roles, for administrators."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from connections.models import Membership, Role
from connections.services import Invalid, teams_of
from connections.views.base import Crumb, Page
from connections.views.typed import with_typed

from . import services
from .forms import PasswordForm, PersonForm, RefusableForm, RoleForm
from .listing import rights_of_roles
from .signin import factors
from .signin.providers import configured
from .view_as.services import may_view_as, views_as

ADMINISTRATION: Crumb = (gettext_lazy("Administration"), "/administration/")
PEOPLE: Crumb = (gettext_lazy("People"), "/people/")
VIEWS_AS = 5  # the last ones, on a person's page


class RoleListView(Page):
    """What each role may do."""

    template_name = "people/roles.html"
    title = gettext_lazy("Roles")
    section = "people"
    permission_required = "auth.view_group"

    def get_breadcrumbs(self) -> list[Crumb]:
        return [ADMINISTRATION, PEOPLE]

    def get(self, _request: HttpRequest) -> HttpResponse:
        context = {"roles": services.roles(), "kinds": rights_of_roles()}
        return self.render_to_response(self.get_context_data(**context))


class PersonCreateView(Page):
    """Adds a person with a role."""

    template_name = "people/form.html"
    title = gettext_lazy("Add a person")
    section = "people"
    permission_required = "auth.add_user"
    shows_typed = True

    @staticmethod
    def is_dangerous(request: HttpRequest) -> bool:
        return request.method == "POST"

    def get_breadcrumbs(self) -> list[Crumb]:
        return [ADMINISTRATION, PEOPLE]

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.show(with_typed(PersonForm(teams=teams_of(request.user)), request))

    def post(self, request: HttpRequest) -> HttpResponse:
        form = PersonForm(request.POST, teams=teams_of(request.user))
        if form.is_valid():
            try:
                person = services.add_person(**form.cleaned_data, actor=request.user)
            except Invalid as refused:
                form.add_refusal(refused)
            else:
                text = _("%(person)s is added, and may sign in.") % {"person": person}
                messages.success(request, text)
                return self.redirect("person-list")
        return self.show(form)

    def show(self, form: RefusableForm) -> HttpResponse:
        """The page with its form."""
        return self.render_to_response(
            self.get_context_data(form=form, act=_("Add"), back=PEOPLE[1])
        )


class PersonPage(Page):
    """A page about one person."""

    section = "people"
    permission_required = services.ADMINISTERS

    @staticmethod
    def is_dangerous(request: HttpRequest) -> bool:
        return request.method == "POST"

    @property
    def person(self) -> User:
        """The person in the address; 404 if there is none."""
        if not hasattr(self, "_person"):
            self._person = get_object_or_404(services.people(), pk=self.kwargs["pk"])
        return self._person

    def get_title(self) -> str:
        return str(self.person)

    def get_breadcrumbs(self) -> list[Crumb]:
        return [ADMINISTRATION, PEOPLE]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = {
            "person": self.person,
            "may_change": services.may_change(self.request.user, self.person),
            "factors": factors.kinds_of([self.person]).get(self.person.pk, []),
            "must_have": factors.must_have(self.person),
            "providers": configured(),
        }
        return super().get_context_data(**context, **kwargs)

    def done(self, act: Callable[[], None], form: RefusableForm, text: str) -> bool:
        """Runs a service and says so; False with the refusal in the form."""
        try:
            act()
        except Invalid as refused:
            form.add_refusal(refused)
            return False
        messages.success(self.request, text)
        return True


class PersonDetailView(PersonPage):
    """One person, with the form of their role; its POST gives the role."""

    template_name = "people/detail.html"
    shows_typed = True

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = {
            "may_view_as": may_view_as(self.request.user, self.person),
            **self._teams(),
            "views_as": views_as(self.person)[:VIEWS_AS],
        }
        return super().get_context_data(**context, **kwargs)

    def _teams(self) -> dict[str, Any]:
        """The person's teams, and those that they are not in, of those that one sees."""
        seen = teams_of(self.request.user)
        memberships = Membership.objects.filter(user=self.person, team__in=seen)
        return {
            "memberships": memberships.select_related("team").order_by("team__name"),
            "other_teams": seen.exclude(memberships__user=self.person),
            "team_roles": Role.choices,
        }

    def get(self, request: HttpRequest, **_kwargs: Any) -> HttpResponse:
        role = {"role": self.person.groups.first()}
        return self.show(with_typed(RoleForm(initial=role), request))

    def post(self, request: HttpRequest, **_kwargs: Any) -> HttpResponse:
        form = RoleForm(request.POST)
        if not form.is_valid():
            return self.show(form)
        role = form.cleaned_data["role"]
        done = self.done(
            lambda: services.set_role(self.person, role, actor=request.user),
            form,
            _("%(person)s has the role %(role)s.") % {"person": self.person, "role": _(role.name)},
        )
        return self.redirect("person-list") if done else self.show(form)

    def show(self, form: RefusableForm) -> HttpResponse:
        """The page with its form."""
        return self.render_to_response(self.get_context_data(form=form))


class PersonPasswordView(PersonPage):
    """Sets the password of another person."""

    template_name = "people/form.html"

    def get_title(self) -> str:
        return _("Set the password of %(person)s") % {"person": self.person}

    def get(self, _request: HttpRequest, **_kwargs: Any) -> HttpResponse:
        return self.show(PasswordForm())

    def post(self, request: HttpRequest, **_kwargs: Any) -> HttpResponse:
        form = PasswordForm(request.POST)
        if not form.is_valid():
            return self.show(form)
        done = self.done(
            lambda: services.set_password(
                self.person, form.cleaned_data["password"], actor=request.user
            ),
            form,
            _("%(person)s has a new password, and must sign in with it.") % {"person": self.person},
        )
        return self.redirect("person-detail", self.person.pk) if done else self.show(form)

    def show(self, form: RefusableForm) -> HttpResponse:
        """The page with its form."""
        back = reverse("person-detail", args=[self.person.pk])
        return self.render_to_response(
            self.get_context_data(form=form, act=_("Set the password"), back=back)
        )


class PersonActiveView(PersonPage):
    """Says what deactivating a person hits, asks, and does it; activating asks nothing. Then it
    leads to the list, or where the form says.
    """

    template_name = "people/deactivate.html"

    def get_title(self) -> str:
        return _("Deactivate %(person)s") % {"person": self.person}

    def get(self, _request: HttpRequest, **_kwargs: Any) -> HttpResponse:
        return self.render_to_response(self.get_context_data())

    def post(self, request: HttpRequest, **_kwargs: Any) -> HttpResponse:
        is_active, form = request.POST.get("active") == "yes", RefusableForm({})
        said = _("%(person)s is active again.") if is_active else _("%(person)s is deactivated.")
        text = said % {"person": self.person}
        if self.done(
            lambda: services.set_active(self.person, is_active, actor=request.user), form, text
        ):
            return self.back("person-list")
        return self.render_to_response(self.get_context_data(form=form))


class PersonSecondFactorView(PersonPage):
    """Says what taking away the second factor of a person does, asks, and does it."""

    template_name = "people/second_factor.html"

    def get_title(self) -> str:
        return _("Take away the second factor of %(person)s") % {"person": self.person}

    def get(self, _request: HttpRequest, **_kwargs: Any) -> HttpResponse:
        return self.render_to_response(self.get_context_data())

    def post(self, request: HttpRequest, **_kwargs: Any) -> HttpResponse:
        try:
            number = services.remove_second_factor(self.person, actor=request.user)
        except Invalid as refused:
            messages.error(request, " ".join(error.message for error in refused.errors))
        else:
            text = ngettext(
                "%(number)s second factor of %(person)s is taken away.",
                "%(number)s second factors of %(person)s are taken away.",
                number,
            )
            messages.success(request, text % {"number": number, "person": self.person})
        return self.redirect("person-detail", self.person.pk)

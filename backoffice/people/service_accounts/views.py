"""The pages of service accounts, for administrators."""

from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from connections.consequences import requests_with
from connections.models import ServiceAccount
from connections.services import Invalid
from connections.views.base import Crumb, Page
from connections.views.lists import ListPage
from connections.views.typed import with_typed

from .. import services as people
from ..administration import ADMINISTRATION, PEOPLE
from ..forms import RefusableForm
from ..listing import ACCOUNT_COLUMNS, STATES, listed_accounts
from ..lists import words_of
from . import services
from .forms import ServiceAccountChangeForm, ServiceAccountForm


class ServiceAccountListView(ListPage):
    """All service accounts: their role, contact and tokens."""

    template_name, fragment_name = (
        "people/service_accounts/list.html",
        "people/service_accounts/_rows.html",
    )
    title = gettext_lazy("Service accounts")
    section = "people"
    permission_required = "connections.view_serviceaccount"
    list_name = "service-account"
    filters = {
        "q": gettext_lazy("Search"),
        "role": gettext_lazy("Role"),
        "status": gettext_lazy("State"),
    }
    columns = ACCOUNT_COLUMNS

    def get_breadcrumbs(self) -> list[Crumb]:
        return [ADMINISTRATION, PEOPLE]

    def rows(self, filters: dict[str, str], sort: str) -> list[ServiceAccount]:
        return listed_accounts(services.service_accounts(), filters, sort)

    @staticmethod
    def lines(rows: Sequence[ServiceAccount], actor: Any) -> Sequence[ServiceAccount]:  # noqa: ARG004
        return rows

    @staticmethod
    def words(name: str, value: str) -> str:
        return words_of(name, value)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        choices = {"roles": people.roles(), "states": STATES.items()}
        return super().get_context_data(**choices, **kwargs)


class ServiceAccountPage(Page):
    """A page below the list."""

    section = "people"

    @staticmethod
    def is_dangerous(request: HttpRequest) -> bool:
        return request.method == "POST"  # it may give a role

    @property
    def account(self) -> ServiceAccount:
        """The account in the address; 404 if there is none."""
        if not hasattr(self, "_account"):
            self._account = get_object_or_404(services.service_accounts(), pk=self.kwargs["pk"])
        return self._account

    def get_breadcrumbs(self) -> list[Crumb]:
        return [ADMINISTRATION, PEOPLE, (_("Service accounts"), reverse("service-account-list"))]


class ServiceAccountCreateView(ServiceAccountPage):
    """Adds a service account with a role."""

    template_name = "people/form.html"
    title = gettext_lazy("Add a service account")
    permission_required = "connections.add_serviceaccount"
    shows_typed = True

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.show(with_typed(ServiceAccountForm(), request))

    def post(self, request: HttpRequest) -> HttpResponse:
        form = ServiceAccountForm(request.POST)
        if form.is_valid():
            try:
                account = services.add_service_account(**form.cleaned_data, actor=request.user)
            except Invalid as refused:
                form.add_refusal(refused)
            else:
                said = _("%(name)s is added. Make a token for it on the page Tokens.")
                messages.success(request, said % {"name": account.name})
                return self.redirect("service-account-detail", account.pk)
        return self.show(form)

    def show(self, form: RefusableForm) -> HttpResponse:
        """The page with its form."""
        context = {"form": form, "act": _("Add"), "back": reverse("service-account-list")}
        return self.render_to_response(self.get_context_data(**context))


class ServiceAccountDetailView(ServiceAccountPage):
    """One service account with its tokens, and the form that changes it."""

    template_name = "people/service_accounts/detail.html"
    permission_required = "connections.view_serviceaccount"
    shows_typed = True

    def get_title(self) -> str:
        return self.account.name

    def get(self, request: HttpRequest, **_kwargs: Any) -> HttpResponse:
        account = self.account
        initial: dict[str, Any] = {
            name: getattr(account, name) for name in ("name", "description", "contact")
        }
        initial["role"] = account.user.groups.first()
        return self.show(with_typed(ServiceAccountChangeForm(initial=initial), request))

    def post(self, request: HttpRequest, **_kwargs: Any) -> HttpResponse:
        form = RefusableForm({})
        values: dict[str, Any] = {"is_active": request.POST.get("active") == "yes"}
        if "active" not in request.POST:
            form = ServiceAccountChangeForm(request.POST)
            if not form.is_valid():
                return self.show(form)
            values = form.cleaned_data
        try:
            services.change_service_account(self.account, actor=request.user, **values)
        except Invalid as refused:
            form.add_refusal(refused)
            return self.show(form)
        messages.success(request, _("%(name)s is changed.") % {"name": self.account.name})
        return self.redirect("service-account-detail", self.account.pk)

    def show(self, form: RefusableForm) -> HttpResponse:
        """The page with its form."""
        user: Any = self.account.user
        context = {
            "account": self.account,
            "form": form,
            "may_change": self.request.user.has_perm("connections.change_serviceaccount")
            and people.may_change(self.request.user, user),
            "tokens": user.api_tokens.all(),
            "rules": self.account.issuer_rules.select_related("issuer"),
        }
        return self.render_to_response(self.get_context_data(**context))


class ServiceAccountDeleteView(ServiceAccountPage):
    """Says what deleting a service account hits, asks, and deletes it."""

    template_name = "people/service_accounts/delete.html"
    permission_required = "connections.delete_serviceaccount"

    def get_title(self) -> str:
        return _("Delete %(name)s") % {"name": self.account.name}

    def get(self, _request: HttpRequest, **_kwargs: Any) -> HttpResponse:
        account: Any = self.account
        rules = account.issuer_rules.select_related("issuer")
        used = [*account.user.api_tokens.values_list("pk", flat=True), *(one.pk for one in rules)]
        context = {"account": account, "rules": rules}
        context["requests"] = sum(requests_with(one) for one in used)
        return self.render_to_response(self.get_context_data(**context))

    def post(self, request: HttpRequest, **_kwargs: Any) -> HttpResponse:
        services.delete_service_account(self.account, actor=request.user)
        text = _("%(name)s is deleted, and its tokens with it.")
        messages.success(request, text % {"name": self.account.name})
        return self.redirect("service-account-list")

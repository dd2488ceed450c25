"""The pages of trusted issuers."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from connections.consequences import requests_with
from connections.models import TrustedIssuer
from connections.services import Invalid
from connections.views.base import Crumb
from connections.views.typed import with_typed

from .. import services
from ..forms import IssuerForm, RefusableForm
from .base import ADD, CHANGE, DELETE, VIEW, IssuerPage, done, tell_switched

ENTRIES = ("name", "issuer", "audiences", "algorithms", "jwks_url", "longest_age")


class IssuerListView(IssuerPage):
    """All trusted issuers."""

    template_name = "connections/workloads/list.html"
    title = gettext_lazy("Trusted issuers")
    permission_required = VIEW

    def get_breadcrumbs(self) -> list[Crumb]:
        return super().get_breadcrumbs()[:1]

    def get(self, _request: HttpRequest) -> HttpResponse:
        return self.render_to_response(self.get_context_data(issuers=services.trusted_issuers()))


class IssuerCreateView(IssuerPage):
    """Trusts an issuer, and asks for its keys at once, so that a wrong address is seen."""

    title = gettext_lazy("Trust an issuer")
    permission_required = ADD
    shows_typed = True

    def get(self, request: HttpRequest) -> HttpResponse:
        return self._shown(
            with_typed(IssuerForm(initial={"algorithms": ["RS256"], "longest_age": 1440}), request)
        )

    def post(self, request: HttpRequest) -> HttpResponse:
        form = IssuerForm(request.POST)
        if form.is_valid():
            try:
                row = services.create_issuer(actor=request.user, **form.cleaned_data)
            except Invalid as refused:
                form.add_refusal(refused)
            else:
                text = _("%(name)s is trusted. Add a rule: its tokens are accepted by rules only.")
                messages.success(request, text % {"name": row.name})
                if request.user.has_perm(CHANGE):
                    _tell_keys(request, services.fetch_keys(row, actor=request.user))
                return self.redirect("trusted-issuer-detail", row.pk)
        return self._shown(form)

    def _shown(self, form: RefusableForm) -> HttpResponse:
        return self.show(form, reverse("trusted-issuer-list"), _("Trust"))


def _tell_keys(request: HttpRequest, row: TrustedIssuer) -> None:
    if row.keys_error:
        text = _("Its keys could not be fetched: %(error)s")
        messages.error(request, text % {"error": row.keys_error})
    else:
        messages.success(
            request, _("Its keys are fetched: %(number)d.") % {"number": len(row.keys)}
        )


class IssuerDetailView(IssuerPage):
    """One issuer: its rules in their order, its keys, its settings."""

    template_name = "connections/workloads/detail.html"
    permission_required = VIEW

    def get_title(self) -> str:
        return self.issuer.name

    def get_breadcrumbs(self) -> list[Crumb]:
        return super().get_breadcrumbs()[:2]

    def get(self, _request: HttpRequest, **_kwargs: Any) -> HttpResponse:
        context = {"issuer": self.issuer, "rules": services.rules_of(self.issuer)}
        return self.render_to_response(self.get_context_data(**context))


class IssuerUpdateView(IssuerPage):
    """Changes an issuer."""

    permission_required = CHANGE
    shows_typed = True

    def get_title(self) -> str:
        return _("Change %(name)s") % {"name": self.issuer.name}

    def get(self, request: HttpRequest, **_kwargs: Any) -> HttpResponse:
        initial = {name: getattr(self.issuer, name) for name in ENTRIES}
        return self._shown(with_typed(IssuerForm(initial=initial), request))

    def post(self, request: HttpRequest, **_kwargs: Any) -> HttpResponse:
        form = IssuerForm(request.POST)
        if form.is_valid() and done(
            form, lambda: services.change_issuer(self.issuer, form.cleaned_data, actor=request.user)
        ):
            messages.success(request, _("%(name)s is saved.") % {"name": self.issuer.name})
            return self.redirect("trusted-issuer-detail", self.issuer.pk)
        return self._shown(form)

    def _shown(self, form: RefusableForm) -> HttpResponse:
        return self.show(form, self.issuer.get_absolute_url(), _("Save"))


class IssuerKeysView(IssuerPage):
    """Fetches the keys of an issuer now."""

    permission_required = CHANGE

    @staticmethod
    def is_dangerous(_request: HttpRequest) -> bool:
        return False

    def post(self, request: HttpRequest, **_kwargs: Any) -> HttpResponse:
        _tell_keys(request, services.fetch_keys(self.issuer, actor=request.user))
        return self.redirect("trusted-issuer-detail", self.issuer.pk)


class IssuerActiveView(IssuerPage):
    """Switches an issuer on or off: `active` of the form."""

    permission_required = CHANGE

    def post(self, request: HttpRequest, **_kwargs: Any) -> HttpResponse:
        values = {"is_active": request.POST.get("active") == "yes"}
        services.change_issuer(self.issuer, values, actor=request.user)
        tell_switched(request, self.issuer.name, values)
        return self.redirect("trusted-issuer-detail", self.issuer.pk)


class IssuerDeleteView(IssuerPage):
    """Says what deleting an issuer hits, asks, and deletes it."""

    template_name = "connections/workloads/delete.html"
    permission_required = DELETE

    def get_title(self) -> str:
        return _("Delete %(name)s") % {"name": self.issuer.name}

    def get(self, _request: HttpRequest, **_kwargs: Any) -> HttpResponse:
        rules = services.rules_of(self.issuer)
        number = sum(requests_with(one.pk) for one in rules)
        context = {"row": self.issuer, "rules": rules, "requests": number, "is_issuer": True}
        return self.render_to_response(
            self.get_context_data(back=self.issuer.get_absolute_url(), **context)
        )

    def post(self, request: HttpRequest, **_kwargs: Any) -> HttpResponse:
        services.delete_issuer(self.issuer, actor=request.user)
        messages.success(request, _("%(name)s is deleted.") % {"name": self.issuer.name})
        return self.redirect("trusted-issuer-list")

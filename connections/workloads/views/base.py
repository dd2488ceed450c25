"""What the pages of trusted issuers share."""

from collections.abc import Callable, Mapping
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _

from connections.models import IssuerRule, TrustedIssuer
from connections.services import Invalid
from connections.views.base import Crumb, Page

from .. import services
from ..forms import RefusableForm

VIEW, ADD, CHANGE, DELETE = (
    f"connections.{verb}_trustedissuer" for verb in ("view", "add", "change", "delete")
)


class IssuerPage(Page):
    """A page about trusted issuers."""

    template_name = "connections/workloads/form.html"
    section = "people"

    @staticmethod
    def is_dangerous(request: HttpRequest) -> bool:
        return request.method == "POST"  # it says who comes in

    @property
    def issuer(self) -> TrustedIssuer:
        """The issuer in the address; 404 if there is none."""
        if not hasattr(self, "_issuer"):
            self._issuer = get_object_or_404(services.trusted_issuers(), pk=self.kwargs["pk"])
        return self._issuer

    @property
    def rule(self) -> IssuerRule:
        """The rule in the address; 404 if there is none."""
        if not hasattr(self, "_rule"):
            rows = services.rules_of(self.issuer)
            self._rule = get_object_or_404(rows, pk=self.kwargs["rule"])
        return self._rule

    def get_breadcrumbs(self) -> list[Crumb]:
        crumbs: list[Crumb] = [(_("Administration"), reverse("administration"))]
        crumbs.append((_("Trusted issuers"), reverse("trusted-issuer-list")))
        if "pk" in self.kwargs:
            crumbs.append((self.issuer.name, self.issuer.get_absolute_url()))
        return crumbs

    def show(self, form: RefusableForm, back: str, act: str) -> HttpResponse:
        """The page with its form."""
        return self.render_to_response(self.get_context_data(form=form, back=back, act=act))


def done(form: RefusableForm, act: Callable[[], Any]) -> bool:
    """Runs a service; False with its refusal in the form."""
    try:
        act()
    except Invalid as refused:
        form.add_refusal(refused)
        return False
    return True


def tell_switched(request: HttpRequest, name: str, values: Mapping[str, bool]) -> None:
    """Says that an issuer or a rule was switched."""
    said = _("%(name)s was switched off.")
    if values["is_active"]:
        said = _("%(name)s was switched on.")
    messages.success(request, said % {"name": name})

"""The pages of an issuer's rules."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from connections.consequences import requests_with
from connections.views.typed import with_typed

from .. import services
from ..forms import RefusableForm, RuleForm
from .base import CHANGE, IssuerPage, done, tell_switched

ENTRIES = (
    *("name", "conditions", "account", "scopes", "requests_per_minute", "tokens_per_day"),
    "position",
)


class RuleCreateView(IssuerPage):
    """Adds a rule to an issuer."""

    title = gettext_lazy("Add a rule")
    permission_required = CHANGE
    shows_typed = True

    def get(self, request: HttpRequest, **_kwargs: Any) -> HttpResponse:
        last = services.rules_of(self.issuer).last()
        initial = {"position": last.position + 1 if last else 1, "scopes": ["gateway:use"]}
        return self._shown(with_typed(RuleForm(initial=initial), request))

    def post(self, request: HttpRequest, **_kwargs: Any) -> HttpResponse:
        form = RuleForm(request.POST)
        if form.is_valid() and done(
            form,
            lambda: services.create_rule(self.issuer, actor=request.user, **form.cleaned_data),
        ):
            said = _("The rule %(name)s is added.")
            messages.success(request, said % {"name": form.cleaned_data["name"]})
            return self.redirect("trusted-issuer-detail", self.issuer.pk)
        return self._shown(form)

    def _shown(self, form: RefusableForm) -> HttpResponse:
        return self.show(form, self.issuer.get_absolute_url(), _("Add"))


class RuleUpdateView(IssuerPage):
    """Changes a rule."""

    permission_required = CHANGE
    shows_typed = True

    def get_title(self) -> str:
        return _("Change %(name)s") % {"name": self.rule.name}

    def get(self, request: HttpRequest, **_kwargs: Any) -> HttpResponse:
        initial = {name: getattr(self.rule, name) for name in ENTRIES}
        initial["profiles"] = sorted(one.alias for one in self.rule.profiles.all())
        return self._shown(with_typed(RuleForm(initial=initial), request))

    def post(self, request: HttpRequest, **_kwargs: Any) -> HttpResponse:
        form = RuleForm(request.POST)
        if form.is_valid() and done(
            form, lambda: services.change_rule(self.rule, form.cleaned_data, actor=request.user)
        ):
            messages.success(request, _("%(name)s is saved.") % {"name": self.rule.name})
            return self.redirect("trusted-issuer-detail", self.issuer.pk)
        return self._shown(form)

    def _shown(self, form: RefusableForm) -> HttpResponse:
        return self.show(form, self.issuer.get_absolute_url(), _("Save"))


class RuleActiveView(IssuerPage):
    """Switches a rule on or off: `active` of the form."""

    permission_required = CHANGE

    def post(self, request: HttpRequest, **_kwargs: Any) -> HttpResponse:
        values = {"is_active": request.POST.get("active") == "yes"}
        services.change_rule(self.rule, values, actor=request.user)
        tell_switched(request, self.rule.name, values)
        return self.redirect("trusted-issuer-detail", self.issuer.pk)


class RuleDeleteView(IssuerPage):
    """Says what deleting a rule hits, asks, and deletes it."""

    template_name = "connections/workloads/delete.html"
    permission_required = CHANGE

    def get_title(self) -> str:
        return _("Delete %(name)s") % {"name": self.rule.name}

    def get(self, _request: HttpRequest, **_kwargs: Any) -> HttpResponse:
        context = {"row": self.rule, "rules": [self.rule], "requests": requests_with(self.rule.pk)}
        return self.render_to_response(
            self.get_context_data(back=self.issuer.get_absolute_url(), **context)
        )

    def post(self, request: HttpRequest, **_kwargs: Any) -> HttpResponse:
        services.delete_rule(self.rule, actor=request.user)
        messages.success(request, _("%(name)s is deleted.") % {"name": self.rule.name})
        return self.redirect("trusted-issuer-detail", self.issuer.pk)

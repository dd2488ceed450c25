"""The page of default profiles: which one answers when none is named."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from providers.core.base import Capability

from .. import services
from ..lookup import all_by_id_or_alias
from ..models import Profile
from .base import Crumb, Page, tell_done
from .profiles import LIST
from .typed import with_typed

HELP = {
    Capability.CHAT: gettext_lazy(
        "Answers chat requests that name no profile. It cannot be deleted while it is the default."
    ),
    Capability.EMBEDDING: gettext_lazy(
        "Answers embedding requests that name no profile. It cannot be deleted while it is the "
        "default."
    ),
}


class DefaultsForm(forms.Form):
    """One field a capability: the id or alias of a profile, or nothing."""

    def __init__(
        self, chosen: Mapping[str, Profile | None], may_change: bool, data: Any = None
    ) -> None:
        super().__init__(
            data,
            initial={
                capability: profile.alias if profile else ""
                for capability, profile in chosen.items()
            },
        )
        for capability in chosen:
            found = Profile.objects.filter(capability=capability).values_list("alias", "name")[:200]
            choices = [("", _("None")), *((alias, f"{name} ({alias})") for alias, name in found)]
            self.fields[capability] = forms.CharField(
                required=False,
                label=capability,
                disabled=not may_change,
                widget=forms.Select(choices=choices),
                help_text=HELP[Capability(capability)],
            )

    def profiles(self) -> dict[str, Profile | None]:
        """The chosen profile of each capability.

        An alias that is gone meanwhile is an error at its field.
        """
        wanted = dict(self.cleaned_data)
        found = all_by_id_or_alias(Profile.objects.all(), wanted.values())
        for capability, alias in wanted.items():
            if alias and alias not in found:
                self.add_error(capability, _("There is no profile with this id or alias."))
        return {capability: found.get(alias) for capability, alias in wanted.items()}


class DefaultsView(Page):
    """Default profiles."""

    template_name = "connections/defaults.html"
    title = gettext_lazy("Default profiles")
    section = "profiles"
    permission_required = "connections.view_defaultprofile"
    shows_typed = True

    def get_breadcrumbs(self) -> list[Crumb]:
        return [LIST]

    def form(self, data: Any = None) -> DefaultsForm:
        """The form; who may not change it sees it disabled."""
        may_change = self.request.user.has_perm("connections.change_defaultprofile")
        return DefaultsForm(services.default_profiles(), may_change, data)

    def get(self, request: HttpRequest) -> HttpResponse:
        form = with_typed(self.form(), request)
        return self.render_to_response(self.get_context_data(form=form))

    def post(self, request: HttpRequest) -> HttpResponse:
        services.require(request.user, "connections.change_defaultprofile")
        form = self.form(request.POST)
        if form.is_valid():
            chosen = form.profiles()
            if form.is_valid() and self._saved(form, chosen):
                return self.redirect("defaults")
        return self.render_to_response(self.get_context_data(form=form))

    def _saved(self, form: DefaultsForm, chosen: Mapping[str, Profile | None]) -> bool:
        try:
            step = services.set_default_profiles(chosen, actor=self.request.user)
        except services.Invalid as refused:
            for error in refused.errors:
                form.add_error(error.field, forms.ValidationError(error.message, error.code))
            return False
        tell_done(self.request, _("The default profiles are saved."), step)
        return True

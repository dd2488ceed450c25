"""The page on which a person chooses how they see pages, and the choice of who is not signed in."""

from functools import cache
from itertools import groupby
from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.i18n import set_language

from connections.views.base import Page

from ..localization import show_as_chosen
from . import services

AS_THE_BROWSER_SAYS = gettext_lazy("As the browser says")

# Keeps the language in a cookie, for the pages before somebody has signed in.
choose_language = login_not_required(set_language)


class PreferencesForm(forms.Form):
    """The language and the time zone; an empty one is what the browser says."""

    language = forms.ChoiceField(
        label=gettext_lazy("Language"),
        required=False,
        help_text=gettext_lazy("Of pages. The API, commands and files are in English."),
    )
    time_zone = forms.ChoiceField(
        label=gettext_lazy("Time zone"),
        required=False,
        help_text=gettext_lazy("Of times and days on pages."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        fields: Any = self.fields
        fields["language"].choices = [("", AS_THE_BROWSER_SAYS), *settings.LANGUAGES]
        fields["time_zone"].choices = [("", AS_THE_BROWSER_SAYS), ("UTC", "UTC"), *_zones()]


class PreferencesView(Page):
    """How one sees pages, and the way to one's password."""

    template_name = "people/preferences.html"
    title = gettext_lazy("Your settings")
    section = "you"
    permission_required = ()

    def get(self, request: HttpRequest) -> HttpResponse:
        chosen = getattr(request.user, "preferences", None)
        initial = {"language": chosen.language, "time_zone": chosen.time_zone} if chosen else {}
        return self.show(PreferencesForm(initial=initial))

    def post(self, request: HttpRequest) -> HttpResponse:
        form = PreferencesForm(request.POST)
        if not form.is_valid():
            return self.show(form)
        person: Any = request.user
        services.choose(person, form.cleaned_data["language"], form.cleaned_data["time_zone"])
        show_as_chosen(request)
        messages.success(request, _("Your settings are saved."))
        response = self.redirect("preferences")
        response.delete_cookie(settings.LANGUAGE_COOKIE_NAME)
        return response

    def show(self, form: PreferencesForm) -> HttpResponse:
        """The page with its form."""
        user: Any = self.request.user
        mine = user.memberships.select_related("team").order_by("team__name")
        return self.render_to_response(self.get_context_data(form=form, memberships=mine))


@cache  # the names are in 600 files
def _zones() -> list[tuple[str, list[tuple[str, str]]]]:
    """The time zones of this machine by their region: those with a region in their name."""
    names = sorted(one for one in available_timezones() if one[0].isupper() and "/" in one)
    regions = groupby(names, lambda name: name.partition("/")[0])
    shown = [
        (region, [(name, name.partition("/")[2].replace("_", " ")) for name in found])
        for region, found in regions
    ]
    return [one for one in shown if one[0] not in ("Etc", "SystemV", "US")]

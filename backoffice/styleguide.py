"""The page that shows every element of the pages once, for whoever changes them."""

from django import forms
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse

from connections.views.base import Page

COLOURS = (
    *("ground", "surface", "raised", "line", "line-button", "line-strong", "text", "muted"),
    *("accent", "accent-strong", "on-accent", "good", "good-ground"),
    *("bad", "bad-ground", "warn", "warn-ground"),
)
SIZES = (
    {"name": "xs", "pixels": 12, "use": "heads of tables, badges, aliases in rows"},
    {"name": "s", "pixels": 13, "use": "help, notes, small buttons"},
    {"name": "m", "pixels": 14, "use": "everything else"},
    {"name": "l", "pixels": 16, "use": "heads of cards, fields on a touch screen"},
    {"name": "xl", "pixels": 20, "use": "the page's title"},
    {"name": "2xl", "pixels": 24, "use": "numbers that stand alone"},
)
TONES = (("good", "Works"), ("bad", "Failing"), ("warn", "Reference missing"), ("", "Not tested"))
ICONS = (
    *("home", "bell-alert", "link", "adjustments-horizontal", "currency-dollar", "chart-bar"),
    *("key", "puzzle-piece", "clock", "users", "user-circle", "bars-3"),
)


class _ExampleForm(forms.Form):
    name = forms.CharField(help_text="For people.")
    provider = forms.ChoiceField(choices=[("openai", "OpenAI"), ("echo", "Echo")])
    is_active = forms.BooleanField(label="Active", help_text="Switched off, nothing can use it.")
    endpoint = forms.CharField(help_text="Where the API lives.")


class StyleguideView(Page):
    """Shown where DEBUG is on; elsewhere there is no such page."""

    template_name = "styleguide.html"
    title = "Style guide"
    section = "styleguide"
    permission_required = "connections.view_connection"

    def get(self, _request: HttpRequest) -> HttpResponse:
        if not settings.DEBUG:
            raise Http404
        form = _ExampleForm({"name": "OpenAI Berlin", "provider": "openai", "is_active": True})
        context = {"form": form, "colours": COLOURS, "sizes": SIZES, "tones": TONES}
        kinds = ("success", "warning", "error")
        return self.render_to_response(
            self.get_context_data(**context, icons=ICONS, messages_of=kinds)
        )

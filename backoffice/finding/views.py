"""The page that finds anything, whose part the palette shows, and the page of keys."""

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy

from connections.views.base import Page

from .services import find


class FindView(Page):
    """Everything that a text fits, for everybody: each finds what they may see."""

    template_name, fragment_name = "finding/find.html", "finding/_found.html"
    title = gettext_lazy("Find")
    section = "find"
    permission_required = ()

    def get(self, request: HttpRequest) -> HttpResponse:
        text = request.GET.get("q", "")
        groups = find(text, actor=request.user)
        number = sum(one.total for one in groups)
        context = self.get_context_data(q=text, groups=groups, number=number)
        return self.render_to_response(context)


class KeysView(Page):
    """The keys that the pages know."""

    template_name, fragment_name = "finding/keys.html", "finding/_keys.html"
    title = gettext_lazy("Keys")
    section = "find"
    permission_required = ()

    def get(self, _request: HttpRequest) -> HttpResponse:
        return self.render_to_response(self.get_context_data())

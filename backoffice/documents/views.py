"""The pages of the documents. They are open to everybody: they hold nothing of this installation,
and who cannot sign in needs them most.
"""

from pathlib import Path

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from connections.views.base import Crumb, Page

from .files import FIRST, SHOWN, address_of, attachments, documents
from .index import groups, neighbours
from .rendering import Outline, outline, render
from .searching import search


@method_decorator(login_not_required, name="dispatch")
class _OpenPage(Page):
    section = "documents"
    permission_required = ()

    def get_context_data(self, **kwargs: object) -> dict[str, object]:
        return super().get_context_data(groups=groups(), **kwargs)

    def get_breadcrumbs(self) -> list[Crumb]:
        return [(_("Documents"), address_of(FIRST))]


class DocumentView(_OpenPage):
    """A document; without a name the index of all."""

    template_name = "documents/document.html"
    title = gettext_lazy("Documents")
    document: Outline

    def get(self, _request: HttpRequest, name: str = "index") -> HttpResponse:
        path = documents().get(name)
        if path is None or (name == "index" and self.kwargs):
            raise Http404(_("There is no such document."))
        self.document, address = outline(path), address_of(path)
        before, after = neighbours(address)
        context: dict[str, object] = {"here": address, "before": before, "after": after}
        context |= {"chapters": self.document.chapters, "body": render(path)}
        return self.render_to_response(self.get_context_data(**context))

    def get_title(self) -> str:
        return self.document.title

    def get_breadcrumbs(self) -> list[Crumb]:
        return super().get_breadcrumbs() if self.kwargs else []


class SearchView(_OpenPage):
    """The sections that fit some words."""

    template_name, fragment_name = "documents/search.html", "documents/_found.html"
    title = gettext_lazy("Search the documents")

    def get(self, request: HttpRequest) -> HttpResponse:
        text = request.GET.get("q", "")[:200]
        context = self.get_context_data(q=text, found=search(text) if text.strip() else ())
        return self.render_to_response(context)


@login_not_required
def show_file(_request: HttpRequest, name: str) -> FileResponse:
    """A picture or a data file of the documents."""
    path = attachments().get(name)
    if path is None:
        raise Http404
    file = Path(settings.BASE_DIR) / path
    return FileResponse(file.open("rb"), content_type=SHOWN[file.suffix])

"""The drawings of brands' marks, which pages use by reference: one file each, kept by browsers."""

from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.views.decorators.http import require_safe

from providers.core.marks import find_mark

YEAR = "public, max-age=31536000, immutable"  # the address has the version of the packages


@require_safe
@login_not_required
def mark(_request: HttpRequest, name: str) -> HttpResponse:
    """The mark of this name as a symbol. It is the same for everybody, signed in or not."""
    found = find_mark(name)
    if found is None:
        raise Http404
    text = render_to_string("elements/mark.svg", {"mark": found})
    return HttpResponse(text, "image/svg+xml", headers={"Cache-Control": YEAR})

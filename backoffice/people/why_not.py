"""The page behind "Why may I not?": a link to it stands where a control is not offered."""

from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from connections.views.base import Page

from .reasons import reason
from .words_of_rights import words_of_all


class WhyNotView(Page):
    """Says about one right who has it, who can give it, and what the person may do instead."""

    template_name = "people/why_not.html"
    title = gettext_lazy("Why may I not?")
    section = ""
    permission_required = ()

    def get(self, request: HttpRequest, right: str) -> HttpResponse:
        known = words_of_all({right})
        if not known:
            raise Http404(_("There is no such right."))
        context = {
            "back": self.came_from(),
            "has": known[right] if request.user.has_perm(right) else "",
            "reason": reason(request.user, [right]),
        }
        return self.render_to_response(self.get_context_data(**context))

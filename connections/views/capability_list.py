"""The first step of adding a profile."""

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy

from providers.core.base import Capability

from .profiles import ProfilePage

CAPABILITY_TEXTS = {
    Capability.CHAT: gettext_lazy("Conversations: a model, a temperature, a system prompt."),
    Capability.EMBEDDING: gettext_lazy("Vectors of texts, for search and comparison."),
}


class CapabilityListView(ProfilePage):
    """The first step of adding a profile: what it is for."""

    template_name = "connections/profiles/capability_list.html"
    title = gettext_lazy("Add a profile")
    permission_required = "connections.add_profile"

    def get(self, request: HttpRequest) -> HttpResponse:
        context = {
            "capabilities": CAPABILITY_TEXTS.items(),
            "connection": request.GET.get("connection", ""),
        }
        return self.render_to_response(self.get_context_data(**context))

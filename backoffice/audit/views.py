"""The page of one event, and the exports."""

from collections.abc import Sequence
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from connections.audit.services import FILTERS, VIEW, BadFilter, event, told
from connections.viewing import current_viewer, viewed
from connections.views.base import Crumb, Page
from gateway.models import UsageRecord
from gateway.usage.records import filtered

from .exporting import FORMATS, export
from .lists import ACTORS, SURFACES
from .naming import addresses
from .stream.services import states
from .streaming import streamed


class EventView(Page):
    """One event: what was done, by whom, from where, and what it changed."""

    template_name = "audit/event.html"
    title = _("Event")
    section = "audit"
    permission_required = ()
    refusal = _("You may not see who did what.")

    def get_breadcrumbs(self) -> Sequence[Crumb]:
        if self.request.user.has_perm(VIEW):
            return ((gettext("Audit"), reverse("audit-list")),)
        return ((gettext("What I did"), reverse("own-acts")),)

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        user: Any = request.user
        found = event(pk) if user.has_perm(VIEW) else None
        found = found or event(pk, actor=user)
        if found is None:
            raise Http404
        (line,) = told([found])
        named = [(kind, one) for kind, one, _name in line.others]
        named += [(found.object_kind, found.object_id), ("person", found.actor_id)]
        named.append((found.token_kind, line.token_id))
        pages = addresses(named, user)
        context = {
            "line": line,
            "event": found,
            "object_address": pages.get((found.object_kind, found.object_id), ""),
            "actor_address": pages.get(("person", found.actor_id), ""),
            "token_address": pages.get((found.token_kind, line.token_id), ""),
            "others": [(kind, name, pages.get((kind, one), "")) for kind, one, name in line.others],
            "usage_address": self._usage_address(found.request_id),
            "sees_all": user.has_perm(VIEW),
            "surface": SURFACES.get(found.surface, found.surface),
            "actor_kind": ACTORS.get(found.actor_kind, found.actor_kind),
        }
        return self.render_to_response(self.get_context_data(**context))

    def _usage_address(self, request_id: str) -> str:
        if not request_id or not self.request.user.has_perm("gateway.view_usagerecord"):
            return ""
        row = filtered(UsageRecord.objects.all(), {"request": request_id}).first()
        return reverse("usage-record", args=[row.key]) if row and row.key else ""


class ExportView(Page):
    """All events that the filters leave, as a file: JSON Lines or CSV."""

    section = "audit"
    permission_required = VIEW
    refusal = _("You may not see who did what.")

    def post(self, request: HttpRequest) -> HttpResponse | StreamingHttpResponse:
        filters = {name: request.POST.get(name, "") for name in FILTERS}
        kind = request.POST.get("format", "")
        if kind not in FORMATS:
            raise Http404
        try:
            name, media_type, parts = export(filters, kind, actor=request.user)
        except BadFilter:
            return self.redirect("audit-list")
        # made while it is sent, when nobody looks any more
        return streamed(request, viewed(current_viewer(), parts), name, media_type)


class StreamsView(Page):
    """The targets to which events are streamed, and how that goes."""

    template_name = "audit/streams.html"
    title = _("Where the audit goes")
    section = "audit"
    permission_required = (VIEW, "connections.add_connectiontype")

    def get_breadcrumbs(self) -> Sequence[Crumb]:
        return ((gettext("Audit"), reverse("audit-list")),)

    def get(self, _request: HttpRequest) -> HttpResponse:
        return self.render_to_response(self.get_context_data(states=states()))

"""The pages of notices, and of the targets that they are sent to."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from connections.services import Invalid
from connections.views.base import Crumb, Page
from connections.views.typed import with_typed

from ..attention.kinds import KINDS
from ..models import Notice, NoticeTarget
from . import services
from .forms import TargetForm

PAGE_SIZE = 25
NAMED = 10  # faults of a notice that its line lists
VIEW, ADD, CHANGE, DELETE = (
    f"gateway.{verb}_noticetarget" for verb in ("view", "add", "change", "delete")
)


class NoticeListView(Page):
    """Notices, the newest first. The newest of them count as seen once the page says so."""

    template_name = "gateway/notices/list.html"
    title = _("Notices")
    section = "notices"
    permission_required = "connections.view_connection"

    def get(self, request: HttpRequest) -> HttpResponse:
        kind = request.GET.get("kind", "")
        rows = services.notices(actor=request.user, kind=kind if kind in KINDS else "")
        page = Paginator(rows, PAGE_SIZE).get_page(request.GET.get("page"))
        seen = services.seen_to(request.user)
        context = {
            "page": page,
            "lines": [_line(one, seen, request.user) for one in page.object_list],
            "newest": page.object_list[0].pk if page.number == 1 and page.object_list else 0,
            "kinds": KINDS.items(),
            "kind": kind,
        }
        return self.render_to_response(self.get_context_data(**context))


def _line(row: Notice, seen: int, actor: Any) -> dict[str, Any]:
    items = services.told_to(row, actor)
    return {
        "notice": row,
        "headline": services.headline(row.kind, row.event, items),
        "label": gettext("Over") if row.event == "recovered" else KINDS.get(row.kind, row.kind),
        "tone": {"recovered": "good", "flapped": "warn"}.get(row.event) or _tone(row.severity),
        "items": items[:NAMED],
        "more": max(0, len(items) - NAMED),
        "is_new": row.pk > seen,
    }


def _tone(severity: str) -> str:
    return {"critical": "bad", "warning": "warn"}.get(severity, "quiet")


class NoticesSeenView(Page):
    """Notes that somebody has seen the notices up to one: `to` of the form."""

    section = "notices"
    permission_required = "connections.view_connection"

    def post(self, request: HttpRequest) -> HttpResponse:
        to = self.posted("to")
        services.mark_seen(int(to) if to.isdecimal() and len(to) < 19 else 0, actor=request.user)
        return self.back("notice-list")


class TargetListView(Page):
    """Every target, and how the last message to it went."""

    template_name = "gateway/notices/targets.html"
    title = _("Where notices go")
    section = "notices"
    permission_required = VIEW

    def rows(self) -> QuerySet[NoticeTarget]:
        """The targets, by name."""
        return services.targets(actor=self.request.user)

    def get_breadcrumbs(self) -> list[Crumb]:
        return [(gettext("Notices"), reverse("notice-list"))]

    def get(self, _request: HttpRequest) -> HttpResponse:
        return self.render_to_response(self.get_context_data(targets=self.rows()))


class TargetPage(Page):
    """The base of the pages of one target."""

    template_name = "gateway/notices/target.html"
    section = "notices"
    secret_entries = ("address",)

    @property
    def row(self) -> NoticeTarget:
        """The target in the address; 404 if there is none that the person may see."""
        rows = services.targets(actor=self.request.user)
        return get_object_or_404(rows, pk=self.kwargs["pk"])

    def get_breadcrumbs(self) -> list[Crumb]:
        return [
            (gettext("Notices"), reverse("notice-list")),
            (gettext("Where notices go"), reverse("notice-target-list")),
        ]

    def show(self, form: TargetForm, **context: Any) -> HttpResponse:
        """The page."""
        return self.render_to_response(self.get_context_data(form=form, **context))


class TargetCreateView(TargetPage):
    """A new target. The key of a webhook is shown once, on the page that follows."""

    title = _("Add a target")
    permission_required = ADD
    shows_typed = True

    def form(self, **kwargs: Any) -> TargetForm:
        """The form, bound when given `data`."""
        teams = services.teams_for(self.request.user)
        return TargetForm(f"notice-target:{self.request.user.pk}", teams=teams, **kwargs)

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.show(with_typed(self.form(), request))

    def post(self, request: HttpRequest) -> HttpResponse:
        form = self.form(data=request.POST)
        if form.is_valid():
            posted = form.posted()
            try:
                team = services.team_for(request.user, posted.pop("team", None))
                row, secret = services.create_target(actor=request.user, team=team, **posted)
            except Invalid as refused:
                form.add_refusal(refused)
            else:
                return self.show(_form_of(request, row), row=row, secret=secret, is_made=True)
        return self.show(form)


class TargetUpdateView(TargetPage):
    """Changes a target."""

    permission_required = CHANGE
    shows_typed = True

    def get_title(self) -> str:
        return self.row.name

    def get(self, request: HttpRequest, pk: UUID) -> HttpResponse:  # noqa: ARG002 `row` reads it
        return self.show(with_typed(_form_of(request, self.row), request), row=self.row)

    def post(self, request: HttpRequest, pk: UUID) -> HttpResponse:  # noqa: ARG002
        row = self.row
        form = _form_of(request, row, data=request.POST)
        if form.is_valid():
            try:
                services.update_target(row, form.posted(), actor=request.user)
            except Invalid as refused:
                form.add_refusal(refused)
            else:
                messages.success(request, gettext("%(name)s is saved.") % {"name": row.name})
                return self.redirect("notice-target-list")
        return self.show(form, row=row)


def _form_of(request: HttpRequest, row: NoticeTarget, **kwargs: Any) -> TargetForm:
    purpose = f"notice-target:{row.pk}:{request.user.pk}"
    initial = {name: getattr(row, name) for name in services.COLUMNS}
    return TargetForm(purpose, row, initial=initial, **kwargs)


class TargetSecretView(TargetPage):
    """Makes a new key for a webhook, and shows it once."""

    permission_required = CHANGE

    def get_title(self) -> str:
        return self.row.name

    def post(self, request: HttpRequest, pk: UUID) -> HttpResponse:  # noqa: ARG002
        row = self.row
        try:
            secret = services.renew_secret(row, actor=request.user)
        except Invalid as refused:
            messages.error(request, refused.errors[0].message)
            return self.redirect("notice-target-update", row.pk)
        return self.show(_form_of(request, row), row=row, secret=secret)


class TargetTestView(TargetPage):
    """Sends one message to a target."""

    permission_required = CHANGE

    def post(self, request: HttpRequest, pk: UUID) -> HttpResponse:  # noqa: ARG002
        row = self.row
        outcome = services.test_target(row, actor=request.user)
        tell = messages.success if outcome.success else messages.error
        tell(request, f"{row.name}: {outcome.message}")
        return self.back("notice-target-list")


class TargetDeleteView(TargetPage):
    """Asks, and deletes a target."""

    template_name = "gateway/notices/target_delete.html"
    permission_required = DELETE

    def get_title(self) -> str:
        return gettext("Delete %(name)s") % {"name": self.row.name}

    def get(self, _request: HttpRequest, pk: UUID) -> HttpResponse:  # noqa: ARG002
        return self.render_to_response(self.get_context_data(row=self.row))

    def post(self, request: HttpRequest, pk: UUID) -> HttpResponse:  # noqa: ARG002
        row = self.row
        services.delete_target(row, actor=request.user)
        messages.success(request, gettext("%(name)s is deleted.") % {"name": row.name})
        return self.redirect("notice-target-list")

"""Pages of versions, and of what was deleted."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any, ClassVar

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from connections.errors import Invalid, Stale
from connections.views.base import Crumb, Page, tell_done

from . import services
from .addresses import above, address_of, is_number, list_address

PAGE_SIZE = 20


class VersionsPage(Page):
    """A page about the versions of a thing. `kind`: of which, where the address does not say it."""

    kind: ClassVar[str] = ""
    permission_required = "connections.view_connection"  # and what the kind takes

    @cached_property
    def subject(self) -> services.Subject:
        """What is in the address; 404 if there is none that the person may see."""
        kind = self.kind or self.kwargs["kind"]
        text = str(self.kwargs["pk"] if self.kind else self.kwargs["id"])
        found = services.find_subject(kind, text, actor=self.request.user)
        if found is None or (not self.kind and kind in ("connection", "profile")):
            raise Http404(_("There is nothing here."))
        return found

    def get_breadcrumbs(self) -> Sequence[Crumb]:
        return above(self.subject)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        self.section = above(self.subject)[0][1].strip("/").partition("/")[0]  # type: ignore[misc]
        known = {"subject": self.subject, "may_change": self.subject.may_change(self.request.user)}
        return super().get_context_data(**known, **kwargs)

    def shown(self, number: int) -> Any:
        """A version and what it has; 404 where it is not kept."""
        try:
            return services.show_version(self.subject, number)
        except Invalid as refused:
            raise Http404(refused.errors[0].message) from None


class VersionListView(VersionsPage):
    """Every version that is kept, the newest first."""

    template_name = "connections/history/versions.html"

    def get_title(self) -> str:
        return _("Versions of %(name)s") % {"name": self.subject.name}

    def get(self, request: HttpRequest, **_kwargs: Any) -> HttpResponse:
        total, _none = services.list_versions(self.subject, 0)
        page = Paginator(range(total), PAGE_SIZE).get_page(request.GET.get("page"))
        skip = max(page.start_index() - 1, 0)
        _total, found = services.list_versions(self.subject, PAGE_SIZE, skip)
        rows = [(one, address_of(self.subject, one.number)) for one in found]
        return self.render_to_response(self.get_context_data(page=page, rows=rows))


class VersionView(VersionsPage):
    """One version beside another one; named, pinned and restored from here."""

    template_name = "connections/history/version.html"

    def get_title(self) -> str:
        values = {"number": self.kwargs["number"], "name": self.subject.name}
        return _("Version %(number)s of %(name)s") % values

    def get_breadcrumbs(self) -> Sequence[Crumb]:
        return [*above(self.subject), (_("Versions"), list_address(self.subject))]

    def get(self, request: HttpRequest, number: int, **_kwargs: Any) -> HttpResponse:
        entry, content = self.shown(number)
        _total, all_ = services.list_versions(self.subject, 100)
        others = [one for one in all_ if one.number != number]
        beside = self._beside(request.GET.get("with", ""), entry, others)
        compared = services.compare(self.subject, number, beside) if beside else []
        context: dict[str, Any] = {"entry": entry, "content": content, "others": others}
        context |= {"beside": beside, "compared": compared, "plans": []}
        if not entry.is_current and self.subject.may_change(request.user):
            context["plans"] = [*self._plans(number)]
        return self.render_to_response(self.get_context_data(**context))

    def _beside(self, text: str, entry: services.Entry, others: list[services.Entry]) -> int:
        """The version to compare with: the one in the address, else the newest, or the one before
        that; 0 without another.
        """
        if is_number(text) and int(text) != entry.number:
            self.shown(int(text))
            return int(text)
        return others[0].number if others else 0

    def _plans(self, number: int) -> Any:
        """What restoring it would do, and what it would do with the secrets of then."""
        who = self.request.user
        yield "", services.plan(self.subject, number, actor=who)
        if self.subject.may_have_secrets(who):
            yield "yes", services.plan(self.subject, number, actor=who, with_secrets=True)

    def post(self, request: HttpRequest, number: int, **_kwargs: Any) -> HttpResponse:
        self.shown(number)
        try:
            if self.posted("action") == "name":
                name, is_pinned = self.posted("name"), "pin" in request.POST
                services.mark_version(
                    self.subject, number, actor=request.user, name=name, is_pinned=is_pinned
                )
                messages.success(request, _("Saved."))
                return self.redirect(address_of(self.subject, number))
            return self._restored(number)
        except Invalid as refused:
            for one in refused.errors:
                messages.error(request, one.message)
        except Stale as stale:
            messages.error(request, str(stale))
        return self.redirect(address_of(self.subject, number))

    def _restored(self, number: int) -> HttpResponse:
        made = services.restore(
            self.subject,
            number,
            actor=self.request.user,
            expected_version=self.version_shown(),
            with_secrets=self.posted("secrets") == "yes",
        )
        text = _("%(name)s is as in version %(number)d again.")
        same = _("%(name)s was as in version %(number)d already.")
        said = (text if made.changed else same) % {"name": made.subject.name, "number": number}
        tell_done(self.request, said, made.step)
        self.tell(made.notices)
        return self.redirect(list_address(made.subject))


class ConnectionVersionListView(VersionListView):
    """The versions of a connection."""

    kind = "connection"


class ProfileVersionListView(VersionListView):
    """The versions of a profile."""

    kind = "profile"
    permission_required = "connections.view_profile"


class ConnectionVersionView(VersionView):
    """One version of a connection."""

    kind = "connection"


class ProfileVersionView(VersionView):
    """One version of a profile."""

    kind = "profile"
    permission_required = "connections.view_profile"


class DeletedListView(Page):
    """What was deleted and can come back."""

    template_name = "connections/history/deleted.html"
    title = gettext_lazy("Deleted")
    permission_required = "connections.view_connection"

    def get_breadcrumbs(self) -> Sequence[Crumb]:
        return [(_("Connections"), reverse("connection-list"))]

    def get(self, request: HttpRequest) -> HttpResponse:
        found = services.deleted_rows(request.user)
        page = Paginator(found, PAGE_SIZE).get_page(request.GET.get("page"))
        rows = [(one, services.may_restore_deleted(one, request.user)) for one in page]
        return self.render_to_response(self.get_context_data(page=page, rows=rows))


class DeletedRestoreView(Page):
    """Says what would come back, asks, and brings it back."""

    template_name = "connections/history/deleted_restore.html"
    permission_required = "connections.add_connection"

    @cached_property
    def deleted(self) -> services.Deleted:
        """What is in the address; 404 if there is none that the person may see."""
        found = services.find_deleted(self.kwargs["pk"], actor=self.request.user)
        if found is None:
            raise Http404(_("There is nothing here."))
        return found

    def get_title(self) -> str:
        return _("Restore %(name)s") % {"name": self.deleted.name}

    def get_breadcrumbs(self) -> Sequence[Crumb]:
        return [(_("Deleted"), reverse("deleted-list"))]

    def get(self, request: HttpRequest, **_kwargs: Any) -> HttpResponse:
        if not services.may_restore_deleted(self.deleted, request.user):
            raise PermissionDenied
        may_have = services.may_restore_secrets(self.deleted, request.user)
        context = {"deleted": self.deleted, "may_have_secrets": may_have}
        return self.render_to_response(self.get_context_data(**context))

    def post(self, request: HttpRequest, **_kwargs: Any) -> HttpResponse:
        try:
            made = services.restore_deleted(
                self.deleted,
                actor=request.user,
                with_profiles="profiles" in request.POST,
                with_secrets="secrets" in request.POST,
                alias=self.posted("alias"),
            )
        except Invalid as refused:
            for one in refused.errors:
                messages.error(request, one.message)
            return self.redirect("deleted-restore", self.deleted.id)
        messages.success(request, services.said_back(made))
        self.tell(made.notices)
        return self.redirect(made.row)

"""The base of every page: title, breadcrumbs, page or fragment, redirects and messages."""

from collections.abc import Sequence
from typing import Any, ClassVar

from django.contrib import messages
from django.contrib.auth.mixins import PermissionRequiredMixin
from django.core.exceptions import ObjectDoesNotExist
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.cache import patch_vary_headers
from django.utils.functional import Promise
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.generic.base import ContextMixin, TemplateResponseMixin, View
from django_htmx.http import HttpResponseClientRedirect

from ..catalog import confirm_types
from ..models import ConnectionCheck, UndoStep, VersionedModel
from ..services import MissingRight, Notice, Stale, Throttled, require
from ..wording import outcome_in_words

Text = str | Promise  # a promise: translated when it is shown
Crumb = tuple[Text, str]  # text, address


class Page(PermissionRequiredMixin, TemplateResponseMixin, ContextMixin, View):
    """One page.

    `fragment_name` is the part of it that htmx gets; the page includes the same fragment.
    """

    title: ClassVar[Text] = ""
    fragment_name: ClassVar[str] = ""
    section: ClassVar[str] = "connections"
    refusal: ClassVar[Text] = gettext_lazy("You may not see this.")  # to whoever lacks a right
    shows_typed: ClassVar[bool] = False  # its `get` shows `typed_before` in its form
    secret_entries: ClassVar[tuple[str, ...]] = ()  # of its form, never kept
    raise_exception = True

    @staticmethod
    def is_dangerous(_request: HttpRequest) -> bool:
        """True if this request of the page needs that its person proved lately who they are."""
        return False

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        confirm_types()
        try:
            response = super().dispatch(request, *args, **kwargs)
        except Throttled as error:
            messages.error(request, str(error))
            return self.back(self.came_from() or "dashboard")
        except (Http404, ObjectDoesNotExist) as error:
            if request.htmx and request.POST.get("part") == "row":  # type: ignore[attr-defined]
                messages.error(request, _("Somebody deleted it meanwhile."))
                return render(request, "elements/messages.html")  # and nothing for the row
            is_said = isinstance(error, Http404)
            raise error if is_said else Http404(_("Somebody deleted it meanwhile.")) from None
        patch_vary_headers(response, ["HX-Request"])
        return response

    def handle_no_permission(self) -> Any:
        user = self.request.user
        lacking = [one for one in self.get_permission_required() if not user.has_perm(one)]
        raise MissingRight(str(self.refusal), lacking)

    def require_on(self, row: VersionedModel) -> None:
        """Raises MissingRight unless the person has the rights of this page on this row. A right to
        add is one to whatever the page makes of it, which its service judges.
        """
        for right in self.get_permission_required():
            is_of_row = right.endswith(f"_{row._meta.model_name}")
            if is_of_row and ".add_" not in right:
                require(self.request.user, right, on=row)

    def get_template_names(self) -> list[str]:
        if self.fragment_name and self.request.htmx:  # type: ignore[attr-defined]
            return [self.fragment_name]
        return [self.template_name or ""]

    def get_title(self) -> str:
        """The title of the page."""
        return str(self.title)

    def get_breadcrumbs(self) -> Sequence[Crumb]:
        """The pages above this one, from the top."""
        return ()

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        furniture = {
            "title": self.get_title(),
            "breadcrumbs": self.get_breadcrumbs(),
            "section": self.section,
        }
        return super().get_context_data(**furniture, **kwargs)

    def redirect(self, to: Any, *arguments: Any) -> HttpResponse:
        """A redirect to another page, also for a request of htmx."""
        response = redirect(to, *arguments)
        return HttpResponseClientRedirect(response["Location"]) if self.request.htmx else response  # type: ignore[attr-defined]

    def back(self, otherwise: Any, *arguments: Any) -> HttpResponse:
        """A redirect to the page that a form names in `next`, if it is of this site, else to
        `otherwise`.
        """
        wanted = self.ours(self.request.POST.get("next", ""))
        return self.redirect(wanted) if wanted else self.redirect(otherwise, *arguments)

    def came_from(self) -> str:
        """The page on which the form or the button was, empty when the browser does not say."""
        return self.ours(self.request.headers.get("Referer", ""))

    def ours(self, address: str) -> str:
        """The address if it is one of this site, else an empty text."""
        is_ours = url_has_allowed_host_and_scheme(
            address, {self.request.get_host()}, self.request.is_secure()
        )
        return address if is_ours else ""

    def posted(self, name: str) -> str:
        """The posted text of this name, without null characters: PostgreSQL refuses to look for
        them.
        """
        return self.request.POST.get(name, "").replace("\x00", "").strip()

    def version_shown(self) -> int | None:
        """The version of the row that the page showed, None when the form names none."""
        try:
            return int(self.posted("version"))
        except ValueError:
            return None

    def tell(self, notices: Sequence[Notice]) -> None:
        """Shows the notices of a service about a save that succeeded."""
        for notice in notices:
            messages.warning(self.request, notice.message)


def is_fresh_copy(request: HttpRequest, row: VersionedModel | None) -> bool:
    """True if the form in the address is that of a copy which nobody has saved yet."""
    return "copy" in request.GET and row is not None and row.version == 1 and not row.is_active


def as_the_original(request: HttpRequest, row: VersionedModel | None) -> dict[str, Any]:
    """The initial entries of a fresh copy's form: Active as it was in the original."""
    return (
        {"is_active": True}
        if is_fresh_copy(request, row) and request.GET["copy"] == "active"
        else {}
    )


def tell_done(request: HttpRequest, text: str, step: UndoStep | None) -> None:
    """Says what was done, with a button that undoes it if it can be: see elements/undo.html."""
    messages.success(request, text, extra_tags=str(step.key) if step else "")


def tell_not_deleted(request: HttpRequest, stale: Stale) -> None:
    """Says who changed the row while somebody was asked whether to delete it."""
    row = stale.current
    said = {"name": row.name, "who": row.modified_by or _("Somebody"), "version": row.version}
    text = _(
        "%(name)s is not deleted. %(who)s changed it meanwhile; it is at version %(version)s now. "
        "Look at the change, or delete it again."
    )
    messages.error(request, text % said)


def tell_check(request: HttpRequest, check: ConnectionCheck) -> None:
    """Shows the result of a test."""
    message = outcome_in_words(check.code, check.message, check.model_count)
    said = {"name": check.connection.name, "message": message}
    text = _("Test of %(name)s: %(message)s") % said
    (messages.success if check.success else messages.error)(request, text)

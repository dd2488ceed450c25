"""Shows pages as another person while an administrator asked for that, and lets nothing be done."""

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.sessions.backends.base import SessionBase
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import rotate_token
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django_htmx.http import HttpResponseClientRedirect

from connections.api.problems import problem_response

from ..backends import OneQueryBackend
from ..models import ViewAs
from . import services

KEY = "view_as"  # in the session of who views: the id of the record
READING = frozenset({"GET", "HEAD", "OPTIONS"})
WRITING = ("INSERT", "UPDATE", "DELETE", "REPLACE", "MERGE", "TRUNCATE", "CREATE", "ALTER", "DROP")
OWN = frozenset({"view-as-end", "sign-out", "account_logout"})  # what who views does themselves
OPEN = frozenset({"documents", "document", "document-search"})  # to everybody, with a menu
PRIVATE = frozenset({*("your-sign-in", "password-change", "password-changed"), "provider-unlink"})
PRIVATE_PREFIXES = ("mfa_", "account_")  # allauth's pages


class NoSession(SessionBase):
    """An empty session that is kept nowhere, in place of that of who views."""

    def save(self, must_create: bool = False) -> None:
        """Keeps nothing."""

    def load(self) -> dict[str, Any]:
        return {}


class ViewAsMiddleware:
    """Stands behind the rules of a session, which hold for who views, and before whatever else asks
    who the person is.
    """

    sync_capable, async_capable = True, False

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        session = request.session
        with ExitStack() as request.while_viewing_as:  # type: ignore[attr-defined]
            response = self.get_response(request)
        if isinstance(request.session, NoSession):  # allauth too puts another in its place
            request.session = session
        is_file = response.streaming or "Content-Disposition" in response.headers
        if is_file and hasattr(request, "view_as"):
            raise services.OnlyViewing(request.view_as)
        return response

    def process_view(
        self, request: HttpRequest, view: Any, _args: Any, _kwargs: Any
    ) -> HttpResponse | None:
        """Turns to the person as whom pages are seen. The answer in place of the page's where that
        has ended, or where the API is asked; raises OnlyViewing where something would be done.
        """
        is_api = hasattr(view, "cls")
        name = (request.resolver_match and request.resolver_match.url_name) or ""
        is_open = not getattr(view, "login_required", True) and not is_api and name not in OPEN
        if settings.SESSION_COOKIE_NAME not in request.COOKIES or is_open:
            return None
        if KEY not in request.session or not request.user.is_authenticated:
            return None
        if name in OWN:
            return None
        viewing = services.current(request.session[KEY], actor=request.user)
        if viewing is None:
            return _ended(request, is_api)
        refusal = services.OnlyViewing(viewing)
        is_private = name in PRIVATE or name.startswith(PRIVATE_PREFIXES)
        is_refused = is_api or is_private or request.method not in READING
        if is_refused:
            services.note_refusal(viewing, refusal, actor=request.user)
        if is_api:
            return problem_response(request, 403, str(refusal), "view_as")
        _show_as(request, viewing)
        if is_refused:
            raise refusal
        return None


def _show_as(request: HttpRequest, viewing: ViewAs) -> None:
    request.user = OneQueryBackend().get_user(viewing.person_id)  # type: ignore[arg-type, assignment]
    request.view_as = viewing  # type: ignore[attr-defined]  # the bar of each page
    request.session = NoSession()

    def only_read(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.lstrip(" (").upper().startswith(WRITING):
            raise services.OnlyViewing(viewing)
        return execute(sql, params, many, context)

    request.while_viewing_as.enter_context(connection.execute_wrapper(only_read))  # type: ignore[attr-defined]


def _ended(request: HttpRequest, is_api: bool) -> HttpResponse:
    """Leads who views back to the person's page, whatever was asked: it was asked as that person,
    and is not to be done as an administrator.
    """
    row = services.end(request.session.pop(KEY), actor=request.user)
    rotate_token(request)  # forms of the pages that were seen are refused
    text = _("You see pages as yourself again. Nothing was done.")
    if is_api:
        return problem_response(request, 403, text, "view_as")
    messages.info(request, text)
    is_known = row is not None and row.person_id is not None
    address = reverse("person-detail", args=[row.person_id]) if is_known and row else "/"
    is_htmx = bool(request.htmx)  # type: ignore[attr-defined]
    return HttpResponseClientRedirect(address) if is_htmx else redirect(address)

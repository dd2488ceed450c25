"""The Content-Security-Policy, which Django brings itself from 6.0 on; ids of requests; and signing
in when htmx asked.
"""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import (
    FileResponse,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    StreamingHttpResponse,
)
from django.shortcuts import redirect, render
from django.utils.functional import LazyObject
from django.utils.translation import gettext as _
from django_htmx.http import HttpResponseClientRedirect

from connections.audit.services import Origin, Subject, coming_from, record_refusal, times_due
from connections.standing import viewer_who
from connections.telemetry import tracing
from connections.telemetry.about import ABOUT, tell
from connections.viewing import current_viewer, viewed, viewing
from connections.views.typed import entries_of, page_of_form
from gateway.core.keys import begin_request_id
from providers.core.request_id import HEADER

from .content_policy import POLICY


class ContentSecurityPolicyMiddleware:
    """Sends the strict policy with every answer that brings none of its own.

    What says nothing of caches is kept by none: pages, answers of the API and files are for whoever
    asked. An ETag is for `If-Match`, which needs no cache.
    """

    sync_capable, async_capable = True, False

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.headers.setdefault("Content-Security-Policy", POLICY)
        response.headers.setdefault("Cache-Control", "no-store")
        return response


SAFE = ("GET", "HEAD", "OPTIONS")


class RequestIdMiddleware:
    """Names each request: by the caller's X-Request-ID or traceparent, else by an id of our own.

    Log lines, usage records and the answer's header X-Request-ID carry it.
    """

    sync_capable, async_capable = True, False

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        headers = request.headers
        found = begin_request_id(headers.get("X-Request-ID", ""), headers.get("traceparent", ""))
        response = self.get_response(request)
        response.headers.setdefault(HEADER, found)
        tell_who_asked(request)
        if (span := tracing.recording()) is not None:
            name_span(span, request)
        return response


def tell_who_asked(request: HttpRequest) -> None:
    """Tells the request's log line who it was, where that is known by now. Asks no database."""
    user = getattr(request, "_cached_user", None)  # as Django remembers who has the session
    if user is None and not isinstance(found := getattr(request, "user", None), LazyObject):
        user = found  # as the API knows whose token it is
    if user is None or not user.is_authenticated:
        return
    tell(person=user.get_username())
    if token := getattr(user, "token", None):
        tell(token=str(token))


def name_span(span: Any, request: HttpRequest) -> None:
    """Names the span of a request by its view's name, and tells its route: never the address
    itself, which may hold a token. A call of a profile has a name of its own.
    """
    match = request.resolver_match
    if match is not None:
        span.set_attribute("http.route", match.route)
        if not (ABOUT.get() or {}).get("outcome"):
            span.update_name(f"{request.method} {match.view_name}")


class OriginMiddleware:
    """Says where acts come from: a page or the API, and from which address. An act that a view
    refuses leaves an event, as one that a service refuses does.
    """

    sync_capable, async_capable = True, False

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response
        self._api = tuple(f"/{one}/" for one in ["api", *settings.API_EXTRA_PREFIXES])

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        surface = "api" if request.path.startswith(self._api) else "page"
        with coming_from(Origin(surface, request.META)) as where:
            response = self.get_response(request)
            if response.status_code == 403 and request.method not in SAFE and not where.left:
                self._record_refusal(request)
            return response

    def _record_refusal(self, request: HttpRequest) -> None:
        """Records what a view refused before it came to a service: for each person and kind of
        address one a minute.
        """
        user = getattr(request, "user", None)
        if user is None or not user.is_authenticated:
            return
        route = request.resolver_match.route if request.resolver_match else ""
        if times_due("refused", str(user.pk), str(request.method), route):
            called = Subject("address", name=f"{request.method} {request.path}")
            record_refusal("address.call", PermissionDenied(), called, actor=user)


class ViewerMiddleware:
    """Says who looks: rows that the person may not see are not there for them. Who it is is looked
    for when a row is read.

    A program's token says so later, in its own name.
    """

    sync_capable, async_capable = True, False

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        with viewing(viewer_who(lambda: request.user)):
            response = self.get_response(request)
            # the rest of it is made after this block
            if (
                isinstance(response, StreamingHttpResponse)
                and not isinstance(response, FileResponse)
                and not response.is_async
            ):
                parts: Any = response.streaming_content
                response.streaming_content = viewed(current_viewer(), parts)
        return response


class SignInRequiredMiddleware(LoginRequiredMiddleware):
    """Every page asks to sign in.

    To htmx it says so in its own words, or the sign-in page would land inside a table row.
    """

    def process_view(
        self,
        request: HttpRequest,
        view_func: Any,
        view_args: tuple[Any, ...],
        view_kwargs: dict[str, Any],
    ) -> HttpResponseBase | None:
        """None for a view that is open to all: Django's own looks for the user first, which takes
        the database.
        """
        if not getattr(view_func, "login_required", True):
            return None
        return super().process_view(request, view_func, view_args, view_kwargs)

    def handle_no_permission(  # type: ignore[override]
        self, request: HttpRequest, view_func: Any
    ) -> HttpResponseBase:
        is_htmx = bool(request.htmx)  # type: ignore[attr-defined]
        is_sent = request.method == "POST"
        if not is_htmx and not is_sent:
            return super().handle_no_permission(request, view_func)
        page = page_of_form(request)
        if request.method == "GET" and urlsplit(page).path == request.path:
            page = request.get_full_path()  # with the filter that was just typed
        if is_sent and (entries := entries_of(request.POST, page)):
            return _sign_in_here(request, page, entries)
        address = redirect_to_login(page, self.get_login_url(view_func)).url
        return HttpResponseClientRedirect(address) if is_htmx else redirect(address)


def _sign_in_here(request: HttpRequest, page: str, entries: list[tuple[str, str]]) -> HttpResponse:
    """The sign-in page in place of an answer, with what was typed: nothing of it is kept here
    before somebody has signed in.
    """
    context = {
        "title": _("Sign in"),
        "form": AuthenticationForm(request),
        "next": page,
        "typed": json.dumps(entries),
        "providers": settings.IDENTITY_PROVIDERS,
    }
    response = render(request, "people/sign_in.html", context)
    if request.htmx:  # type: ignore[attr-defined]
        response["HX-Retarget"] = response["HX-Reselect"] = "#main"
        response["HX-Reswap"], response["HX-Push-Url"] = "outerHTML", "false"
    return response

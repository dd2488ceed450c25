"""The middleware that lets some views read from the replica."""

from collections.abc import Callable
from math import ceil

from django.conf import settings
from django.core.exceptions import MiddlewareNotUsed
from django.http import Http404, HttpRequest, HttpResponseBase
from django.urls import resolve

from connections.replica import REPLICA, reading_replica

SAFE = ("GET", "HEAD")
WROTE = "wrote"  # a cookie, for as long as the replica may lack what this browser has just done
ASKED_WITHIN = 1  # seconds that the replica was last found to keep up before it is read


class ReplicaMiddleware:
    """Views with `reads_replica` read from the replica, if there is one that keeps up, unless the
    same browser has just changed something. What the replica fails to answer is asked again from
    the primary.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        if REPLICA not in settings.DATABASES:
            raise MiddlewareNotUsed
        self._answer = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """The answer of the view."""
        from .postgresql.replica import READ_REPLICA, may_be_read

        if request.method not in SAFE:
            return _noted(request, self._answer(request))
        if WROTE in request.COOKIES or not _is_marked(request) or not may_be_read():
            return self._answer(request)
        with reading_replica():
            response = self._answer(request)
        if response.status_code == 503 and not READ_REPLICA.check():
            return self._answer(request)
        return response


def _noted(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    """The answer to a change; a browser, which has cookies, notes that it made one."""
    if request.COOKIES:
        seconds = ceil(settings.DATABASE_REPLICA_SECONDS) + ASKED_WITHIN
        secure = settings.SESSION_COOKIE_SECURE
        response.set_cookie(WROTE, "1", seconds, httponly=True, samesite="Lax", secure=secure)
    return response


def _is_marked(request: HttpRequest) -> bool:
    try:
        view = resolve(request.path_info).func
    except Http404:
        return False
    of_class = getattr(view, "view_class", None) or getattr(view, "cls", None)
    return getattr(of_class, "reads_replica", False)

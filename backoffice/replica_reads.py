"""The middleware that lets some views read from the replica."""

from collections.abc import Callable

from django.conf import settings
from django.core.exceptions import MiddlewareNotUsed
from django.http import Http404, HttpRequest, HttpResponseBase
from django.urls import resolve

from connections.replica import REPLICA, reading_replica

SAFE = ("GET", "HEAD")


class ReplicaMiddleware:
    """Views with `reads_replica` read from the replica, if there is one that keeps up. What the
    replica fails to answer is asked again from the primary.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        if REPLICA not in settings.DATABASES:
            raise MiddlewareNotUsed
        self._answer = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """The answer of the view."""
        from .postgresql.replica import READ_REPLICA, may_be_read

        if request.method not in SAFE or not _is_marked(request) or not may_be_read():
            return self._answer(request)
        with reading_replica():
            response = self._answer(request)
        if response.status_code == 503 and not READ_REPLICA.check():
            return self._answer(request)
        return response


def _is_marked(request: HttpRequest) -> bool:
    try:
        view = resolve(request.path_info).func
    except Http404:
        return False
    of_class = getattr(view, "view_class", None) or getattr(view, "cls", None)
    return getattr(of_class, "reads_replica", False)

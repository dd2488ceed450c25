"""Requests of pages and the API, as metrics."""

import threading
import time
from collections.abc import Callable
from functools import partial

from django.http import HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase

from connections.telemetry import metrics
from connections.telemetry.declared import HTTP_REQUESTS, HTTP_RUNNING, HTTP_SECONDS

from .hang_ups import HUNG_UP

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
NO_ROUTE, OTHER_METHOD = "none", "other"  # of a file, or of what is not there
CLIENT_CLOSED = "499"  # as in the access log


class MetricsMiddleware:
    """Counts each request, by the name of its address; and its time until there is a response, or
    until the end of one that is streamed.
    """

    sync_capable, async_capable = True, False

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response
        self._running, self._lock = 0, threading.Lock()

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        began = time.perf_counter()
        self._change(1)
        try:
            response = self.get_response(request)
        finally:
            self._change(-1)
        if isinstance(response, StreamingHttpResponse):
            # Django closes it when it was sent, or its client has gone, and has no signal for that
            ended = partial(_count, request, response, began)
            response._resource_closers.append(ended)  # type: ignore[attr-defined]  # noqa: SLF001
        else:
            _count(request, response, began)
        return response

    def _change(self, number: int) -> None:
        with self._lock:
            self._running += number
            metrics.set_gauge(HTTP_RUNNING, self._running)


def _count(request: HttpRequest, response: HttpResponseBase, began: float) -> None:
    match = request.resolver_match
    route = (match and match.view_name) or NO_ROUTE
    method = request.method if request.method in METHODS else OTHER_METHOD
    is_gone = getattr(request, "scope", {}).get(HUNG_UP)
    status = CLIENT_CLOSED if is_gone else f"{response.status_code // 100}xx"
    metrics.add(HTTP_REQUESTS, (method or OTHER_METHOD, route, status))
    metrics.observe(HTTP_SECONDS, time.perf_counter() - began, (route,))

"""Requests of pages and the API, as metrics."""

import threading
import time
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from connections.telemetry import metrics
from connections.telemetry.declared import HTTP_REQUESTS, HTTP_RUNNING, HTTP_SECONDS

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
NO_ROUTE, OTHER_METHOD = "none", "other"  # of a file, or of what is not there


class MetricsMiddleware:
    """Counts each request, by the name of its address; and its time until there is a response."""

    sync_capable, async_capable = True, False

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self._running, self._lock = 0, threading.Lock()

    def __call__(self, request: HttpRequest) -> HttpResponse:
        began = time.perf_counter()
        self._change(1)
        try:
            response = self.get_response(request)
        finally:
            self._change(-1)
        match = request.resolver_match
        route = (match and match.view_name) or NO_ROUTE
        method = request.method if request.method in METHODS else OTHER_METHOD
        status = f"{response.status_code // 100}xx"
        metrics.add(HTTP_REQUESTS, (method or OTHER_METHOD, route, status))
        metrics.observe(HTTP_SECONDS, time.perf_counter() - began, (route,))
        return response

    def _change(self, number: int) -> None:
        with self._lock:
            self._running += number
            metrics.set_gauge(HTTP_RUNNING, self._running)

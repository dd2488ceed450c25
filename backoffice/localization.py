"""The language and the time zone in which pages are shown."""

from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone, translation
from django.utils.cache import patch_vary_headers
from django.utils.translation import get_language_from_request


class LocalizationMiddleware:
    """Shows pages as the person chose; where they chose nothing, in the language that the browser
    asks for and in its time zone, which static/js/page.js names in a cookie, else in TIME_ZONE.

    The API, `/promptflow/` and `/health/` stay English and in TIME_ZONE: machines read them.
    """

    sync_capable, async_capable = True, False

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        prefixes = ("api", "promptflow", "health", *settings.API_EXTRA_PREFIXES)
        self.others = tuple(f"/{one}/" for one in prefixes)

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path.startswith(self.others):
            return self.get_response(request)
        zone = zone_called(request.COOKIES.get("zone", ""))
        with translation.override(get_language_from_request(request)), timezone.override(zone):
            response = self.get_response(request)
            if response.headers.get("Content-Type", "").startswith("text/html"):
                patch_vary_headers(response, ["Accept-Language"])
                response.headers.setdefault("Content-Language", translation.get_language())
        return response

    def process_view(
        self, request: HttpRequest, view_func: Any, _args: tuple[Any, ...], _kwargs: dict[str, Any]
    ) -> None:
        """Turns to what the person chose; not for a view that is open to all, since to know the
        person takes the database.
        """
        if getattr(view_func, "login_required", True):
            show_as_chosen(request)


def show_as_chosen(request: HttpRequest) -> None:
    """Turns to the language and the time zone that the person of a request chose, until its answer
    is made.
    """
    chosen = getattr(request.user, "preferences", None)
    if chosen is None:
        return
    if chosen.language:
        translation.activate(chosen.language)
    if zone := zone_called(chosen.time_zone):
        timezone.activate(zone)


def zone_called(name: str) -> ZoneInfo | None:
    """The time zone of this name, None if this machine has none."""
    try:
        return ZoneInfo(name) if name else None
    except (ValueError, OSError, KeyError):
        return None

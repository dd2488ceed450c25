"""Copies of connections and profiles: made inactive, and opened to be saved."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from .. import services
from ..models import VersionedModel
from .base import Page
from .connections import OneConnection
from .profiles import OneProfile


class ConnectionDuplicateView(OneConnection):
    """Makes a copy of a connection and opens its form."""

    permission_required = "connections.add_connection"

    def post(self, _request: HttpRequest, **_kwargs: Any) -> HttpResponse:
        return duplicated(self, self.connection, services.duplicate_connection, "connection")


class ProfileDuplicateView(OneProfile):
    """Makes a copy of a profile and opens its form."""

    permission_required = "connections.add_profile"

    def post(self, _request: HttpRequest, **_kwargs: Any) -> HttpResponse:
        return duplicated(self, self.profile, services.duplicate_profile, "profile")


def duplicated(
    page: Page, original: VersionedModel, duplicate: Callable[..., services.Saved], kind: str
) -> HttpResponse:
    """Copies the row and redirects to the form of the copy, in which Active is what it was in the
    original; to the page of the copy for a user who may not change it.
    """
    user: Any = page.request.user
    try:
        saved = duplicate(original, actor=user)
    except services.Invalid as refused:
        why = " ".join(error.message for error in refused.errors)
        text = _("%(name)s cannot be copied. %(why)s") % {"name": original.name, "why": why}
        messages.error(page.request, text)
        return page.redirect(original)
    page.tell(saved.notices)
    if not services.may(user, f"connections.change_{kind}", saved.row):
        text = _("%(name)s is made. It is inactive.") % {"name": saved.row.name}
        messages.success(page.request, text)
        return page.redirect(saved.row)
    was = (
        "active"
        if original.is_active and services.may(user, f"connections.toggle_{kind}", saved.row)
        else "inactive"
    )
    return page.redirect(f"{reverse(f'{kind}-update', args=[saved.row.pk])}?copy={was}")

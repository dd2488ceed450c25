"""The page for people who may not: why, which role may, and whom to ask."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from connections.services import MissingRight

from .people.reasons import reason
from .people.view_as.services import OnlyViewing


def refused(request: HttpRequest, exception: Exception) -> HttpResponse:
    """The page for whoever may not see or do something. Who has no right at all is told that they
    have no role yet.
    """
    user: Any = request.user
    is_of_rights = bool(user.pk) and not isinstance(exception, OnlyViewing)
    is_new = is_of_rights and not user.get_all_permissions()
    lacking = exception.permissions if isinstance(exception, MissingRight) else ()
    on = getattr(exception, "on", None)
    context = {
        "title": _("You have no role yet") if is_new else _("You may not do this"),
        "detail": "" if is_new else str(exception),
        "is_new": is_new,
        "reason": reason(user, () if is_new else lacking, on) if is_of_rights else None,
    }
    return render(request, "403.html", context, status=403)

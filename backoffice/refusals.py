"""The page for people who may not: why, which role may, and whom to ask."""

from collections.abc import Collection, Sequence
from typing import Any

from django.contrib.auth.models import Group
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext as _

from .people import services as people

NAMED = 5  # administrators


def refused(request: HttpRequest, exception: Exception) -> HttpResponse:
    """The page for whoever may not see or do something. Who has no right at all is told that they
    have no role yet.
    """
    user: Any = request.user
    names = [str(one) for one in people.administrators()[: NAMED + 1]] if user.pk else []
    is_new = bool(user.pk) and not user.get_all_permissions()
    context = {
        "title": _("You have no role yet") if is_new else _("You may not do this"),
        "detail": "" if is_new else str(exception),
        "is_new": is_new,
        "roles": [_(role.name) for role in user.groups.all()] if user.pk else [],
        "able": [] if is_new else [_(role) for role in _able(_lacking(request))],
        "administrators": names[:NAMED],
        "whom": _whom(names),
    }
    return render(request, "403.html", context, status=403)


def _whom(names: Sequence[str]) -> str:
    """Some of these people as HTML, "or" before the last."""
    shown = [format_html("<strong><bdi>{}</bdi></strong>", name) for name in names[:NAMED]]
    if len(names) > NAMED:
        shown.append(format_html("{}", _("another administrator")))
    before = format_html_join(", ", "{}", ([one] for one in shown[:-1]))
    return format_html("{}{}{}", before, _(" or ") if before else "", shown[-1]) if shown else ""


def _lacking(request: HttpRequest) -> list[str]:
    """The rights that the page asks for and the person lacks."""
    view = getattr(getattr(request.resolver_match, "func", None), "view_class", None)
    wanted = getattr(view, "permission_required", None) or ()
    return [
        one
        for one in ([wanted] if isinstance(wanted, str) else wanted)
        if not request.user.has_perm(one)
    ]


def _able(rights: Collection[str]) -> list[str]:
    """The roles that have all of these rights; none if no right is known to lack."""
    found = Group.objects.all()
    for right in rights:
        label, _, name = right.partition(".")
        found = found.filter(permissions__codename=name, permissions__content_type__app_label=label)
    return sorted(set(found.values_list("name", flat=True))) if rights else []

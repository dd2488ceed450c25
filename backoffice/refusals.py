"""The page for people who may not: why, which role may, and whom to ask."""

from collections.abc import Collection
from typing import Any

from django.contrib.auth.models import Group
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

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
        "title": "You have no role yet" if is_new else "You may not do this",
        "detail": "" if is_new else str(exception),
        "is_new": is_new,
        "roles": [role.name for role in user.groups.all()] if user.pk else [],
        "able": [] if is_new else _able(_lacking(request)),
        "administrators": names[:NAMED],
        "are_more": len(names) > NAMED,
    }
    return render(request, "403.html", context, status=403)


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

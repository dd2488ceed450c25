"""The addresses of versions, and the pages above them."""

from django.urls import reverse
from django.utils.translation import gettext as _

from connections.views.base import Crumb

from . import services

OWN = ("connection", "profile")  # whose versions are below their own pages


def list_address(subject: services.Subject) -> str:
    """The page with the versions of a thing."""
    if subject.kind in OWN:
        return reverse(f"{subject.kind}-versions", args=[subject.object_id])
    return reverse("versions", args=[subject.kind, subject.object_id])


def address_of(subject: services.Subject, number: int) -> str:
    """The page of one version."""
    return f"{list_address(subject)}{number}/"


def above(subject: services.Subject) -> list[Crumb]:
    """The pages above those of the versions of a thing: the list that it is in, and itself."""
    lists = {
        "connection": (_("Connections"), reverse("connection-list")),
        "profile": (_("Profiles"), reverse("profile-list")),
        "team": (_("Teams"), reverse("team-list")),
        "connectiontype": (_("Connection types"), reverse("type-list")),
        "defaults": (_("Default profiles"), reverse("defaults")),
        "apitoken": (_("Tokens"), reverse("token-list")),
        "revealtoken": (_("Tokens for flows"), reverse("reveal-token-list")),
        "role": (_("Roles"), reverse("role-list")),
    }
    if subject.kind == "connectiontype" and subject.row.version:
        return [lists[subject.kind], (subject.name, reverse("type-detail", args=[subject.row.key]))]
    page = getattr(subject.row, "get_absolute_url", None)
    own = [(subject.name, page())] if page else []
    if subject.kind == "team":
        own = [(subject.name, reverse("team-detail", args=[subject.object_id]))]
    return [lists[subject.kind], *own]


def is_number(text: str) -> bool:
    """True for a number that a version may have."""
    return text.isascii() and text.isdigit() and len(text) < 10

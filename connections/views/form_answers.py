"""What the server says about a form while it is typed: the alias that a name gives, and the
connections that a text finds.
"""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from .. import selectors, services
from ..models import Connection, Profile
from .base import Page


class AliasOfferView(Page):
    """The alias that a new row would get, and whether it is free. `name` and `alias` of the query:
    what is typed so far.
    """

    model: type[Connection | Profile] = Connection
    permission_required = "connections.add_connection"

    def get(self, request: HttpRequest) -> HttpResponse:
        name, alias = (request.GET.get(one, "").replace("\x00", "") for one in ("name", "alias"))
        is_asked = bool(name.strip() or alias.strip())
        offer = services.offered_alias(self.model, name, alias) if is_asked else None
        context: dict[str, Any] = {"offer": offer, "is_typed": bool(alias.strip())}
        return render(request, "connections/_alias_offer.html", context)


class ProfileAliasOfferView(AliasOfferView):
    """The same for a profile."""

    model = Profile
    permission_required = "connections.add_profile"


class ConnectionChoicesView(Page):
    """The connections of a `capability` that the text in `connection` finds, to choose from."""

    permission_required = "connections.view_connection"

    def get(self, request: HttpRequest) -> HttpResponse:
        text = request.GET.get("connection", "").strip()
        found = selectors.find_connections(request.GET.get("capability", ""), text)
        return render(request, "connections/_connection_choices.html", {"found": found})

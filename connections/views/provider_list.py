"""The cards of providers, from which a connection is begun."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy

from providers.core.base import Provider

from ..offers import offered_providers
from .base import Crumb
from .connections import LIST
from .inline_add import ConnectionAddPage


class ProviderListView(ConnectionAddPage):
    """The first step of adding a connection: which provider."""

    template_name, fragment_name = (
        "connections/provider_list.html",
        "connections/_provider_cards.html",
    )
    title = gettext_lazy("Add a connection")
    permission_required = "connections.add_connection"

    def get_breadcrumbs(self) -> list[Crumb]:
        return [LIST]

    def get_template_names(self) -> list[str]:
        if self.add_context.is_dialog and "q" not in self.request.GET:
            return ["connections/_provider_dialog.html"]
        return super().get_template_names()

    def get(self, request: HttpRequest) -> HttpResponse:
        wanted = request.GET.get("q", "").strip()
        found = [
            one
            for one in offered_providers()
            if self.add_context.fits(one) and _is_found(one, wanted)
        ]
        categories: dict[str, list[type[Provider[Any]]]] = {}
        for provider in found:
            categories.setdefault(provider.category, []).append(provider)
        ordered = dict(
            sorted(
                categories.items(), key=lambda one: (one[0] != Provider.category, one[0].lower())
            )
        )
        context = {"categories": ordered, "number": len(found), "q": wanted}
        return self.render_to_response(
            self.get_context_data(**context, add_context=self.add_context)
        )


def _is_found(provider: type[Provider[Any]], wanted: str) -> bool:
    """True if every word is in the texts of the provider's card, or in its id."""
    manifest = getattr(provider, "manifest", None)
    texts = [
        provider.id,
        provider.name,
        provider.category,
        provider.description,
        *map(str, provider.capabilities),
    ]
    texts += [variant.label for variant in manifest.variants] if manifest else []
    return all(word in " ".join(texts).lower() for word in wanted.lower().split())

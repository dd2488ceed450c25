"""Providers and settings: `/providers...`, `/settings`."""

from collections.abc import Mapping
from typing import Any

from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from providers.core.base import Capability
from providers.core.registry import UnknownProvider

from .. import services
from ..models import Profile
from ..offers import offered_provider, offered_providers
from .base import ApiView
from .connections import READ
from .openapi import answers, items_of
from .profiles import READ as READ_PROFILES
from .provider_serializers import (
    DefaultsSerializer,
    DefaultsUpdateSerializer,
    ProviderItemSerializer,
    ProviderSerializer,
    provider_detail,
    provider_item,
)


class ProviderList(ApiView):
    """The providers that are installed."""

    access = {"GET": READ}
    query_parameters = ()

    @extend_schema(
        operation_id="getAllProviders",
        responses=answers(200, items_of(ProviderItemSerializer, paged=False)),
    )
    def get(self, _request: Request) -> Response:
        items = [provider_item(provider) for provider in offered_providers()]
        return Response({"total": len(items), "items": items})


class ProviderDetail(ApiView):
    """One provider, with its settings."""

    access = {"GET": READ}

    @extend_schema(operation_id="getProviderById", responses=answers(200, ProviderSerializer, 404))
    def get(self, _request: Request, provider_id: str) -> Response:
        try:
            return Response(provider_detail(offered_provider(provider_id)))
        except UnknownProvider:
            raise Http404 from None


class DefaultsView(ApiView):
    """The profiles that answer when none is named."""

    access = {"GET": READ_PROFILES, "PUT": ("admin", "connections.change_defaultprofile")}
    serializer_class = DefaultsSerializer

    @extend_schema(operation_id="getSettings", responses=answers(200, DefaultsSerializer))
    def get(self, _request: Request) -> Response:
        return Response(
            {
                _name(capability): str(row.pk) if row else None
                for capability, row in services.default_profiles().items()
            }
        )

    @extend_schema(
        operation_id="updateSettings",
        request=DefaultsUpdateSerializer,
        responses=answers(200, DefaultsSerializer, 400, 413, 415),
    )
    def put(self, request: Request) -> Response:
        values = self.valid(DefaultsUpdateSerializer, request)
        self.choose(
            {
                capability.value: values[f"default_{capability.value.lower()}_profile_id"]
                for capability in Capability
            }
        )
        return self.get(request)

    def choose(self, chosen: Mapping[str, Any]) -> None:
        """Sets the defaults: ids of profiles, by what services call them. Raises Invalid."""
        found = Profile.objects.in_bulk([key for key in chosen.values() if key])
        missing = [name for name, key in chosen.items() if key and key not in found]
        if missing:
            raise services.Invalid(
                [
                    services.FieldError(
                        _name(one), "not_found", "There is no profile with this id."
                    )
                    for one in missing
                ]
            )
        defaults = {name: found[key] if key else None for name, key in chosen.items()}
        try:
            services.set_default_profiles(defaults, actor=self.request.user)
        except services.Invalid as refused:
            raise services.Invalid(
                [
                    services.FieldError(_name(one.field), one.code, one.message)
                    for one in refused.errors
                ]
            ) from None


def _name(chosen: str) -> str:
    return (
        "classifierChatProfileId" if chosen == services.CLASSIFIER else f"default{chosen}ProfileId"
    )

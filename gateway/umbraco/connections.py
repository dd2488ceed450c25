"""Connections, whose settings have Umbraco.AI's names, and the questions about them."""

from collections.abc import Mapping
from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from connections.api import connection_reads, connections
from connections.api.base import exists
from connections.models import Connection
from providers.core.base import Provider

from . import names
from .base import NOT_OFFERED, UmbracoDetail, UmbracoList, UmbracoView


class WithSettings(UmbracoView, connections.ConnectionSettingsView):
    """Base of the views that take and show settings."""

    provider_id = ""  # of the connection whose settings were posted

    def inner_settings(
        self, provider: type[Provider[Any]] | None, posted: Mapping[str, Any]
    ) -> Any:
        """Posted settings, by their names in Python. Raises ValidationError, Invalid."""
        self.provider_id = provider.id if provider else ""
        return super().inner_settings(provider, names.to_ours(self.provider_id, posted))

    def shaped(self, data: Any) -> Any:
        """A connection, or a page of them, with Umbraco.AI's names of settings."""
        if "items" in data:
            return {**data, "items": [self.shaped(one) for one in data["items"]]}
        if "settings" not in data:
            return data
        shown = {**data, "settings": names.to_theirs(data["providerId"], data["settings"])}
        return shown | self._pointing(data, "warnings", data["providerId"])

    def finalize_response(
        self, request: Request, response: Any, *args: Any, **kwargs: Any
    ) -> Response:
        """What is refused is pointed at by Umbraco.AI's names too."""
        if response.status_code >= 400:
            response.data |= self._pointing(response.data, "errors", self.provider_id)
        return super().finalize_response(request, response, *args, **kwargs)

    def _pointing(self, data: Any, member: str, provider_id: str) -> dict[str, Any]:
        found = [
            {**one, "pointer": names.pointer(provider_id, one["pointer"])}
            for one in data.get(member, [])
        ]
        return {member: found} if found else {}


class ConnectionList(UmbracoList, WithSettings, connections.ConnectionList):
    """List and create."""


class ConnectionDetail(UmbracoDetail, WithSettings, connections.ConnectionDetail):
    """One connection: read, replace, change, delete."""

    def body(self, request: Request) -> Any:
        """Settings that are null are left out: the stored ones stay, and so do their secrets."""
        given = super().body(request)
        if request.method != "PUT" or not isinstance(given, dict):
            return given
        is_left_out = given.get("settings") is None
        return {one: given[one] for one in given if one != "settings" or not is_left_out}


class ConnectionTestUnsaved(WithSettings, connections.ConnectionTestUnsaved):
    """Test settings that are not saved."""


class ConnectionDuplicate(WithSettings, connections.ConnectionDuplicate):
    """An inactive copy of a saved connection."""


class ConnectionExists(connections.ConnectionExists):
    """Tell if an alias is taken. An empty `excludeId` excludes none."""

    def get(self, request: Request, alias: str) -> Response:
        """True or false."""
        query = {name: str(text) for name, text in request.query_params.items() if text}
        return Response(exists(Connection.every.all(), alias, query))


class ConnectionCapabilities(UmbracoView):
    """The capabilities of one connection's provider; none where that is gone."""

    access = {"GET": connections.READ}

    def get(self, _request: Request, id_or_alias: str) -> Response:
        """Their names."""
        provider = self.find(Connection.objects.listed(), id_or_alias).provider
        return Response(sorted(str(one) for one in (provider.capabilities if provider else ())))


class AllCapabilities(UmbracoView, connection_reads.ConnectionCapabilities):
    """The capabilities of all connections together."""

    def shaped(self, data: Any) -> Any:
        """A bare list."""
        return data["items"]


class ConnectionModels(UmbracoView, connection_reads.ConnectionModels):
    """The models a connection's account can use."""

    def get(self, request: Request, id_or_alias: str) -> Response:
        """None for a capability that only Umbraco.AI knows."""
        if request.query_params.get("capability", "").lower() in NOT_OFFERED:
            self.find(Connection.objects.listed(), id_or_alias)
            return Response({"items": []})
        return super().get(request, id_or_alias)

    def shaped(self, data: Any) -> Any:
        """A bare list; what Umbraco.AI has no field for is text in `metadata`."""
        return [
            {"model": one["model"], "name": one["name"], "metadata": _metadata(one)}
            for one in data["items"]
        ]


def _metadata(model: dict[str, Any]) -> dict[str, str] | None:
    capabilities = ", ".join(model["capabilities"])
    told = {name: model[name] for name in ("contextTokens", "inputPrice", "outputPrice")}
    known = {name: str(value) for name, value in told.items() if value is not None}
    return ({"capabilities": capabilities} if capabilities else {}) | known or None

"""Authenticated HTTP clients for Python code on this server."""

import httpx2
from django.views.decorators.debug import sensitive_variables

from providers.core.base import Limits
from providers.http.service import HttpService

from ..errors import Unusable
from ..models import Connection
from ..runtime import find_connection, get_configured_provider
from .permissions import Actor, require


@sensitive_variables()
def http_client(
    id_or_alias: str, *, actor: Actor = None, timeout: float | None = None
) -> httpx2.Client:
    """An httpx2.Client with the connection's base URL, which authenticates its requests; close it,
    or use it in a `with`.

    The credentials are added below it and go to the connection's hosts only, redirects included.
    `timeout`: seconds, None for what the connection says. An actor needs the right to change
    connections: who has the client has the account behind it.

    Raises PermissionDenied, Connection.DoesNotExist, and Unusable, with code not_http where the
    connection is not one of HTTP. Requests raise ProviderError (no token, another host, a redirect
    there, an address that may not be asked) or httpx2's own errors, without secrets.
    """
    require(actor, "connections.change_connection")
    connection = find_connection(id_or_alias)
    if actor is not None:
        row = Connection.every.listed().get(pk=connection.id)
        require(actor, "connections.change_connection", on=row)
    provider = get_configured_provider(connection, limits=Limits(timeout=timeout))
    if not isinstance(provider, HttpService):
        raise Unusable(
            "not_http",
            f"{connection.alias} is a connection to {provider.name}, not one of HTTP. Choose one "
            "of HTTP.",
        )
    if not provider.base_url:
        raise Unusable(
            "not_http",
            f"The connection {connection.alias} has no address to ask. Choose one that has.",
        )
    client: httpx2.Client = provider.client
    return client

"""Requests as bytes to services behind a proxy: sessions of their own, made when one is first
needed.
"""

import ssl
import time
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any
from urllib.parse import SplitResult

import aiohttp

from providers.core.base import WireTarget
from providers.core.errors import ProviderError
from providers.http.backends_async import judge_target
from providers.http.egress import trusted_authorities
from providers.http.policy import EgressPolicy, reaching
from providers.http.proxies import DEFAULT_PORTS, Proxy
from providers.http.tunnels import no_proxy, refused, unreachable

JUDGED_SECONDS = 10  # as long as the other session keeps what it looked up
MOST_JUDGED = 1000  # hosts

# Whether the request that is made now has its connection: what times out before is the proxy.
_connected: ContextVar[bool] = ContextVar("connected", default=False)


class NotAProxyError(Exception):
    """Something answered that does not speak HTTP."""


class ProxyConnector(aiohttp.TCPConnector):
    """Tells what goes wrong before there is a tunnel from what goes wrong in it, where the service
    may have read the request.
    """

    async def connect(
        self, req: aiohttp.ClientRequest, traces: list[Any], timeout: aiohttp.ClientTimeout
    ) -> aiohttp.connector.Connection:
        """A connection through the proxy. Raises NotAProxyError, and aiohttp's own."""
        try:
            connection = await super().connect(req, traces, timeout)
        except aiohttp.ServerDisconnectedError as error:
            fault = ConnectionResetError(str(error))
            raise aiohttp.ClientProxyConnectionError(req.connection_key, fault) from error
        except aiohttp.ClientHttpProxyError:
            raise
        except aiohttp.ClientResponseError:
            raise NotAProxyError from None
        _connected.set(True)
        return connection

    def _get_ssl_context(self, req: aiohttp.ClientRequest) -> ssl.SSLContext | None:
        # aiohttp has no argument for the certificate of the proxy alone, whose request has no
        # proxy itself; test_proxied_clients.py fails if this stops working.
        is_proxy = req.proxy is None and req.is_ssl()
        return trusted_authorities() if is_proxy else super()._get_ssl_context(req)


class ProxiedSessions:
    """The sessions by their proxies. `make`: a session on a ProxyConnector that goes where a policy
    lets it.
    """

    def __init__(
        self, policy: EgressPolicy, make: Callable[[EgressPolicy], aiohttp.ClientSession]
    ) -> None:
        self._policy, self._make = policy, make
        self._sessions: dict[EgressPolicy, aiohttp.ClientSession] = {}
        self._judged: dict[tuple[str, int], float] = {}

    async def close(self) -> None:
        """Closes the sessions."""
        for one in self._sessions.values():
            await one.close()

    def proxy_of(self, target: WireTarget, url: SplitResult) -> Proxy | None:
        """The proxy for a request, None for none. Raises BlockedAddress."""
        proxies = target.proxies or self._policy.proxies
        return proxies.of(url.scheme, url.hostname or "", url.port) if proxies else None

    async def post(
        self, proxy: Proxy, target: WireTarget, url: SplitResult, **arguments: Any
    ) -> aiohttp.ClientResponse:
        """The response of the service, whose host is judged here first.

        Raises ProviderError for what the proxy refuses, BlockedAddress, and aiohttp's own.
        """
        way = reaching(self._policy, proxy)
        way.refuse_name(proxy.host)
        await self._judge(url)
        if way not in self._sessions:
            self._sessions[way] = self._make(way)
        limit = _with_end_of_connecting(arguments.pop("timeout"))
        _connected.set(False)
        login = {"Proxy-Authorization": proxy.authorization} if proxy.authorization else {}
        if url.scheme == "http":  # there is no tunnel: the request itself goes to the proxy
            arguments["headers"] = {**arguments["headers"], **login}
        try:
            response = await self._sessions[way].post(
                target.url,
                allow_redirects=False,
                proxy=proxy.url,
                proxy_headers=login,
                timeout=limit,
                **arguments,
            )
        except Exception as error:
            if found := _fault(proxy, url.netloc, error):
                raise found from None
            raise
        if url.scheme == "http" and response.status == 407:
            response.close()
            raise refused(proxy, 407, url.netloc)
        return response

    async def _judge(self, url: SplitResult) -> None:
        host, now = (url.hostname or "", url.port or DEFAULT_PORTS[url.scheme]), time.monotonic()
        if self._judged.get(host, 0) > now:
            return
        await judge_target(self._policy, *host)
        if len(self._judged) >= MOST_JUDGED:
            self._judged.clear()
        self._judged[host] = now + JUDGED_SECONDS


def _fault(proxy: Proxy, host: str, error: Exception) -> ProviderError | None:
    """The error for what went wrong at the proxy, None for what went wrong behind it."""
    match error:
        case aiohttp.ClientHttpProxyError():
            return refused(proxy, error.status, host)
        case NotAProxyError():
            return no_proxy(proxy)
        case aiohttp.ClientProxyConnectionError() | aiohttp.ClientConnectorDNSError():
            return unreachable(proxy, error)
        case aiohttp.ClientSSLError() if (error.host, error.port) == (proxy.host, proxy.port):
            return unreachable(proxy, error)
        case TimeoutError() if not _connected.get():
            return unreachable(proxy, error)
    return None


def _with_end_of_connecting(limit: aiohttp.ClientTimeout) -> aiohttp.ClientTimeout:
    """A proxy may keep silent before there is a tunnel, and a stream has no end of its own."""
    return aiohttp.ClientTimeout(
        total=limit.total,
        connect=limit.sock_connect,
        sock_connect=limit.sock_connect,
        sock_read=limit.sock_read,
    )

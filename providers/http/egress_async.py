"""The guard of outbound addresses for asynchronous clients: see egress.py."""

import ssl

import httpcore2
import httpx2

from .backends_async import GuardedAsyncBackend
from .egress import add_request_id, client_headers, refuse_unsafe_answer, trusted_authorities
from .policy import EgressPolicy
from .proxies import Proxy
from .retries import noted
from .tunnels import forwarded, refuse_proxys_own
from .tunnels_async import AsyncTunnelBackend


class GuardedAsyncTransport(httpx2.AsyncHTTPTransport):
    """httpx2's own transport on the guarded backend, with the same refusals of redirects and
    compression.
    """

    def __init__(self, policy: EgressPolicy, tls: ssl.SSLContext | None = None) -> None:
        self._policy, self._tls = policy, tls or trusted_authorities()
        super().__init__(verify=self._tls)
        # httpx2 offers no argument for the backend; tests/providers/http/test_egress_async.py fails
        # if this stops working.
        self._pool = _pool(self._tls, GuardedAsyncBackend(policy))
        self._proxied: dict[tuple[Proxy, str], _ProxiedAsyncTransport] = {}

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        add_request_id(request)
        with noted(request) as one:
            proxy = self._policy.proxy_of(request.url)
            if proxy is None:
                found = await super().handle_async_request(request)
            else:
                found = await self._through(proxy, request)
            response = one.answered(found)
        try:
            refuse_unsafe_answer(request, response)
        except Exception:
            await response.aclose()
            raise
        return response

    async def _through(self, proxy: Proxy, request: httpx2.Request) -> httpx2.Response:
        key = (proxy, request.url.scheme)
        if key not in self._proxied:
            tls, connects = trusted_authorities(), request.url.scheme == "https"
            backend = AsyncTunnelBackend(self._policy, proxy, tls, connects)
            self._proxied[key] = _ProxiedAsyncTransport(self._tls, backend)
        if request.url.scheme == "https":
            return await self._proxied[key].handle_async_request(request)
        response = await self._proxied[key].handle_async_request(forwarded(request, proxy))
        refuse_proxys_own(response, proxy, request.url)
        return response

    async def aclose(self) -> None:
        for one in self._proxied.values():
            await one.aclose()
        await super().aclose()


class _ProxiedAsyncTransport(httpx2.AsyncHTTPTransport):
    """httpx2's own transport on a backend that goes through a proxy."""

    def __init__(self, tls: ssl.SSLContext, backend: AsyncTunnelBackend) -> None:
        super().__init__(verify=tls)
        self._pool = _pool(tls, backend)


def _pool(
    tls: ssl.SSLContext, backend: httpcore2.AsyncNetworkBackend
) -> httpcore2.AsyncConnectionPool:
    return httpcore2.AsyncConnectionPool(
        ssl_context=tls,
        network_backend=backend,
        max_connections=None,
        max_keepalive_connections=100,
        keepalive_expiry=30,
    )


def guarded_async_client(
    policy: EgressPolicy,
    timeout: float,
    *,
    headers: dict[str, str] | None = None,
    tls: ssl.SSLContext | None = None,
) -> httpx2.AsyncClient:
    """A client for an SDK. `timeout`: seconds for one step; `tls` as in `guarded_client`."""
    return httpx2.AsyncClient(
        transport=GuardedAsyncTransport(policy, tls),
        timeout=timeout,
        trust_env=False,
        follow_redirects=True,
        headers=client_headers(headers),
    )

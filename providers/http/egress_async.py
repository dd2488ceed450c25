"""The guard of outbound addresses for asynchronous clients.

The rules are those of egress.py: the address that is connected to is checked.
"""

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Iterable
from typing import Any

import httpcore2
import httpx2

from .egress import EgressPolicy, add_request_id, refuse_unsafe_answer, trusted_authorities
from .retries import noted


async def allowed_addresses(
    policy: EgressPolicy, host: str, port: int, family: int = socket.AF_UNSPEC
) -> list[str]:
    """The addresses behind a name, IPv4 first, every one of them allowed.

    Raises BlockedAddress, OSError.
    """
    policy.refuse_name(host)
    try:
        rows = await asyncio.get_running_loop().getaddrinfo(
            host, port, type=socket.SOCK_STREAM, family=family
        )
    except UnicodeError as error:
        raise socket.gaierror(socket.EAI_NONAME, str(error)) from None
    found = sorted(
        {str(row[4][0]) for row in rows}, key=lambda text: ":" in text
    )  # dead IPv6 routes are common
    for address in found:
        policy.refuse_address(host, ipaddress.ip_address(address.partition("%")[0]))
    return found


class GuardedAsyncBackend(httpcore2.AnyIOBackend):
    """Looks a name up once, refuses what the policy refuses, and connects to the very address it
    looked at.
    """

    def __init__(self, policy: EgressPolicy) -> None:
        self._policy = policy

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        addresses = await self._look_up(host, port, timeout)
        for address in addresses[:-1]:
            try:
                return await super().connect_tcp(
                    address, port, timeout, local_address, socket_options
                )
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout):
                continue
        return await super().connect_tcp(
            addresses[-1], port, timeout, local_address, socket_options
        )

    async def _look_up(self, host: str, port: int, timeout: float | None) -> list[str]:
        try:
            async with asyncio.timeout(timeout):
                return await allowed_addresses(self._policy, host, port)
        except TimeoutError as error:
            raise httpcore2.ConnectTimeout from error
        except OSError as error:
            raise httpcore2.ConnectError(str(error)) from error


class GuardedAsyncTransport(httpx2.AsyncHTTPTransport):
    """httpx2's own transport on the guarded backend, with the same refusals of redirects and
    compression.
    """

    def __init__(self, policy: EgressPolicy, tls: ssl.SSLContext | None = None) -> None:
        context = tls or trusted_authorities()
        super().__init__(verify=context)
        # httpx2 offers no argument for the backend; tests/providers/http/test_egress_async.py fails
        # if this stops working.
        self._pool = httpcore2.AsyncConnectionPool(
            ssl_context=context,
            network_backend=GuardedAsyncBackend(policy),
            max_connections=None,
            max_keepalive_connections=100,
            keepalive_expiry=30,
        )

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        add_request_id(request)
        with noted(request) as one:
            response = one.answered(await super().handle_async_request(request))
        try:
            refuse_unsafe_answer(request, response)
        except Exception:
            await response.aclose()
            raise
        return response


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
        headers={**(headers or {}), "Accept-Encoding": "identity"},
    )

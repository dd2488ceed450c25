"""Requests to services that speak OpenAI's protocol, as bytes: one pooled session in a worker,
nothing encoded twice.
"""

import asyncio
import ipaddress
import select
import socket
from collections.abc import AsyncGenerator
from functools import lru_cache, partial
from typing import Any
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

import aiohttp
from aiohttp import AddrInfoType, ClientRequest, ClientTimeout
from aiohttp.abc import AbstractResolver, ResolveResult
from pydantic_core import to_json
from yarl import URL

from providers.core.base import WireTarget
from providers.core.error_bodies import error_in
from providers.core.errors import (
    BlockedAddress,
    ProviderError,
    bad_response,
    from_answer,
    from_error_body,
)
from providers.core.network_faults import from_network, network_fault
from providers.core.request_id import HEADER as REQUEST_ID_HEADER
from providers.core.request_id import REQUEST_ID
from providers.core.texts import parse_json
from providers.core.trace_context import TRACE_HEADERS
from providers.core.version import user_agent
from providers.http.backends_async import allowed_addresses
from providers.http.egress import trusted_authorities
from providers.http.policy import EgressPolicy

from .pooled import PooledResponse, PooledSession
from .proxied import ProxiedSessions, ProxyConnector

LARGEST_ANSWER = 128 * 1024 * 1024  # bytes: 2,048 vectors of 3,072 numbers are 60 MB
LARGEST_REFUSAL = 64 * 1024
DNS_SECONDS = 10
HEADERS = {
    "Content-Type": "application/json",
    "Accept-Encoding": "identity",
    "User-Agent": user_agent(),
}


class GuardedResolver(AbstractResolver):
    """Looks a name up and refuses the addresses that the policy refuses.

    aiohttp connects to the very addresses that come back, so that a second look-up cannot lead
    elsewhere.
    """

    def __init__(self, policy: EgressPolicy) -> None:
        self._policy = policy

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await allowed_addresses(self._policy, host, port, family)
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
            for address in found
        ]

    async def close(self) -> None:
        """Does nothing: no look-up is kept."""


class LiveConnector(aiohttp.TCPConnector):
    """Passes over a kept connection that the service has closed, before anything is written to it.

    Afterwards it is too late: nobody can tell whether the service has read a request, and one that
    was read must not be sent again. aiohttp notices by itself only in a later turn of the loop.
    """

    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments)
        self._polls: WeakKeyDictionary[Any, select.poll] = WeakKeyDictionary()

    async def connect(
        self, req: ClientRequest, traces: list[Any], timeout: ClientTimeout
    ) -> aiohttp.connector.Connection:
        """A connection that is open as far as anybody can tell."""
        while True:
            connection = await super().connect(req, traces, timeout)
            poll = self._polls.get(connection.protocol)
            if poll is None:
                self._polls[connection.protocol] = _poll_of(connection.transport)
                return connection
            if not poll.poll(0):  # with bytes or an end to read, an idle one is of no more use
                return connection
            connection.close()


def _poll_of(transport: asyncio.Transport | None) -> select.poll:
    """A poll that tells whether there is something to read."""
    poll, found = select.poll(), transport.get_extra_info("socket") if transport else None
    if found is not None:
        poll.register(found.fileno(), select.POLLIN)
    return poll


@lru_cache(maxsize=1024)
def _refuse_blocked(policy: EgressPolicy, url: str) -> None:
    """Raises BlockedAddress for a host that the policy refuses by its name.

    The resolver alone would not do: aiohttp does not resolve an address that is a number. Its URLs
    read other digits and dots as those of an address, so the host is judged as they have it.
    """
    try:
        host = URL(url).raw_host or ""
    except ValueError:
        raise BlockedAddress("The endpoint is not an address that can be asked.") from None
    policy.refuse_name(host)


def _guarded_socket(policy: EgressPolicy, found: AddrInfoType) -> socket.socket:
    """A socket for an address that the policy lets through: the last look before the connection is
    made, whatever the name was. Raises BlockedAddress.
    """
    family, kind, protocol, _, address = found
    host = str(address[0])
    policy.refuse_address(host, ipaddress.ip_address(host.partition("%")[0]))
    return socket.socket(family, kind, protocol)


class ProxiedConnector(ProxyConnector, LiveConnector):
    """Both of them, for services behind a proxy."""


def _connector(policy: EgressPolicy, kind: type[LiveConnector]) -> LiveConnector:
    return kind(
        limit=0,
        resolver=GuardedResolver(policy),
        ttl_dns_cache=DNS_SECONDS,
        ssl=trusted_authorities(),
        keepalive_timeout=30,
        socket_factory=partial(_guarded_socket, policy),
    )


def _proxied_session(policy: EgressPolicy) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=_connector(policy, ProxiedConnector),
        auto_decompress=False,
        cookie_jar=aiohttp.DummyCookieJar(),
    )


def _fault(error: Exception, host: str) -> ProviderError:
    """As `from_network`, which does not know aiohttp's own exceptions for a connection that is
    closed in the middle of an answer. The service may have read the request by then.
    """
    if (
        isinstance(error, aiohttp.ServerDisconnectedError | aiohttp.ClientPayloadError)
        and network_fault(error, host) is None
    ):
        found = ProviderError(
            f"{host} closed the connection before its answer was over. Try again.", "error"
        )
    else:
        found = from_network(error, host)
    found.may_be_read = found.code == "error"
    return found


class Upstream:
    """The sessions. They are made in the event loop that uses it."""

    def __init__(self, policy: EgressPolicy) -> None:
        self._policy, self._session = policy, PooledSession(_connector(policy, LiveConnector))
        self._proxied = ProxiedSessions(policy, _proxied_session)

    async def close(self) -> None:
        """Closes the sessions."""
        await self._session.close()
        await self._proxied.close()

    async def ask(
        self, target: WireTarget, body: dict[str, Any], timeout: float, *, stream: bool
    ) -> "UpstreamResponse":
        """The response to one request, whose head has been read. The caller reads or closes it.

        `timeout`: seconds for the whole response, of a stream for each piece. Raises ProviderError
        for every status but 200, and for a body of another type than was asked for.
        """
        data, url = to_json(body), urlsplit(target.url)
        own = {**HEADERS, REQUEST_ID_HEADER: REQUEST_ID.get(), **TRACE_HEADERS.get()}
        headers = {**own, **target.headers}
        found: aiohttp.ClientResponse | PooledResponse
        host = url.netloc
        try:
            _refuse_blocked(self._policy, target.url)
            if proxy := self._proxied.proxy_of(target, url):
                limit = aiohttp.ClientTimeout(
                    total=None if stream else timeout, sock_connect=timeout, sock_read=timeout
                )
                arguments = {"data": data, "headers": headers, "timeout": limit}
                arguments["ssl"] = target.tls or True  # True: as the session
                found = await self._proxied.post(proxy, target, url, **arguments)
            else:
                found = await self._session.post(target, data, headers, timeout, stream=stream)
        except Exception as error:  # noqa: BLE001 whatever the client raises becomes one of ours
            raise _fault(error, host) from None
        response = UpstreamResponse(found, host, stream)
        try:
            await response.raise_for_status()
        except BaseException:
            response.close()
            raise
        return response


class UpstreamResponse:
    """A response whose head has arrived."""

    def __init__(
        self, response: aiohttp.ClientResponse | PooledResponse, host: str, is_stream: bool
    ) -> None:
        self._response = response
        self.host = host
        self._is_stream = is_stream

    def close(self) -> None:
        """Closes the connection, so that the service sees that nobody listens any more."""
        self._response.close()

    async def raise_for_status(self) -> None:
        """Raises ProviderError unless the status is 200 and the body of the type that was asked
        for.
        """
        response = self._response
        if response.status != 200:
            raise from_answer(response.status, self.host, response.headers, await self._refusal())
        wanted = "text/event-stream" if self._is_stream else "application/json"
        is_plain = response.headers.get("Content-Encoding", "identity") == "identity"
        if response.content_type == wanted and is_plain:
            return
        if is_plain and response.content_type == "application/json":
            # a stream that failed before it began, of status 200 all the same
            error = error_in(await self._refusal())
            if error is not None:
                raise from_error_body(error, self.host)
        raise bad_response(self.host)

    async def _refusal(self) -> Any:
        """The JSON of a refusal, None when it is not JSON or too long."""
        try:
            data = await self._response.content.read(LARGEST_REFUSAL)
            while len(data) < LARGEST_REFUSAL and (
                more := await self._response.content.read(LARGEST_REFUSAL)
            ):
                data += more
            return parse_json(data)
        except (ValueError, aiohttp.ClientError, TimeoutError):
            return None

    async def read(self) -> bytes:
        """The whole body. Raises ProviderError."""
        pieces, size, content = [], 0, self._response.content
        try:
            if content.is_eof() and content.total_bytes <= LARGEST_ANSWER:  # as most arrive
                return content.read_nowait()
            async for piece in content.iter_any():
                pieces.append(piece)
                size += len(piece)
                if size > LARGEST_ANSWER:
                    raise bad_response(self.host)
        except Exception as error:  # noqa: BLE001 as above
            self.close()
            raise error if isinstance(error, ProviderError) else _fault(error, self.host) from None
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    async def pieces(self) -> AsyncGenerator[bytes, None]:
        """The body as it arrives. Raises ProviderError; closing the generator closes the
        connection.
        """
        try:
            async for piece in self._response.content.iter_any():
                yield piece
        except (aiohttp.ClientError, TimeoutError, OSError, asyncio.IncompleteReadError) as error:
            raise _fault(error, self.host) from None
        finally:
            self.close()

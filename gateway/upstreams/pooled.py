"""One request on a connection of aiohttp's pool, written and read here: what its client makes for
each request (headers, URL, cookies, a task for the body, timers) took longer than the exchange.

Connections, TLS, the parser of responses and the flow of their bytes are aiohttp's.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.connector import Connection
from aiohttp.http_parser import RawResponseMessage
from multidict import CIMultiDictProxy
from yarl import URL

from providers.core.base import WireTarget

LARGE = 64 * 1024  # bytes of a body that is not copied behind its head


@dataclass(frozen=True, slots=True)
class _Address:
    """`request`: what the pool knows connections by; `line`: the beginning of the head."""

    request: aiohttp.ClientRequest
    line: str


class PooledSession:
    """Requests to services that are asked directly. It is bound to the event loop."""

    def __init__(self, connector: aiohttp.TCPConnector) -> None:
        self._connector = connector
        self._loop = asyncio.get_running_loop()
        self._address = lru_cache(maxsize=1024)(self._new_address)

    async def close(self) -> None:
        """Closes every connection."""
        await self._connector.close()

    def _new_address(self, target_url: str, tls: object) -> _Address:
        """Raises InvalidURL for what is not the address of a service."""
        url = URL(target_url)
        if url.scheme not in ("http", "https") or not url.raw_host or url.user or url.password:
            raise aiohttp.InvalidURL(target_url)
        request = aiohttp.ClientRequest("POST", url, loop=self._loop, ssl=tls or True)  # type: ignore[arg-type]
        host = url.host_port_subcomponent
        return _Address(request, f"POST {url.raw_path_qs} HTTP/1.1\r\nHost: {host}\r\n")

    async def post(
        self,
        target: WireTarget,
        body: bytes,
        headers: Mapping[str, str],
        timeout: float,
        *,
        stream: bool,
    ) -> "PooledResponse":
        """The response, once its head has come. `timeout`: seconds for the whole of it, of a
        stream for each piece.

        Raises aiohttp's errors and those of the network.
        """
        began, address = self._loop.time(), self._address(target.url, target.tls)
        head = _head(address.line, headers, len(body))
        connection = await self._connector.connect(address.request, [], _limit_of(timeout))
        response = PooledResponse(connection)
        try:
            response.protocol.set_response_params(
                read_until_eof=True,
                auto_decompress=False,
                read_timeout=timeout if stream else None,
            )
            if not stream:
                response.timer = self._loop.call_at(began + timeout, response.expire)
            _write(response.protocol, head, body)
            response.protocol.start_timeout()
            await response.begin()
        except BaseException:
            response.close()
            raise
        return response


@lru_cache(maxsize=64)
def _limit_of(seconds: float) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(connect=seconds, sock_connect=seconds)


def _head(line: str, headers: Mapping[str, str], length: int) -> bytes:
    """The head of a request. Of a name in two spellings the later one counts. Raises ValueError
    for what would end a line, which a secret may hold.
    """
    known = {"accept": ("Accept", "*/*")}
    known |= {name.lower(): (name, value) for name, value in headers.items()}
    text = "".join([f"{name}: {value}\r\n" for name, value in known.values()])
    if text.count("\n") != len(known) or text.count("\r") != len(known) or "\0" in text:
        raise ValueError("A header has a line break.")
    return f"{line}{text}Content-Length: {length}\r\n\r\n".encode()


def _write(protocol: ResponseHandler, head: bytes, body: bytes) -> None:
    transport = protocol.transport
    if transport is None or transport.is_closing():
        raise aiohttp.ClientConnectionResetError("Cannot write to closing transport")
    if len(body) < LARGE:
        transport.write(head + body)
    else:
        transport.writelines([head, body])


@dataclass(slots=True)
class PooledResponse:
    """A response. Its connection goes back into the pool by itself when all of it has come."""

    connection: Connection
    timer: asyncio.TimerHandle | None = None
    protocol: ResponseHandler = field(init=False)
    message: RawResponseMessage = field(init=False)
    content: aiohttp.StreamReader = field(init=False)

    def __post_init__(self) -> None:
        assert self.connection.protocol is not None  # noqa: S101 it was just taken
        self.protocol = self.connection.protocol

    async def begin(self) -> None:
        """Waits for the head. What comes before it (100, 103) is passed over."""
        while True:
            self.message, self.content = await self.protocol.read()
            if self.message.code >= 200 or self.message.code == 101:
                break
        self.content.on_eof(self._release)

    @property
    def status(self) -> int:
        """The status of the answer."""
        return self.message.code

    @property
    def headers(self) -> CIMultiDictProxy[str]:
        """The headers of the answer."""
        return self.message.headers

    @property
    def content_type(self) -> str:
        """The type of the body, without parameters."""
        return self.headers.get("Content-Type", "").partition(";")[0].strip().lower()

    def expire(self) -> None:
        """Ends it when its time is over: whoever reads gets a TimeoutError."""
        error = TimeoutError()
        self.protocol.set_exception(error)
        if hasattr(self, "content"):
            self.content.set_exception(error)

    def close(self) -> None:
        """Closes the connection, unless it is in the pool again."""
        self._stop()
        self.connection.close()

    def _release(self) -> None:
        self._stop()
        transport = self.protocol.transport
        if transport is not None and transport.get_write_buffer_size():
            self.connection.close()  # answered before it had read the request
        else:
            self.connection.release()

    def _stop(self) -> None:
        if self.timer is not None:
            self.timer.cancel()

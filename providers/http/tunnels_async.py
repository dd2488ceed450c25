"""The way through a proxy for asynchronous clients: see tunnels.py."""

import ssl
from collections.abc import Iterable
from typing import Any

import httpcore2

from .backends_async import GuardedAsyncBackend, judge_target
from .policy import EgressPolicy, reaching
from .proxies import Proxy
from .tunnels import LARGEST_HEAD, connect_head, naming, refuse_answer


class AsyncTunnelBackend(httpcore2.AnyIOBackend):
    """Reaches every host through a proxy, as `TunnelBackend`."""

    def __init__(
        self, policy: EgressPolicy, proxy: Proxy, tls: ssl.SSLContext, connects: bool
    ) -> None:
        self._policy, self._way = policy, GuardedAsyncBackend(reaching(policy, proxy))
        self._proxy, self._tls, self._connects = proxy, tls, connects

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        await judge_target(self._policy, host, port)
        proxy, own = self._proxy, (local_address, socket_options)
        with naming(proxy):
            stream = await self._way.connect_tcp(proxy.host, proxy.port, timeout, *own)
            try:
                if proxy.scheme == "https":
                    stream = await stream.start_tls(self._tls, proxy.host, timeout)
                if self._connects:
                    await self._open(stream, host, port, timeout)
            except BaseException:
                await stream.aclose()
                raise
        return stream

    async def _open(
        self, stream: httpcore2.AsyncNetworkStream, host: str, port: int, timeout: float | None
    ) -> None:
        await stream.write(connect_head(self._proxy, host, port), timeout)
        head = b""
        while not refuse_answer(self._proxy, host, head):
            more = await stream.read(LARGEST_HEAD, timeout)
            if not more:
                raise httpcore2.RemoteProtocolError
            head += more

"""The way through a proxy: the target is judged here, the proxy is asked for a tunnel to it, and
what goes wrong on the way has a sentence that names the proxy.

A request over TLS goes through a tunnel (RFC 9110, section 9.3.6), so the proxy sees no more of it
than the host. One without TLS is handed to the proxy whole (RFC 9112, section 3.2.2), as most
proxies open tunnels to no other port than 443.
"""

import re
import socket
import ssl
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import httpcore2
import httpx2

from ..core.errors import ProviderError, chain
from .allowance import Allowance
from .backends import GuardedBackend
from .policy import EgressPolicy, reaching
from .proxies import OWN_LOGIN, Proxy, netloc

LARGEST_HEAD = 16 * 1024  # bytes of a proxy's answer
STATUS = re.compile(rb"HTTP/1\.[01] (\d{3})[ \r]")
FAULTS = (
    httpcore2.NetworkError,
    httpcore2.TimeoutException,
    httpcore2.ProtocolError,
    OSError,
)


def connect_head(proxy: Proxy, host: str, port: int) -> bytes:
    """The request for a tunnel to a host."""
    there = netloc(host, port)
    lines = [f"CONNECT {there} HTTP/1.1", f"Host: {there}"]
    if proxy.authorization:
        lines.append(f"Proxy-Authorization: {proxy.authorization}")
    return "\r\n".join([*lines, "", ""]).encode()


def refuse_answer(proxy: Proxy, host: str, head: bytes) -> bool:
    """True once the head of the answer is whole and opens the tunnel. Raises ProviderError."""
    if b"\r\n\r\n" not in head and len(head) < LARGEST_HEAD:
        return False
    found = STATUS.match(head)
    # nobody speaks in a tunnel before we do
    if found is None or (found[1][:1] == b"2" and not head.endswith(b"\r\n\r\n")):
        raise no_proxy(proxy)
    if found[1][:1] != b"2":
        raise refused(proxy, int(found[1]), host)
    return True


def no_proxy(proxy: Proxy) -> ProviderError:
    """The error for an answer that is not a proxy's."""
    text = f"{proxy.netloc} does not answer as a proxy does. Check {proxy.place}."
    return ProviderError(text, "refused", True)


def refused(proxy: Proxy, status: int, host: str) -> ProviderError:
    """The error for a proxy that opens no tunnel."""
    name = f"The proxy {proxy.netloc}"
    place = OWN_LOGIN if proxy.is_own else proxy.place
    if status == 407 and proxy.authorization:
        text = f"{name} does not accept its user name and password. Correct them in {place}."
    elif status == 407:
        text = f"{name} wants a user name and a password. Put them into {place}."
    elif status in (401, 403, 405):
        text = (
            f"{name} does not let requests to {host} through. Ask who runs it, or list {host} in "
            "NO_PROXY."
        )
    else:
        text = f"{name} does not reach {host} (HTTP {status}). Check the address, then try again."
        return ProviderError(text, "timeout" if status == 504 else "refused")
    return ProviderError(text, "refused", True)


def unreachable(proxy: Proxy, error: BaseException) -> ProviderError:
    """The error for a proxy that no connection to was made."""
    name, check = f"The proxy {proxy.netloc}", f"Check {proxy.place}"
    for cause in chain(error):
        match cause:
            case socket.gaierror():
                text = f"There is no host named {proxy.host}, the proxy. {check}."
                return ProviderError(text, "dns", cause.errno != socket.EAI_AGAIN)
            case ssl.SSLCertVerificationError():
                text = (
                    f"The certificate of the proxy {proxy.netloc} cannot be trusted. Renew it, or "
                    "add the authority that signed it to CONNECTIONS_CA_FILE."
                )
                return ProviderError(text, "tls", True)
            case ssl.SSLError():
                text = f"{name} does not speak TLS. Write http:// before it: {proxy.place}."
                return ProviderError(text, "tls", True)
            case TimeoutError() | httpcore2.TimeoutException():
                text = f"{name} did not answer in time. {check} and the network, then try again."
                return ProviderError(text, "timeout")
            case ConnectionRefusedError():
                text = f"Nothing listens at the proxy {proxy.netloc}. {check}, and that it runs."
                return ProviderError(text, "refused")
    return ProviderError(f"{name} closed the connection. {check}, then try again.", "refused")


@contextmanager
def naming(proxy: Proxy) -> Iterator[None]:
    """Turns a fault of the network inside the block into an error that names the proxy."""
    try:
        yield
    except FAULTS as error:
        raise unreachable(proxy, error) from None


class TunnelBackend(httpcore2.SyncBackend):
    """Reaches every host through a proxy, after the policy has judged it.

    `tls`: the context that judges the proxy's own certificate; `connects`: asks for a tunnel.
    """

    def __init__(
        self,
        policy: EgressPolicy,
        allowance: Allowance,
        proxy: Proxy,
        tls: ssl.SSLContext,
        connects: bool,
    ) -> None:
        self._target = GuardedBackend(policy, allowance)
        self._way = GuardedBackend(reaching(policy, proxy), allowance)
        self._proxy, self._tls, self._connects = proxy, tls, connects

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.NetworkStream:
        self._target.judge(host, port, timeout)
        proxy, own = self._proxy, (local_address, socket_options)
        with naming(proxy):
            stream = self._way.connect_tcp(proxy.host, proxy.port, timeout, *own)
            try:
                if proxy.scheme == "https":
                    stream = stream.start_tls(self._tls, proxy.host, timeout)
                if self._connects:
                    self._open(stream, host, port, timeout)
            except BaseException:
                stream.close()
                raise
        return stream

    def _open(
        self, stream: httpcore2.NetworkStream, host: str, port: int, timeout: float | None
    ) -> None:
        stream.write(connect_head(self._proxy, host, port), timeout)
        head = b""
        while not refuse_answer(self._proxy, host, head):
            more = stream.read(LARGEST_HEAD, timeout)
            if not more:
                raise httpcore2.RemoteProtocolError
            head += more


def forwarded(request: httpx2.Request, proxy: Proxy) -> httpx2.Request:
    """The request as a proxy of http takes it, with the credentials that are for the proxy alone.

    It is another object, so that neither a redirect nor a log has them.
    """
    url, headers = request.url, request.headers.copy()
    if proxy.authorization:
        headers["Proxy-Authorization"] = proxy.authorization
    target = url.raw_scheme + b"://" + url.netloc + url.raw_path
    extensions = {**request.extensions, "target": target}
    return httpx2.Request(
        request.method, url, headers=headers, stream=request.stream, extensions=extensions
    )


def refuse_proxys_own(response: httpx2.Response, proxy: Proxy, url: httpx2.URL) -> None:
    """Raises ProviderError for an answer that the proxy gave in place of the service."""
    if response.status_code == 407:
        raise refused(proxy, 407, url.host)

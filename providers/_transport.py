"""The guard of outbound addresses: every byte to a provider goes through here.

The check is made on the address that is connected to, after DNS, on every connection (so on every redirect too):
a name that answers differently the second time gains nothing.
"""

import ipaddress
import socket
import ssl
import time
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any

import httpcore2
import httpx2

from .errors import AnswerTooLarge, BlockedAddress, RedirectRefused

# Cloud metadata that is not link-local. Azure: learn.microsoft.com/azure/virtual-network/what-is-ip-address-168-63-129-16,
# Alibaba Cloud: alibabacloud.com/help/ecs/user-guide/view-instance-metadata, AWS over IPv6: docs.aws.amazon.com (IMDS).
METADATA_ADDRESSES = frozenset(map(ipaddress.ip_address, ("168.63.129.16", "100.100.100.200", "fd00:ec2::254")))
METADATA_NAMES = frozenset({"metadata.google.internal", "metadata.goog", "metadata"})
LARGEST_ANSWER = 4 * 1024 * 1024  # bytes; the longest list of models known is below 2 MB

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True)
class EgressPolicy:
    """Where requests may go. `allow`: host names (`*.example.com` for subdomains), empty for any; `private`: private addresses too."""

    allow: tuple[str, ...] = ()
    private: bool = True

    def refuse_name(self, host: str) -> None:
        """Raises BlockedAddress when the name, or the address it literally is, may not be asked. No DNS."""
        name = host.strip("[]").rstrip(".").lower()
        if name in METADATA_NAMES:
            raise BlockedAddress(f"{host} is a cloud metadata service and is never asked.")
        if self.allow and not any(_matches(name, pattern.strip().lower()) for pattern in self.allow):
            raise BlockedAddress(f"{host} is not among the hosts listed in CONNECTIONS_EGRESS_ALLOW.")
        if address := literal_address(name):
            self.refuse_address(host, address)

    def refuse_address(self, host: str, address: Address) -> None:
        """Raises BlockedAddress when `address`, which `host` stands for, may not be connected to."""
        address = getattr(address, "ipv4_mapped", None) or address
        if address.is_link_local or address in METADATA_ADDRESSES or address.is_multicast:
            raise BlockedAddress(f"{host} is a link-local or cloud metadata address and is never asked.")
        if not self.private and not address.is_global:
            raise BlockedAddress(f"{host} is a private address, and CONNECTIONS_EGRESS_PRIVATE forbids those.")


def _matches(name: str, pattern: str) -> bool:
    return name.endswith(pattern[1:]) if pattern.startswith("*.") else name == pattern


def literal_address(host: str) -> Address | None:
    """The address that `host` spells, also in the short, octal and hexadecimal spellings a C library accepts, else None."""
    try:
        return ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        pass
    try:
        return ipaddress.ip_address(socket.inet_aton(host)) if host[:1].isdigit() else None
    except OSError:
        return None


class GuardedStream(httpcore2.NetworkStream):
    """A socket with a budget: no byte after `deadline` (monotonic seconds), none beyond `budget` bytes; None for no bound."""

    def __init__(self, stream: httpcore2.NetworkStream, deadline: float | None, budget: int | None) -> None:
        self._stream, self._deadline, self._budget = stream, deadline, budget

    def _left(self, timeout: float | None) -> float | None:
        if self._deadline is None:
            return timeout
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise httpcore2.ReadTimeout from TimeoutError()
        return left if timeout is None else min(left, timeout)

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        data = self._stream.read(max_bytes, self._left(timeout))
        if self._budget is not None:
            self._budget -= len(data)
            if self._budget < 0:
                raise AnswerTooLarge
        return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._left(timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(self, ssl_context: Any, server_hostname: str | None = None, timeout: float | None = None) -> httpcore2.NetworkStream:
        stream = self._stream.start_tls(ssl_context, server_hostname, self._left(timeout))
        return GuardedStream(stream, self._deadline, self._budget)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class GuardedBackend(httpcore2.SyncBackend):
    """Looks a name up once, refuses what the policy refuses, and connects to the very address it looked at."""

    def __init__(self, policy: EgressPolicy, seconds: float | None, budget: int | None) -> None:
        self._policy, self._seconds, self._budget = policy, seconds, budget

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.NetworkStream:
        deadline = None if self._seconds is None else time.monotonic() + self._seconds
        self._policy.refuse_name(host)
        try:
            found = {row[4][0] for row in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)}
        except (OSError, UnicodeError) as error:
            raise httpcore2.ConnectError(str(error)) from socket.gaierror(str(error))
        addresses = sorted(found, key=lambda text: ":" in text)  # IPv4 first: a name with a dead IPv6 route is common
        for address in addresses:
            self._policy.refuse_address(host, ipaddress.ip_address(str(address).partition("%")[0]))
        stream = self._connect_any(addresses, port, timeout, local_address, socket_options)
        return GuardedStream(stream, deadline, self._budget)

    def _connect_any(self, addresses: list[Any], port: int, *arguments: Any) -> httpcore2.NetworkStream:
        for address in addresses[:-1]:
            try:
                return super().connect_tcp(address, port, *arguments)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout):
                continue
        return super().connect_tcp(addresses[-1], port, *arguments)


@cache
def trusted_authorities() -> ssl.SSLContext:
    """The operating system's certificate authorities, read once: reading them takes longer than many a request."""
    return httpx2.create_ssl_context()


class GuardedTransport(httpx2.HTTPTransport):
    """httpx2's own transport on the guarded backend; an answer that redirects to another origin is refused.

    httpx2 drops `Authorization` on such a redirect, but not `x-api-key`, `api-key` or a header of the user's own.
    """

    def __init__(self, policy: EgressPolicy, seconds: float | None, budget: int | None) -> None:
        context = trusted_authorities()
        super().__init__(verify=context)
        # httpx2 offers no argument for the backend; tests/providers/test_transport.py fails if this stops working.
        self._pool = httpcore2.ConnectionPool(ssl_context=context, network_backend=GuardedBackend(policy, seconds, budget))

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        response = super().handle_request(request)
        if response.has_redirect_location:
            target = request.url.join(response.headers["location"])
            if (target.scheme, target.host, target.port) != (request.url.scheme, request.url.host, request.url.port):
                response.close()
                raise RedirectRefused
        if response.headers.get("content-encoding", "identity") != "identity":
            response.close()  # a few kilobytes can unpack into gigabytes, and we asked for none of it
            raise AnswerTooLarge
        return response


def guarded_client(
    policy: EgressPolicy, timeout: float, *, seconds: float | None = None, budget: int | None = None, headers: dict[str, str] | None = None
) -> httpx2.Client:
    """A client for an SDK. `timeout`: seconds for one step; `seconds`, `budget`: bounds of a whole connection, None for none."""
    return httpx2.Client(
        transport=GuardedTransport(policy, seconds, budget),
        timeout=timeout,
        trust_env=False,
        follow_redirects=True,
        headers={**(headers or {}), "Accept-Encoding": "identity"},
    )

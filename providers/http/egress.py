"""The guard of outbound addresses: every byte to a provider goes through here.

The check is made on the address that is connected to, after DNS, on every connection (so on every
redirect too): a name that answers differently the second time gains nothing.
"""

import ipaddress
import socket
import ssl
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import httpcore2
import httpx2

from ..core.errors import BlockedAddress, CompressedAnswer, RedirectRefused
from ..core.request_id import HEADER, REQUEST_ID
from .allowance import Allowance, within

# Cloud metadata that is not link-local. Azure:
# learn.microsoft.com/azure/virtual-network/what-is-ip-address-168-63-129-16, Alibaba Cloud:
# alibabacloud.com/help/ecs/user-guide/view-instance-metadata, AWS over IPv6: docs.aws.amazon.com
# (IMDS).
METADATA_ADDRESSES = frozenset(
    map(ipaddress.ip_address, ("168.63.129.16", "100.100.100.200", "fd00:ec2::254"))
)
METADATA_NAMES = frozenset({"metadata.google.internal", "metadata.goog", "metadata"})

NAT64 = ipaddress.ip_network("64:ff9b::/96")  # RFC 6052: the last 32 bits are an IPv4 address
IPV4_COMPATIBLE = ipaddress.ip_network("::/96")  # RFC 4291, section 2.5.5.1

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True)
class EgressPolicy:
    """The rules that say to which addresses requests may go.

    `allow`: host names (`*.example.com` for subdomains), empty for any; `private`: private
    addresses too.
    """

    allow: tuple[str, ...] = ()
    private: bool = True

    def refuse_name(self, host: str) -> None:
        """Raises BlockedAddress when the name, or the address it literally is, may not be asked.

        No DNS.
        """
        name = host.strip("[]").rstrip(".").lower()
        if name in METADATA_NAMES:
            raise BlockedAddress(f"{host} is a cloud metadata service and is never asked.")
        patterns = [pattern.strip().lower() for pattern in self.allow]
        if patterns and not any(
            name.endswith(one[1:]) if one.startswith("*.") else name == one for one in patterns
        ):
            raise BlockedAddress(
                f"{host} is not among the hosts listed in CONNECTIONS_EGRESS_ALLOW."
            )
        if address := literal_address(name):
            self.refuse_address(host, address)

    def refuse_address(self, host: str, address: IPAddress) -> None:
        """Raises BlockedAddress when `address`, which `host` stands for, may not be connected
        to.
        """
        for one in reached_addresses(address):
            if one.is_link_local or one in METADATA_ADDRESSES or one.is_multicast:
                raise BlockedAddress(
                    f"{host} is a link-local or cloud metadata address and is never asked."
                )
            if not self.private and not one.is_global:
                raise BlockedAddress(
                    f"{host} is a private address, and CONNECTIONS_EGRESS_PRIVATE forbids those."
                )


def reached_addresses(address: IPAddress) -> Iterator[IPAddress]:
    """The addresses that a packet to this one would reach.

    That is the IPv4 address in it where it only wraps one, and both for 6to4, which is routed.
    """
    if isinstance(address, ipaddress.IPv4Address):
        yield address
    elif address.ipv4_mapped:
        yield address.ipv4_mapped
    elif address in NAT64 or (address in IPV4_COMPATIBLE and int(address) > 1):
        yield ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    else:
        yield address
        if address.sixtofour:
            yield address.sixtofour


def literal_address(host: str) -> IPAddress | None:
    """The address that `host` spells, also in the short, octal and hexadecimal spellings a C
    library accepts, else None.
    """
    try:
        return ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        pass
    try:
        return ipaddress.ip_address(socket.inet_aton(host)) if host[:1].isdigit() else None
    except (OSError, ValueError):
        return None


class GuardedStream(httpcore2.NetworkStream):
    """A socket that keeps to an allowance."""

    def __init__(self, stream: httpcore2.NetworkStream, allowance: Allowance) -> None:
        self._stream, self._allowance = stream, allowance

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        data = self._stream.read(max_bytes, self._allowance.left(timeout))
        self._allowance.spend(len(data))
        return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._allowance.left(timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: Any, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        stream = self._stream.start_tls(ssl_context, server_hostname, self._allowance.left(timeout))
        return GuardedStream(stream, self._allowance)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class GuardedBackend(httpcore2.SyncBackend):
    """Looks a name up once, refuses what the policy refuses, and connects to the very address it
    looked at.
    """

    def __init__(self, policy: EgressPolicy, allowance: Allowance) -> None:
        self._policy, self._allowance = policy, allowance

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.NetworkStream:
        self._policy.refuse_name(host)
        addresses = self._look_up(host, port, timeout)
        for address in addresses:
            self._policy.refuse_address(host, ipaddress.ip_address(address.partition("%")[0]))
        stream = self._connect_any(addresses, port, timeout, local_address, socket_options)
        return GuardedStream(stream, self._allowance)

    def _look_up(self, host: str, port: int, timeout: float | None) -> list[str]:
        try:
            rows = within(
                self._allowance.left(timeout),
                lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM),
            )
        except TimeoutError as error:
            raise httpcore2.ConnectTimeout from error
        except UnicodeError as error:
            raise httpcore2.ConnectError(str(error)) from socket.gaierror(str(error))
        except OSError as error:
            raise httpcore2.ConnectError(str(error)) from error
        return sorted(
            {str(row[4][0]) for row in rows}, key=lambda text: ":" in text
        )  # IPv4 first: dead IPv6 routes are common

    def _connect_any(
        self, addresses: list[str], port: int, timeout: float | None, *arguments: Any
    ) -> httpcore2.NetworkStream:
        for address in addresses[:-1]:
            try:
                return super().connect_tcp(address, port, self._allowance.left(timeout), *arguments)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout):
                continue
        return super().connect_tcp(addresses[-1], port, self._allowance.left(timeout), *arguments)


@cache
def trusted_authorities() -> ssl.SSLContext:
    """The operating system's certificate authorities, read once: reading them takes longer than
    many a request.
    """
    return httpx2.create_ssl_context()


class GuardedTransport(httpx2.HTTPTransport):
    """httpx2's own transport on the guarded backend; an answer that redirects to another origin is
    refused.

    httpx2 drops `Authorization` on such a redirect, but not `x-api-key`, `api-key` or a header of
    the user's own. `tls`: the context that judges certificates, None for the system's authorities.
    """

    def __init__(
        self, policy: EgressPolicy, allowance: Allowance, tls: ssl.SSLContext | None = None
    ) -> None:
        context = tls or trusted_authorities()
        super().__init__(verify=context)
        # httpx2 offers no argument for the backend; tests/providers/http/test_egress.py fails if
        # this stops working.
        self._pool = httpcore2.ConnectionPool(
            ssl_context=context, network_backend=GuardedBackend(policy, allowance)
        )

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        add_request_id(request)
        response = super().handle_request(request)
        try:
            refuse_unsafe_answer(request, response)
        except Exception:
            response.close()
            raise
        return response


def add_request_id(request: httpx2.Request) -> None:
    """Sends the id of the request that is answered now along, so that both logs can be matched."""
    if request_id := REQUEST_ID.get():
        request.headers.setdefault(HEADER, request_id)


def refuse_unsafe_answer(request: httpx2.Request, response: httpx2.Response) -> None:
    """Raises RedirectRefused for a redirect to another origin, CompressedAnswer for a compressed
    answer, which we did not ask for.
    """
    if response.has_redirect_location:
        target = request.url.join(response.headers["location"])
        if (target.scheme, target.host, target.port) != (
            request.url.scheme,
            request.url.host,
            request.url.port,
        ):
            raise RedirectRefused
    if response.headers.get("content-encoding", "identity") != "identity":
        raise CompressedAnswer  # a few kilobytes can unpack into gigabytes


def guarded_client(
    policy: EgressPolicy,
    timeout: float,
    *,
    allowance: Allowance | None = None,
    headers: dict[str, str] | None = None,
    transport: httpx2.BaseTransport | None = None,
) -> httpx2.Client:
    """A client for an SDK.

    `timeout`: seconds for one step; `allowance`: bounds of a whole act, None for none.

    `transport`: one that ends in a GuardedTransport, where something has to happen between that and
    the client.
    """
    return httpx2.Client(
        transport=transport or GuardedTransport(policy, allowance or Allowance()),
        timeout=timeout,
        trust_env=False,
        follow_redirects=True,
        headers={**(headers or {}), "Accept-Encoding": "identity"},
    )

"""The guard of outbound addresses: every byte to a provider goes through here.

The check is made on the address that is connected to, after DNS, on every connection (so on every
redirect too): a name that answers differently the second time gains nothing.
"""

import ipaddress
import socket
import ssl
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any

import httpcore2
import httpx2

from ..core.errors import BlockedAddress, CompressedAnswer, RedirectRefused
from ..core.request_id import HEADER, REQUEST_ID
from .addresses import (
    IPAddress,
    is_metadata,
    is_metadata_name,
    is_public,
    literal_address,
    reached_addresses,
    wire_name,
)
from .allowance import Allowance, within
from .retries import noted

# An extension of a request: the statuses that its sender judges, so that they are not followed.
JUDGED_REDIRECTS = "judged_redirects"


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
        try:
            name = wire_name(host)
        except ValueError:
            raise BlockedAddress(
                f"{host} is not the name of a host. Write it in plain letters, digits, dots and "
                "hyphens."
            ) from None
        if is_metadata_name(name):
            raise BlockedAddress(f"{host} is a cloud metadata service and is never asked.")
        if self.allow and not any(_matches(pattern, name) for pattern in self.allow):
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
            if is_metadata(one):
                raise BlockedAddress(
                    f"{host} is a link-local or cloud metadata address and is never asked."
                )
            if not self.private and not is_public(one):
                raise BlockedAddress(
                    f"{host} is a private address, and CONNECTIONS_EGRESS_PRIVATE forbids those."
                )


def _matches(pattern: str, name: str) -> bool:
    """True if a pattern of the allow list means this name. A pattern that is no name matches
    nothing.
    """
    pattern = pattern.strip()
    below = pattern.startswith("*.")
    try:
        wanted = wire_name(pattern[2:] if below else pattern)
    except ValueError:
        return False
    return name.endswith(f".{wanted}") if below else name == wanted


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


_own_authorities: list[str] = []  # files, besides the operating system's


def trust_authorities(path: str) -> None:
    """Has every client of this process trust the certificate authorities in a PEM file too, from
    the next context on. Nothing for an empty path.

    Raises ValueError with a sentence for a file that holds none.
    """
    if not path:
        return
    try:
        ssl.create_default_context(cafile=path)
    except OSError:  # ssl.SSLError is one
        raise ValueError(
            "names a file without certificates. Put PEM into it, with its lines BEGIN CERTIFICATE "
            "and END CERTIFICATE."
        ) from None
    _own_authorities[:] = [path]
    trusted_authorities.cache_clear()


def new_context() -> ssl.SSLContext:
    """A new context that trusts the operating system's certificate authorities and our own."""
    context = httpx2.create_ssl_context()
    for path in _own_authorities:
        context.load_verify_locations(cafile=path)
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    return context


@cache
def trusted_authorities() -> ssl.SSLContext:
    """The authorities that every client trusts, read once: reading them takes longer than many a
    request.
    """
    return new_context()


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
        with noted(request) as one:
            response = one.answered(super().handle_request(request))
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

    An answer whose status the request has under JUDGED_REDIRECTS loses its Location: no client
    follows it, so it leads nowhere.
    """
    if response.status_code in request.extensions.get(JUDGED_REDIRECTS, ()):
        response.headers.pop("location", None)
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
    tls: ssl.SSLContext | None = None,
    transport: httpx2.BaseTransport | None = None,
) -> httpx2.Client:
    """A client for an SDK.

    `timeout`: seconds for one step; `allowance`: bounds of a whole act, None for none. `tls`: the
    context that judges certificates, None for the authorities that every client trusts.

    `transport`: one that ends in a GuardedTransport, where something has to happen between that and
    the client.
    """
    return httpx2.Client(
        transport=transport or GuardedTransport(policy, allowance or Allowance(), tls),
        timeout=timeout,
        trust_env=False,
        follow_redirects=True,
        headers={**(headers or {}), "Accept-Encoding": "identity"},
    )

"""Sockets of the guarded clients: a name is looked up once, and the address that was looked at is
the one that is connected to.
"""

import ipaddress
import socket
from collections.abc import Iterable
from typing import Any

import httpcore2

from .allowance import Allowance, within
from .policy import EgressPolicy

LOOK_UP_SECONDS = 2.0  # for a name that somebody else connects to


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

    def judge(self, host: str, port: int, timeout: float | None) -> None:
        """Refuses a host that a proxy connects to. A name that is not known here passes, and so
        does one that takes longer: the proxy alone knows where it leads.
        """
        self._policy.refuse_name(host)
        try:
            addresses = self._look_up(host, port, min(timeout or LOOK_UP_SECONDS, LOOK_UP_SECONDS))
        except (httpcore2.ConnectError, httpcore2.ConnectTimeout):
            return
        for address in addresses:
            self._policy.refuse_address(host, ipaddress.ip_address(address.partition("%")[0]))

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

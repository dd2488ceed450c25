"""Sockets of the guarded asynchronous clients.

The rules are those of backends.py: the address that is connected to is checked.
"""

import asyncio
import ipaddress
import socket
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

import httpcore2

from .backends import LOOK_UP_SECONDS
from .policy import EgressPolicy


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


async def judge_target(policy: EgressPolicy, host: str, port: int) -> None:
    """Refuses a host that a proxy connects to. A name that is not known here passes, and so does
    one that takes longer: the proxy alone knows where it leads. Raises BlockedAddress.
    """
    with suppress(TimeoutError, OSError):
        async with asyncio.timeout(LOOK_UP_SECONDS):
            await allowed_addresses(policy, host, port)


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

"""The part of a provider that makes its guarded clients, as its settings and limits say."""

import asyncio
import ssl
from dataclasses import replace
from functools import cached_property
from typing import Any

import httpx2

from ..http.allowance import Allowance
from ..http.egress import guarded_client
from ..http.egress_async import guarded_async_client
from ..http.errors_inside import refuse_error_inside
from ..http.policy import EgressPolicy
from ..http.proxies import own_proxies
from ..http.tls import tls_context
from .settings import AddressedSettings, ProviderSettings, ProxiedSettings
from .values import Limits, WireTarget


def policy_of(settings: ProviderSettings, egress: EgressPolicy) -> EgressPolicy:
    """The policy with the proxy of these settings, where they have one."""
    if not (isinstance(settings, ProxiedSettings) and settings.proxy):
        return egress
    password = settings.proxy_password.get_secret_value() if settings.proxy_password else ""
    proxies = own_proxies(settings.proxy, settings.proxy_user or "", password)
    return replace(egress, proxies=proxies)


class Clients:
    """Clients of a provider that has settings, a policy for addresses, limits and an allowance."""

    settings: ProviderSettings
    egress: EgressPolicy
    limits: Limits
    allowance: Allowance

    @property
    def timeout(self) -> float:
        """The seconds that one request may take."""
        return self.limits.timeout or float(getattr(self.settings, "timeout", 60.0))

    @property
    def max_retries(self) -> int:
        """The number of times that the SDK repeats a failed request."""
        own = getattr(self.settings, "max_retries", 0)
        return own if self.limits.max_retries is None else self.limits.max_retries

    @cached_property
    def tls(self) -> ssl.SSLContext | None:
        """The context that judges certificates.

        None: by the authorities that every client trusts.
        """
        return tls_context(True, self.own_authority)

    @property
    def own_authority(self) -> str:
        """The authorities (PEM) that the connection trusts besides, empty for none."""
        own = self.settings
        return own.ca_certificate or "" if isinstance(own, AddressedSettings) else ""

    def http_client(self, headers: dict[str, str] | None = None) -> httpx2.Client:
        """The guarded HTTP client to hand to an SDK; `headers` go with every request."""
        return guarded_client(
            self.egress, self.timeout, allowance=self.allowance, headers=headers, tls=self.tls
        )

    def async_http_client(self, headers: dict[str, str] | None = None) -> httpx2.AsyncClient:
        """As `http_client`, asynchronous. An answer of status 200 that is an error raises a
        ProviderError: the SDKs would read it as an answer without content.
        """
        client = guarded_async_client(self.egress, self.timeout, headers=headers, tls=self.tls)
        client.event_hooks = {"response": [refuse_error_inside]}
        return client

    def wire(self, url: str, headers: dict[str, str], asks_usage: bool) -> WireTarget:
        """The target of a request as bytes, which is sent as these clients would."""
        return WireTarget(url, headers, asks_usage, self.tls, self.egress.proxies)

    @cached_property
    def async_client(self) -> Any:
        """The asynchronous client, for chats and embeddings.

        Used in one event loop only; `aclose` ends it.
        """
        raise NotImplementedError

    async def warm(self) -> None:
        """Makes the asynchronous client beside the event loop: importing an SDK takes up to a
        second, in which nobody is answered.
        """
        if "async_client" not in self.__dict__:
            await asyncio.to_thread(lambda: self.async_client)

    async def aclose(self) -> None:
        """Closes the asynchronous client, if there is one."""
        client = self.__dict__.pop("async_client", None)
        close = getattr(client, "aclose", None) or getattr(client, "close", None)
        if close is not None:
            await close()

"""The rules that say which addresses requests may go to, and through which proxies."""

from dataclasses import dataclass, field

import httpx2

from ..core.errors import BlockedAddress
from .addresses import (
    IPAddress,
    is_metadata,
    is_metadata_name,
    is_public,
    literal_address,
    reached_addresses,
    wire_name,
)
from .proxies import Proxies, Proxy


@dataclass(frozen=True)
class EgressPolicy:
    """The rules that say to which addresses requests may go, and through which proxies.

    `allow`: host names (`*.example.com` for subdomains), empty for any; `private`: private
    addresses too; `proxies`: None for none.
    """

    allow: tuple[str, ...] = ()
    private: bool = True
    proxies: Proxies | None = field(default=None, repr=False)

    def proxy_of(self, url: httpx2.URL) -> Proxy | None:
        """The proxy that an address is asked through, None for none. Raises as `Proxies.of`."""
        return self.proxies.of(url.scheme, url.host, url.port) if self.proxies else None

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


class Anywhere(EgressPolicy):
    """Refuses nothing: for a proxy that the administrator chose."""

    def refuse_name(self, host: str) -> None:
        """Lets every name through."""

    def refuse_address(self, host: str, address: IPAddress) -> None:
        """Lets every address through."""


def reaching(policy: EgressPolicy, proxy: Proxy) -> EgressPolicy:
    """The policy for the proxy itself: that of any address where a connection names it."""
    return policy if proxy.is_own else Anywhere()

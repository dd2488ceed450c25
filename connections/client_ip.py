"""The address that a request came from, and whether it is within networks."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any

from django.conf import settings

IPAddress = IPv4Address | IPv6Address


def address_of(meta: Mapping[str, Any]) -> str:
    """The `source_address` of the request whose address and headers are in `meta`, named as in
    WSGI. TRUSTED_PROXIES are believed.
    """
    return source_address(
        meta.get("REMOTE_ADDR") or "",
        meta.get("HTTP_X_FORWARDED_FOR", ""),
        settings.TRUSTED_PROXIES,
    )


def source_address(remote: str, forwarded: str, trusted: int) -> str:
    """The address a request came from, empty when it cannot be known.

    `remote`: the address that is connected to us. `forwarded`: the header X-Forwarded-For, of which
    only as many hops are believed as there are `trusted` proxies of ours, counted from the end; the
    caller wrote what stands before them.
    """
    hops = [one for one in forwarded.split(",") if one.strip()] if trusted > 0 else []
    found = _address([*hops, remote][max(0, len(hops) - trusted)])
    return str(found) if found else ""


def _address(text: str) -> IPAddress | None:
    """The address in a text, also with a port, as some proxies write it. An IPv4 address inside an
    IPv6 one is the IPv4 address.
    """
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        found = ip_address(text)
    except ValueError:
        return None
    return found.ipv4_mapped or found if isinstance(found, IPv6Address) else found


def clean_network(text: str) -> str:
    """A network in CIDR form, an address as the network of it alone. Raises ValueError."""
    return str(ip_network(text.strip()))


def is_within(address: str, networks: Sequence[str]) -> bool:
    """True if the address is in one of the networks.

    None given: everywhere. An unknown address is nowhere.
    """
    if not networks:
        return True
    found = _address(address)
    return found is not None and any(found in _network(one) for one in networks)


@lru_cache(maxsize=1024)
def _network(text: str) -> IPv4Network | IPv6Network:
    return ip_network(text)

"""Outbound proxies: what HTTPS_PROXY, HTTP_PROXY and NO_PROXY or a connection say, and which of
them a request goes through.
"""

import base64
import ipaddress
import re
from dataclasses import dataclass, field, replace
from functools import lru_cache
from urllib.parse import unquote, urlsplit

from ..core.errors import BlockedAddress
from .addresses import IPAddress, IPNetwork, literal_address, reached_addresses, wire_name

DEFAULT_PORTS = {"http": 80, "https": 443}
NOT_A_PROXY = (
    "is not the address of a proxy. Write it like http://proxy.example.com:3128, and # / @ : in "
    "its password as %23 %2F %40 %3A."
)
NO_SOCKS = (
    "names a proxy of SOCKS, and only those at http:// and https:// are supported. Write one of "
    "them like http://proxy.example.com:3128."
)
NOT_AN_EXCEPTION = (
    "holds something else than names of hosts (example.com for all below it too), addresses, "
    "networks such as 10.0.0.0/8, and *. Correct it."
)
OWN = "the connection's Proxy"
OWN_LOGIN = "the connection's Proxy user and Proxy password"
NEEDS_TLS = (
    "{host} is asked without TLS, so a proxy of the connection's own would read its credentials. "
    "Use an address that begins with https://, or take the proxy out."
)
# `*.example.com` and `.example.com` are example.com and all below it, as curl has it.
EXEMPT = re.compile(r"(?:\*?\.)?(\[[^\]]+\]|[^:*]+)(?::(\d{1,5}))?")


@dataclass(frozen=True)
class Proxy:
    """A proxy that is spoken to over HTTP.

    `host`: without brackets; `place`: the setting that names it, for people; `is_own`: a connection
    names it, and not the environment, which is the administrator's.
    """

    scheme: str
    host: str
    port: int
    user: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    place: str = OWN
    is_own: bool = False

    @property
    def netloc(self) -> str:
        """The host and the port, as messages and requests name it."""
        return netloc(self.host, self.port)

    @property
    def url(self) -> str:
        """The address without user and password."""
        return f"{self.scheme}://{self.netloc}"

    @property
    def shown(self) -> str:
        """The address with its password masked."""
        known = f"{self.user}:***@" if self.password else "***@" if self.user else ""
        return f"{self.scheme}://{known}{self.netloc}"

    @property
    def authorization(self) -> str:
        """The value of Proxy-Authorization, empty where there is neither user nor password."""
        if not (self.user or self.password):
            return ""
        return f"Basic {base64.b64encode(f'{self.user}:{self.password}'.encode()).decode()}"


@dataclass(frozen=True)
class Exempt:
    """Hosts that are asked directly: below a name, in a network, or all of them for neither.

    `port`: at this port alone, None for any.
    """

    name: str = ""
    network: IPNetwork | None = None
    port: int | None = None

    def holds(self, name: str, address: IPAddress | None, port: int) -> bool:
        """True for a host with this name on the wire, the address that it spells, and this port."""
        if self.port not in (None, port):
            return False
        if self.network is not None:
            return address is not None and address in self.network
        return not self.name or name == self.name or name.endswith(f".{self.name}")


@dataclass(frozen=True)
class Proxies:
    """The proxies for http and https, and the hosts that are asked directly all the same."""

    http: Proxy | None = None
    https: Proxy | None = None
    exempt: tuple[Exempt, ...] = ()

    def of(self, scheme: str, host: str, port: int | None) -> Proxy | None:
        """The proxy for a host, None for none. This machine is never asked through one.

        Raises BlockedAddress where a proxy that a connection names would read the request.
        """
        found = self.https if scheme == "https" else self.http
        if found is None:
            return None
        try:
            name = wire_name(host)
        except ValueError:
            return found  # the guard refuses it
        address = literal_address(name)
        if address is not None and any(one.is_loopback for one in reached_addresses(address)):
            return None
        if found.is_own and scheme != "https":
            raise BlockedAddress(NEEDS_TLS.format(host=host))
        wanted = port or DEFAULT_PORTS.get(scheme, 0)
        return None if any(one.holds(name, address, wanted) for one in self.exempt) else found


def netloc(host: str, port: int) -> str:
    """A host and a port as one text."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def read_proxy(text: str, place: str) -> Proxy:
    """The proxy at an address; without a scheme it is one of http, as curl reads it.

    Raises ValueError with the end of a sentence, which repeats nothing of it.
    """
    if is_socks(text):
        raise ValueError(NO_SOCKS)
    try:
        parts = urlsplit(text if "://" in text else f"http://{text}")
        host = wire_name(parts.hostname or "")
        usual = DEFAULT_PORTS[parts.scheme]
        port = usual if parts.port is None else parts.port
        user, password = unquote(parts.username or ""), unquote(parts.password or "")
    except (ValueError, LookupError):
        raise ValueError(NOT_A_PROXY) from None
    is_bare = parts.path in ("", "/") and not parts.query and not parts.fragment
    if not host or port == 0 or not is_bare or re.search(r"[\s\x00-\x1f\x7f]", text):
        raise ValueError(NOT_A_PROXY)
    return Proxy(parts.scheme, host, port, user, password, place)


def is_socks(text: str) -> bool:
    """True for an address of any version of SOCKS."""
    return re.match(r"socks\w*://", text.strip(), re.IGNORECASE) is not None


def own_proxies(text: str, user: str = "", password: str = "") -> Proxies:
    """The proxies of a connection that names one: for every host but this machine."""
    read = _read_own(text)
    proxy = replace(read, user=user, password=password) if user or password else read
    return Proxies(proxy, proxy)


@lru_cache(maxsize=1024)  # the address alone: a password would stay in memory
def _read_own(text: str) -> Proxy:
    return replace(read_proxy(text, OWN), is_own=True)


def read_exempt(text: str) -> tuple[Exempt, ...]:
    """The hosts that NO_PROXY names, with commas or blanks between them.

    Raises ValueError with the end of a sentence.
    """
    try:
        return tuple(_exempt(one) for one in re.split(r"[\s,]+", text) if one)
    except ValueError:
        raise ValueError(NOT_AN_EXCEPTION) from None


def _exempt(text: str) -> Exempt:
    if text == "*":
        return Exempt()
    if "/" in text or (":" in text.partition(":")[2] and not text.startswith("[")):
        return Exempt(network=ipaddress.ip_network(text, strict=False))
    found = EXEMPT.fullmatch(text)
    if found is None:
        raise ValueError(text)
    name, port = wire_name(found[1]), int(found[2]) if found[2] else None
    if not name:
        raise ValueError(text)
    address = None if name == "localhost" else literal_address(name)
    if address is None:
        return Exempt(name, port=port)
    return Exempt(network=ipaddress.ip_network(address), port=port)

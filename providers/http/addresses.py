"""Addresses as the network reads them: the name that a client looks up, the addresses that a packet
would reach, and which of them are cloud metadata services or not public.
"""

import ipaddress
import re
import socket
from collections.abc import Iterator
from functools import lru_cache

import httpx2

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
IPNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network

# Link-local ones are refused as such; they are named here for what ends in them, below.
METADATA_ADDRESSES = frozenset(
    map(
        ipaddress.ip_address,
        (
            "169.254.169.254",  # AWS, Google, Azure, Oracle, DigitalOcean, IBM, OpenStack
            "169.254.170.2",  # AWS: roles of ECS tasks
            "169.254.170.23",  # AWS: EKS Pod Identity
            "169.254.0.23",  # Tencent: metadata.tencentyun.com
            "169.254.42.42",  # Scaleway
            "168.63.129.16",  # Azure: learn.microsoft.com, what-is-ip-address-168-63-129-16
            "100.100.100.200",  # Alibaba: alibabacloud.com, view-instance-metadata
            "192.0.0.192",  # Oracle Cloud Classic
            "fd00:c1::a9fe:a9fe",  # Oracle
            "fd20:ce::254",  # Google, on machines without IPv4
            "fd00:100::100:200",  # Alibaba
            "fd00:42::42",  # Scaleway: cloudinit.readthedocs.io, datasources/scaleway
            "fd00:a9fe:a9fe::1",  # Linode
        ),
    )
)
# AWS keeps all of its local services here: ::254 metadata, ::23 EKS Pod Identity, ::253 names
# (docs.aws.amazon.com, instancedata-data-retrieval and pod-id-how-it-works).
METADATA_NETWORK = ipaddress.ip_network("fd00:ec2::/32")
METADATA_NAMES = frozenset(
    {
        "metadata",
        "metadata.goog",
        "instance-data",  # AWS
        "metadata.tencentyun.com",
        "api.metadata.cloud.ibm.com",
        "metadata.platformequinix.com",
        "metadata.packet.net",
        "rancher-metadata",
    }
)

# iana.org/assignments/iana-ipv4-special-registry, and multicast
NOT_PUBLIC_4 = tuple(
    map(
        ipaddress.IPv4Network,
        (
            *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16"),
            *("172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16"),
            *("198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
        ),
    )
)
# iana.org/assignments/ipv6-unicast-address-assignments: all that is public is in here, without what
# iana.org/assignments/iana-ipv6-special-registry takes out of it.
PUBLIC_6 = ipaddress.IPv6Network("2000::/3")
NOT_PUBLIC_6 = tuple(map(ipaddress.IPv6Network, ("2001::/23", "2001:db8::/32", "3fff::/20")))

NAT64 = ipaddress.IPv6Network("64:ff9b::/96")  # RFC 6052: the last 32 bits are an IPv4 address
LOCAL_NAT64 = ipaddress.IPv6Network("64:ff9b:1::/48")  # RFC 8215
IPV4_COMPATIBLE = ipaddress.IPv6Network("::/96")  # RFC 4291, section 2.5.5.1
IPV4_TRANSLATED = ipaddress.IPv6Network("::ffff:0:0:0/96")  # RFC 2765, section 2.1
ISATAP = (0x00005EFE, 0x02005EFE)  # RFC 5214, section 6.1: before the IPv4 address

NAME = re.compile(r"[A-Za-z0-9._-]+")
NUMBERS = re.compile(r"[0-9A-Fa-f:.]+(%[A-Za-z0-9._~-]+)?")  # IPv6, with a zone (RFC 6874)


@lru_cache(maxsize=1024)
def wire_name(host: str) -> str:
    """The name of a host as it is looked up: lower case, ASCII, without brackets and last dots.

    Letters of other scripts become punycode. Raises ValueError for a host that is none, and for
    characters that some client would read as others: circled digits, percent signs, blanks.
    """
    name = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    if not name.isascii():
        try:
            name = httpx2.URL(f"http://{name}/").raw_host.decode()
        except httpx2.InvalidURL as error:
            raise ValueError(str(error)) from None
    if ":" in name:
        ipaddress.IPv6Address(name.partition("%")[0])
    if not (NUMBERS if ":" in name else NAME).fullmatch(name):
        raise ValueError(f"{host!r} is not a host")
    return name.rstrip(".").lower()


def is_metadata_name(name: str) -> bool:
    """True for the name of a cloud's metadata service, as `wire_name` has it."""
    label, _, domain = name.partition(".")
    is_internal = f".{domain}".endswith(".internal")  # of a cloud, a region, a project
    return name in METADATA_NAMES or (label in ("metadata", "instance-data") and is_internal)


def literal_address(host: str) -> IPAddress | None:
    """The address that `host` spells, also in the short, octal and hexadecimal spellings a C
    library accepts, else None. Names below localhost are this machine (RFC 6761, section 6.3).
    """
    if f".{host}".endswith(".localhost"):
        return ipaddress.IPv4Address("127.0.0.1")
    try:
        return ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        pass
    try:
        return ipaddress.ip_address(socket.inet_aton(host)) if host[:1].isdigit() else None
    except (OSError, ValueError):
        return None


def reached_addresses(address: IPAddress) -> Iterator[IPAddress]:
    """The addresses that a packet to this one may reach.

    That is the IPv4 address in it where it only wraps one, and both where it is routed itself or
    nobody can say how it is.
    """
    if isinstance(address, ipaddress.IPv4Address):
        yield address
    elif address.ipv4_mapped:
        yield address.ipv4_mapped
    elif address in NAT64 or (address in IPV4_COMPATIBLE and int(address) > 1):
        yield _last_bits(address)
    else:
        yield address
        yield from _tunnelled(address)


def _tunnelled(address: ipaddress.IPv6Address) -> Iterator[ipaddress.IPv4Address]:
    number = int(address)
    if address.sixtofour:
        yield address.sixtofour
    if address.teredo:
        yield from address.teredo
    if address in IPV4_TRANSLATED or number >> 32 & 0xFFFFFFFF in ISATAP:
        yield _last_bits(address)
    if address in LOCAL_NAT64:
        yield _last_bits(address)
        # RFC 6052, section 2.2: after a prefix of 48, 56 or 64 bits, around the bits 64 to 71
        around = number >> 64 << 56 | number & 0xFFFFFFFFFFFFFF
        for prefix in (48, 56, 64):
            yield ipaddress.IPv4Address(around >> 88 - prefix & 0xFFFFFFFF)


def _last_bits(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address:
    return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)


def is_metadata(address: IPAddress) -> bool:
    """True for a link-local or multicast address and for a cloud's metadata service, also behind a
    NAT64 of whatever prefix.
    """
    return (
        address.is_link_local
        or address.is_multicast
        or address in METADATA_ADDRESSES
        or address in METADATA_NETWORK
        or (address.version == 6 and _last_bits(address) in METADATA_ADDRESSES)
    )


def is_public(address: IPAddress) -> bool:
    """True for an address on the internet; false for what is private, reserved or for
    documentation.
    """
    if isinstance(address, ipaddress.IPv4Address):
        return not any(address in network for network in NOT_PUBLIC_4)
    return address in PUBLIC_6 and not any(address in network for network in NOT_PUBLIC_6)

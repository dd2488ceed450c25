"""Addresses as they are on the wire: which hosts one may lead to, and what is put into its query
and path below the client.
"""

from dataclasses import dataclass
from urllib.parse import quote, unquote_plus, urlsplit

import httpx2

from ..core.errors import ProviderError

DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True)
class Hosts:
    """The hosts that the credentials are for.

    `allowed`: `host`, `host:port` or `*.example.com` for all below that name.

    Where no port is given it is the usual one of the scheme, or that of `base_url`. The scheme is
    that of `base_url`, or https.
    """

    base_url: str
    allowed: tuple[str, ...]

    def refuse(self, url: httpx2.URL) -> None:
        """Raises ProviderError for an address that is not at one of these hosts."""
        base = httpx2.URL(self.base_url)
        if url.scheme not in (base.scheme, "https") or not any(
            _matches(pattern, url, base) for pattern in self.allowed
        ):
            there = f"{url.scheme}://{url.netloc.decode()}"
            text = (
                f"{there} is not one of this connection's hosts "
                f"({', '.join(self.allowed) or 'it has none'}), so nothing is sent there."
            )
            raise ProviderError(f"{text} Use an address at one of them.", "blocked_address", True)


def origin_host(address: str) -> str:
    """The host of an address as `allowed` has it, always with its port; empty for an address
    without a host.
    """
    url = httpx2.URL(address)
    host = url.raw_host.decode()
    return f"{f'[{host}]' if ':' in host else host}:{_port(url)}" if host else ""


def origin(address: str) -> str:
    """The scheme, host and port of an address as a client asks it, without the usual port; empty
    for an address without a host. Raises httpx2.InvalidURL.
    """
    url = httpx2.URL(address)
    host = url.raw_host.decode().lower().rstrip(".")
    port = f":{url.port}" if url.port and url.port != DEFAULT_PORTS.get(url.scheme) else ""
    return f"{url.scheme}://{f'[{host}]' if ':' in host else host}{port}" if host else ""


def _matches(pattern: str, url: httpx2.URL, base: httpx2.URL) -> bool:
    try:
        parts = urlsplit(f"//{pattern.strip()}")
        name, port = _ascii(parts.hostname or ""), parts.port
    except (ValueError, httpx2.InvalidURL):
        return False  # a pattern that is none lets nobody in
    host = url.raw_host.decode().lower()
    is_host = (
        len(host) > len(name[1:]) and host.endswith(name[1:])
        if name.startswith("*.")
        else bool(name) and host == name
    )
    return is_host and _port(url) in (
        (port,) if port else (DEFAULT_PORTS.get(url.scheme), _port(base))
    )


def _ascii(name: str) -> str:
    """`*.bücher.example` as it is on the wire; other names as they are."""
    start, rest = ("*.", name[2:]) if name.startswith("*.") else ("", name)
    return start + (rest if rest.isascii() else httpx2.URL(f"https://{rest}").raw_host.decode())


def _port(url: httpx2.URL) -> int | None:
    return url.port or DEFAULT_PORTS.get(url.scheme)


def with_query(url: httpx2.URL, name: str, value: str) -> httpx2.URL:
    """The address with one parameter more; the others stay as they are written."""
    parameter = f"{quote(name, safe='')}={quote(value, safe='')}"
    return url.copy_with(query="&".join([*_parameters(url), parameter]).encode())


def without_query(url: httpx2.URL, name: str) -> httpx2.URL:
    """The address without the parameters of this name; the others stay as they are written."""
    kept = [one for one in _parameters(url) if unquote_plus(one.partition("=")[0]) != name]
    return (
        url
        if kept == _parameters(url)
        else url.copy_with(query="&".join(kept).encode() if kept else None)
    )


def _parameters(url: httpx2.URL) -> list[str]:
    return [one for one in url.query.decode().split("&") if one]


def below(start: str, path: str) -> str:
    """`/a/b` and `/c?d=1` as one path; what asks for nothing below the start gets the start
    alone.
    """
    rest = path[1:] if path == "/" or path.startswith("/?") else path
    return f"/{start.strip('/')}{rest}"


def without_start(url: httpx2.URL, start: str) -> httpx2.URL:
    """The address without this beginning of its path, as it is where the path begins otherwise."""
    path, begin = url.raw_path.decode(), f"/{start.strip('/')}"
    rest = path.removeprefix(begin)
    return (
        url.copy_with(raw_path=(rest if rest.startswith("/") else f"/{rest}").encode())
        if path.startswith(begin)
        else url
    )

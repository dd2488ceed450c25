"""The origins whose pages may call the gateway from a browser (CORS), as GATEWAY_CORS_ORIGINS lists
them. Knows no Django: the settings read it.
"""

import re
from collections.abc import Iterable
from urllib.parse import urlsplit

ANY = "*"
DEFAULT_PORTS = {"http": 80, "https": 443}
SCHEME = re.compile(r"[a-z][a-z0-9+.-]*")  # RFC 3986; apps have their own, such as tauri
HOST = re.compile(r"[a-z0-9_]([a-z0-9._-]*[a-z0-9_])?|\[[0-9a-f:.]+\]")
EXAMPLE = "Write scheme, host and port, such as https://chat.example.com or http://localhost:3000."


def read_origins(texts: Iterable[str]) -> frozenset[str]:
    """The origins as browsers send them (RFC 6454, section 6.2): lower case, without a usual port.

    A slash at the end is taken off. Raises ValueError with a sentence that names a text which is
    not an origin.
    """
    return frozenset(_origin(text.strip()) for text in texts if text.strip())


def _origin(text: str) -> str:
    if text == ANY:
        return text
    if text.lower() == "null":
        raise ValueError(
            "'null' is the origin of every page without one, so it cannot be trusted. Leave it out."
        )
    if ANY in text:
        raise ValueError(f"{text!r} is a pattern. List each origin, or * alone for every one.")
    lower = text.lower().removesuffix("/")
    scheme, separator, rest = lower.partition("://")
    try:
        parts = urlsplit(f"//{rest}")
        host, port = rest.removesuffix(f":{parts.port}"), parts.port
    except ValueError:
        raise ValueError(f"{text!r} is not an origin. {EXAMPLE}") from None
    if not separator or not SCHEME.fullmatch(scheme) or not HOST.fullmatch(host):
        raise ValueError(f"{text!r} is not an origin. {EXAMPLE}")
    is_usual = port is None or port == DEFAULT_PORTS.get(scheme)
    return f"{scheme}://{host}" if is_usual else f"{scheme}://{host}:{port}"

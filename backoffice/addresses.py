"""The addresses of databases and caches: which can be meant, and what may be shown of them."""

import re
from urllib.parse import SplitResult

MAIL = ("smtp", "smtp+tls", "smtps", "smtp+ssl")
DATABASES = ("sqlite", "postgres", "postgresql")
CACHES = ("locmemcache", "redis", "rediss")
MASK = "***"
# In an address. A password may hold any sign that was not encoded, and stand in the query too.
PASSWORD, QUERY = re.compile(r"(://[^:/@]*:).*@", re.DOTALL), re.compile(r"\?.*", re.DOTALL)


def is_whole(address: SplitResult) -> bool:
    """True if an address names what its scheme needs: a database, or a cache by its number.

    A file of SQLite has three slashes before it: behind two it is a host, which is passed over for
    a database in memory. Raises ValueError for a port that is not a number.
    """
    if address.scheme == "sqlite":
        return address.netloc in ("", ":memory:")
    if address.scheme == "locmemcache":
        return True
    if address.port == 0:
        return False
    if address.scheme in MAIL:
        return bool(address.hostname)
    if address.scheme in CACHES:  # redis-py takes 0 for what is not a number
        return re.fullmatch(r"/?[0-9]*", address.path) is not None
    return len(address.path) > 1


def masked(address: str) -> str:
    """An address without its password and its query."""
    return QUERY.sub(f"?{MASK}", PASSWORD.sub(rf"\1{MASK}@", address))

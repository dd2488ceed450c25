"""Redis as the cache. While it is away each process counts in its own memory."""

import re
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from django.conf import settings
from django.core.cache.backends.locmem import LocMemCache
from django.core.cache.backends.redis import RedisCache
from django.utils.functional import cached_property

from .outages import Availability

ANSWER_SECONDS = 0.5
# as redis-py names them; an address with others in its query is obeyed
CLIENT_OPTIONS: dict[str, Any] = {
    "socket_timeout": ANSWER_SECONDS,
    "socket_connect_timeout": ANSWER_SECONDS,
}
PROBE = "switchboard-probe"


def redis_address() -> str:
    """The address of Redis, empty when it is not the cache. Of several it is the first, which is
    the one that is written to.
    """
    cache: dict[str, Any] = settings.CACHES["default"]
    if "redis" not in cache["BACKEND"].lower():
        return ""
    location = cache["LOCATION"]
    return re.split("[;,]", location)[0] if isinstance(location, str) else str(location[0])


def redis_client() -> Any:
    """A client of Redis that waits no longer than ANSWER_SECONDS. It is closed after use."""
    from redis import Redis

    return Redis.from_url(redis_address(), **CLIENT_OPTIONS)


def _takes_writes() -> bool:
    """True if Redis can be written to: one that answers may have no memory or be a replica."""
    from redis import RedisError

    with suppress(RedisError, OSError, ValueError), redis_client() as client:
        return bool(client.set(PROBE, 1, ex=10))
    return False


REDIS = Availability(
    "Redis", _takes_writes, "Each process counts tests, requests and locks for itself meanwhile."
)


_clients: dict[tuple[tuple[str, ...], str], Any] = {}


class RedisOrMemory(RedisCache):
    """Django's cache in Redis, and in memory while Redis is away."""

    _servers: list[str]
    _options: dict[str, Any]
    _class: Any

    def __init__(self, server: str | list[str], params: dict[str, Any]) -> None:
        options = {**CLIENT_OPTIONS, **params.get("OPTIONS", {})}
        super().__init__(server, {**params, "OPTIONS": options})
        self._memory = LocMemCache(f"without {server}", {**params, "OPTIONS": {}})

    @cached_property
    def _cache(self) -> Any:
        """The client, which all caches of this process share: Django makes one for each request,
        with connections of its own that stay open until Python finds them unused.
        """
        key = (tuple(self._servers), repr(self._options))
        return _clients.setdefault(key, self._class(self._servers, **self._options))


def _in_redis_or_memory(name: str) -> Callable[..., Any]:
    in_redis, in_memory = getattr(RedisCache, name), getattr(LocMemCache, name)

    def call(self: Any, *arguments: Any, **named: Any) -> Any:
        from redis import RedisError

        if not REDIS.is_away:
            try:
                return in_redis(self, *arguments, **named)
            except (RedisError, OSError) as error:
                REDIS.note_failure(type(error).__name__)
        return in_memory(self._memory, *arguments, **named)

    return call


for _name in (
    *("add", "get", "set", "touch", "delete", "has_key", "incr"),
    *("get_many", "set_many", "delete_many", "clear"),
):
    setattr(RedisOrMemory, _name, _in_redis_or_memory(_name))

"""A pool of providers that are ready to use, one for each connection and version.

Their SDKs' clients are costly to make and keep connections open.
"""

import logging
import time
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.views.decorators.debug import sensitive_variables

from providers.core.base import Provider
from providers.vendors.openai.request import OpenAIChat

from .errors import secret_values

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class PooledProvider:
    """A provider that many requests use at once, and how many use it now.

    The pool closes the provider only while nobody uses it, so each `acquire` is followed by one
    `release`: at once when the request fails, else when its answer has been given, of a stream at
    its end.
    """

    provider: Provider[Any]
    in_use: int = 0
    used_at: float = field(default_factory=time.monotonic)

    @property
    def secrets(self) -> tuple[str, ...]:
        """The clear texts to keep out of answers: those of the settings, and tokens that were
        fetched with them.
        """
        return (*secret_values(self.provider.settings), *self.provider.held_secrets)

    def acquire(self) -> Provider[Any]:
        """Counts one more user, and returns the provider."""
        self.in_use += 1
        return self.provider

    def release(self) -> None:
        """Counts one user less."""
        self.in_use -= 1
        self.used_at = time.monotonic()


class ProviderPool:
    """Keeps a provider as long as its connection's version and its resolved settings stay the
    same.
    """

    def __init__(self) -> None:
        self._current: dict[tuple[UUID, int | None], tuple[int, PooledProvider]] = {}
        self._retired: list[PooledProvider] = []
        # What services refused, by connection and its version: it outlives an idle provider.
        self._learned: dict[UUID, tuple[int, dict[str, frozenset[str]]]] = {}

    @sensitive_variables("provider")
    def get(self, connection_id: UUID, version: int, provider: Provider[Any]) -> PooledProvider:
        """The pooled provider that is equal to `provider`, which was made from the row just now; a
        new one where there is no such.
        """
        key = (connection_id, provider.limits.max_retries)
        known = self._current.get(key)
        if (
            known is not None
            and known[0] == version
            and known[1].provider.settings == provider.settings
        ):
            known[1].used_at = time.monotonic()
            return known[1]
        if isinstance(provider, OpenAIChat):
            if self._learned.get(connection_id, (None,))[0] != version:
                self._learned[connection_id] = (version, {})
            provider.learned = self._learned[connection_id][1]
        pooled = PooledProvider(provider)
        self._current[key] = (version, pooled)
        if known is not None:
            self._retired.append(known[1])
        return pooled

    async def sweep(self, idle: float) -> None:
        """Closes the providers that nobody uses: replaced ones at once, others after `idle`
        seconds.
        """
        old = time.monotonic() - idle
        for key, (_, pooled) in list(self._current.items()):
            if not pooled.in_use and pooled.used_at < old:
                self._retired.append(self._current.pop(key)[1])
        unused = [pooled for pooled in self._retired if not pooled.in_use]
        self._retired = [pooled for pooled in self._retired if pooled.in_use]
        for pooled in unused:
            await _close(pooled)

    async def close(self) -> None:
        """Closes all of them."""
        every = self._retired + [pooled for _, pooled in self._current.values()]
        self._current, self._retired = {}, []
        for pooled in every:
            await _close(pooled)


async def _close(pooled: PooledProvider) -> None:
    try:
        await pooled.provider.aclose()
    except Exception as error:  # noqa: BLE001 an SDK's own, of any kind; it is dropped all the same
        logger.warning("A client could not be closed: %s", type(error).__name__)

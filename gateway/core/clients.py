"""Providers in use, one for each connection and version: their SDKs' clients are costly to make and
keep connections open.
"""

import logging
import time
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.views.decorators.debug import sensitive_variables

from providers.core.base import Provider

from .errors import secret_values

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Client:
    """A provider in use: the clear texts to keep out of answers, and how many requests use it
    now.
    """

    provider: Provider[Any]
    secrets: tuple[str, ...] = field(repr=False)
    in_use: int = 0
    used_at: float = field(default_factory=time.monotonic)

    def __enter__(self) -> Provider[Any]:
        """Around one request."""
        self.in_use += 1
        return self.provider

    def __exit__(self, *_: object) -> None:
        self.in_use -= 1
        self.used_at = time.monotonic()


class Clients:
    """Keeps a provider while its connection's version and its resolved settings are the same as
    before.
    """

    def __init__(self) -> None:
        self._current: dict[tuple[UUID, int | None], tuple[int, Client]] = {}
        self._retired: list[Client] = []

    @sensitive_variables("provider")
    def get(self, connection_id: UUID, version: int, provider: Provider[Any]) -> Client:
        """The client that is there already if `provider`, made from the row just now, would be no
        other; else a new one.
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
        client = Client(provider, secret_values(provider.settings))
        self._current[key] = (version, client)
        if known is not None:
            self._retired.append(known[1])
        return client

    async def sweep(self, idle: float) -> None:
        """Closes what nobody uses: replaced clients at once, others after `idle` seconds."""
        old = time.monotonic() - idle
        for key, (_, client) in list(self._current.items()):
            if not client.in_use and client.used_at < old:
                self._retired.append(self._current.pop(key)[1])
        free = [client for client in self._retired if not client.in_use]
        self._retired = [client for client in self._retired if client.in_use]
        for client in free:
            await _close(client)

    async def close(self) -> None:
        """Closes all of them."""
        every = self._retired + [client for _, client in self._current.values()]
        self._current, self._retired = {}, []
        for client in every:
            await _close(client)


async def _close(client: Client) -> None:
    try:
        await client.provider.aclose()
    except Exception as error:  # noqa: BLE001 an SDK's own, of any kind; it is dropped all the same
        logger.warning("A client could not be closed: %s", type(error).__name__)

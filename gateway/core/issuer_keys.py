"""Fetching the keys of trusted issuers while calls go on."""

import asyncio
from uuid import UUID

from django.db import DatabaseError

from connections.workloads.services import refresh_keys

from .db_threads import SLOW, in_thread
from .errors import GatewayError


class IssuerKeys:
    """One in a worker. All calls that want the keys of one issuer wait for one fetch, in threads
    of its own: an issuer that is slow keeps no reading of the database waiting.
    """

    def __init__(self) -> None:
        self._fetches: dict[UUID, asyncio.Task[bool]] = {}

    async def refresh(self, issuer: UUID) -> None:
        """Returns when the keys were fetched, or could not be. Raises GatewayError 503 without a
        database.
        """
        fetch = self._fetches.get(issuer)
        if fetch is None:
            fetch = asyncio.create_task(in_thread(refresh_keys, issuer, executor=SLOW))
            self._fetches[issuer] = fetch
            fetch.add_done_callback(lambda _: self._fetches.pop(issuer, None))
        try:
            await asyncio.shield(fetch)
        except DatabaseError:
            message = "The database does not answer. Try again shortly."
            raise GatewayError(503, "database_unavailable", message, retry_after=1) from None

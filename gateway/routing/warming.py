"""The start of a worker: what its first requests would wait for is loaded before."""

import asyncio
import logging
from contextlib import suppress
from typing import Any

from django.db import DatabaseError
from django.db.models import Min
from django.urls import get_resolver

from connections import runtime
from connections.models import Connection
from connections.services import Unusable
from providers.core.base import Provider
from providers.core.registry import all_providers

from ..core.db_threads import in_thread

LONGEST = 20  # seconds; gunicorn gives up a worker that takes 30 to start

logger = logging.getLogger(__name__)


def load_code() -> None:
    """Finds the providers and loads the modules of every address.

    Needs no database, so it may run before the workers are forked, which then share it. A failure
    is logged: the request that needs what is missing says what is wrong.
    """
    try:
        all_providers()
        get_resolver().reverse_dict  # noqa: B018 reading it loads what the addresses name
    except Exception:
        logger.exception("Not everything could be loaded at the start")


async def warm_up() -> None:
    """Loads the SDKs of the providers that active profiles use, beside the event loop and for
    LONGEST seconds at most: importing one takes up to four. A failure is logged.
    """
    try:
        async with asyncio.timeout(LONGEST):
            for provider in await in_thread(_used_providers):
                await asyncio.to_thread(_load_sdk, provider)
    except TimeoutError:
        logger.warning("The SDKs were not loaded within %s seconds; the start goes on", LONGEST)
    except DatabaseError as error:
        logger.warning("The profiles cannot be read at the start: %s", type(error).__name__)


def _used_providers() -> list[Provider[Any]]:
    """One provider, ready for use, of each kind that an active profile asks through an SDK."""
    aliases = (
        Connection.objects.filter(is_active=True, profiles__is_active=True)
        .order_by()
        .values_list("provider_id")
        .annotate(alias=Min("alias"))
    )
    found = []
    for _, alias in aliases:
        # Who uses a connection that cannot be used is told why.
        with suppress(Unusable, Connection.DoesNotExist):
            found.append(runtime.get_configured_provider(runtime.find_connection(alias)))
    return [
        provider
        for provider in found
        # asked as bytes, or without a client, it has no SDK to load
        if provider.implements("async_client") and not provider.implements("wire_target")
    ]


def _load_sdk(provider: Provider[Any]) -> None:
    """Making the client imports the SDK. It is dropped: no connection is open yet."""
    try:
        provider.async_client  # noqa: B018
    except Exception as error:  # noqa: BLE001 an SDK's own, of any kind, or none is installed
        logger.warning("The SDK of %s cannot be loaded: %s", provider.id, type(error).__name__)

"""The start: what the first requests would wait for is loaded before, and once for all workers."""

import asyncio
import importlib
import logging
from contextlib import suppress

from django.db import DatabaseError
from django.urls import get_resolver

from connections.models import Connection
from providers.core.registry import UnknownProvider, all_providers, get_provider

from ..core.db_threads import close_connections, in_thread

LOST = "Not everything could be loaded at the start; the log says more."
LONGEST = 15  # seconds; gunicorn gives up a worker that takes 30 to start

logger = logging.getLogger(__name__)
_troubles: dict[str, str] = {}


def load_troubles() -> dict[str, str]:
    """What could not be loaded in this process, a sentence for `code` and one for `sdks`, as far as
    something is missing.
    """
    return dict(_troubles)


def load_code() -> None:
    """Finds the providers and loads the modules of every address.

    Needs no database. A failure is logged: the request that needs what is missing says what is
    wrong.
    """
    try:
        all_providers()
        get_resolver().reverse_dict  # noqa: B018 reading it loads what the addresses name
    except Exception:
        _troubles["code"] = LOST
        logger.exception("Not everything could be loaded at the start")


def load_sdks() -> None:
    """Loads the SDKs of the providers that active profiles use, which takes up to four seconds for
    one, in a process that will be forked: no connection to the database is left open.

    A failure is logged.
    """
    try:
        _load(_used_sdks())
    except DatabaseError as error:
        logger.warning("The profiles cannot be read at the start: %s", type(error).__name__)
    finally:
        close_connections()


async def warm_up() -> None:
    """As `load_sdks`, for a worker: beside its event loop, and for LONGEST seconds at most. Where
    the process it was forked from has done so, nothing is left to load.
    """
    try:
        async with asyncio.timeout(LONGEST):
            await asyncio.to_thread(_load, await in_thread(_used_sdks))
    except TimeoutError:
        _troubles["sdks"] = f"The SDKs were not loaded within {LONGEST} seconds."
        logger.warning("The SDKs were not loaded within %s seconds; the start goes on", LONGEST)
    except DatabaseError as error:
        logger.warning("The profiles cannot be read at the start: %s", type(error).__name__)


def _used_sdks() -> list[str]:
    """The modules that active profiles need, by name."""
    used = Connection.objects.filter(is_active=True, profiles__is_active=True)
    found = set()
    for provider_id in used.order_by().values_list("provider_id", flat=True).distinct():
        with suppress(UnknownProvider):  # who uses it is told
            found.add(get_provider(provider_id).sdk)
    return sorted(found - {""})


def _load(modules: list[str]) -> None:
    for name in modules:
        try:
            importlib.import_module(name)
        except Exception as error:  # noqa: BLE001 an SDK's own, of any kind
            _troubles["sdks"] = f"The SDK {name} cannot be loaded."
            logger.warning("The SDK %s cannot be loaded: %s", name, type(error).__name__)

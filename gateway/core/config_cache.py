"""What a worker remembers of tokens, profiles and connections, so that a request needs no database.

Built by the services alone.

Everything is forgotten when the change stamp moves (watch.py), and after MEMORY seconds in any
case, because a reference may stand for something else by then.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any, TypeVar
from uuid import UUID

from django.utils import timezone
from django.views.decorators.debug import sensitive_variables

from connections import services
from connections.models import Profile
from providers.core.base import Capability, Limits

from .clients import Client, Clients
from .db_threads import in_thread
from .errors import GatewayError, from_unusable
from .invalidation import new_watch

MEMORY = 30.0  # seconds
SWEEP = 5.0
MOST = 20_000  # of each kind that is remembered
REBUILDS = 3

logger = logging.getLogger(__name__)
Built = TypeVar("Built")
Memory = dict[Any, tuple[float, Any]]


@dataclass(slots=True)
class Step:
    """One profile of a chain with its connection.

    `client`, or `refusal`: why it cannot be used as it is.
    """

    profile: services.StoredProfile
    connection_id: UUID
    connection_alias: str
    connection_version: int
    provider_id: str
    client: Client | None = None
    refusal: GatewayError | None = None


@dataclass(slots=True)
class Plan:
    """A profile that was asked for: itself first, then its fallbacks in their order."""

    steps: tuple[Step, ...]

    @property
    def profile(self) -> services.StoredProfile:
        """The one that was asked for."""
        return self.steps[0].profile


@dataclass(frozen=True, slots=True)
class ListedProfile:
    """An active profile, for the list of models."""

    id: UUID
    alias: str
    capability: str
    provider_id: str
    date_created: datetime


class Snapshot:
    """One in a worker. Every question first confirms that nothing has changed."""

    def __init__(self) -> None:
        self.watch = new_watch(self._forget)
        self._plans: Memory = {}
        self._callers: Memory = {}
        self._models: Memory = {}
        self._reading: dict[Any, asyncio.Task[Any]] = {}
        self._clients = Clients()
        self._generation = 0
        self._sweeper: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begins to listen for changes and to drop what is old."""
        await self.watch.start()
        self._sweeper = asyncio.create_task(self._sweep())

    async def stop(self) -> None:
        """Ends that, and closes every client."""
        if self._sweeper:
            self._sweeper.cancel()
        await self.watch.stop()
        self._forget()
        await self._clients.close()

    def _forget(self) -> None:
        self._generation += 1
        for memory in (self._plans, self._callers, self._models):
            memory.clear()

    @sensitive_variables("token")
    async def caller(self, token: str) -> services.Caller | None:
        """Whose active token this is, None if it is nobody's."""
        key = sha256(token.encode()).digest()
        found: services.Caller | None = await self._known(
            self._callers, key, services.find_caller, token
        )
        return (
            None
            if found is None or (found.expires_at and found.expires_at <= timezone.now())
            else found
        )

    async def plan(self, id_or_alias: str, capability: Capability) -> Plan:
        """The chain behind a profile; an empty text is the default.

        Raises GatewayError 404, or 409 for what cannot be read.
        """
        plan: Plan = await self._known(
            self._plans, (id_or_alias, capability), self._plan, id_or_alias, capability
        )
        return plan

    async def models(self) -> list[ListedProfile]:
        """Every active profile, by alias."""
        found: list[ListedProfile] = await self._known(self._models, "all", _models)
        return found

    async def _known(
        self, memory: Memory, key: Any, build: Callable[..., Any], *arguments: Any
    ) -> Any:
        await self.watch.confirm()
        entry = memory.get(key)
        if entry is not None and time.monotonic() - entry[0] < MEMORY:
            return entry[1]
        found = await self._shared((id(memory), key), build, *arguments)
        if (
            found is not None
        ):  # what is not there is looked up each time: anybody can ask for a lot that is not there
            if len(memory) >= MOST:
                memory.clear()
            memory[key] = (time.monotonic(), found)
        return found

    async def _shared(self, key: Any, build: Callable[..., Any], *arguments: Any) -> Any:
        """What is being read already is read once for all who wait: after a change, everybody asks
        for the same.
        """
        task = self._reading.get(key)
        if task is None:
            task = self._reading[key] = asyncio.create_task(self._built(build, *arguments))
            task.add_done_callback(
                lambda done: (self._reading.pop(key), done.cancelled() or done.exception())
            )
        return await asyncio.shield(task)

    async def _built(self, build: Callable[..., Built], *arguments: Any) -> Built:
        """What `build` reads in a thread.

        Read again when something changed meanwhile: it may be half old, half new.
        """
        for _ in range(REBUILDS):
            generation = self._generation
            found = await in_thread(build, *arguments)
            await self.watch.confirm()
            if generation == self._generation:
                return found
        raise GatewayError(
            503, "changing", "The configuration changes faster than it can be read. Try again."
        )

    # In a thread, with the database

    def _plan(self, id_or_alias: str, capability: Capability) -> Plan:
        profile = _find(id_or_alias, capability)
        chain = [profile, *(found for pk in profile.fallback_ids if (found := _fallback(pk)))]
        return Plan(tuple(self._step(one, is_last=one is chain[-1]) for one in chain))

    @sensitive_variables()
    def _step(self, profile: services.StoredProfile, *, is_last: bool) -> Step:
        """Only the last of a chain repeats what failed: before it, the next one is asked
        instead.
        """
        connection = services.find_connection(str(profile.connection_id))
        step = Step(
            profile, connection.id, connection.alias, connection.version, connection.provider_id
        )
        if not profile.is_active:
            step.refusal = GatewayError(
                409, "profile_inactive", f"The profile {profile.alias} is switched off."
            )
            return step
        try:
            provider = services.get_configured_provider(
                connection, limits=Limits() if is_last else Limits(max_retries=0)
            )
            step.client = self._clients.get(connection.id, connection.version, provider)
        except services.Unusable as error:
            step.refusal = from_unusable(error, connection.alias)
        return step

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(SWEEP)
            old = time.monotonic() - MEMORY
            for memory in (self._plans, self._callers, self._models):
                for key in [key for key, entry in memory.items() if entry[0] < old]:
                    del memory[key]
            await self._clients.sweep(MEMORY)


NO_DEFAULT = (
    "No profile is named, and there is no default for {}. Name one, or choose a default on the "
    "page Profiles."
)


def _find(id_or_alias: str, capability: Capability) -> services.StoredProfile:
    """The profile, or GatewayError: 404 when there is none, 400 when it is for something else, 409
    when it cannot be read.
    """
    try:
        found = (
            services.find_profile(id_or_alias)
            if id_or_alias
            else services.find_default_profile(capability)
        )
    except Profile.DoesNotExist:
        raise GatewayError(
            404, "profile_not_found", f"There is no profile {id_or_alias[:100]!r}.", "model"
        ) from None
    except services.Unusable as error:
        raise GatewayError(409, error.code, error.message) from None
    if found is None:
        raise GatewayError(404, "no_default_profile", NO_DEFAULT.format(capability.value), "model")
    if found.capability != capability:
        message = (
            f"The profile {found.alias} is for {found.capability}, not for {capability.value}. "
            "Name another."
        )
        raise GatewayError(400, "wrong_capability", message, "model")
    return found


def _fallback(pk: UUID) -> services.StoredProfile | None:
    """A fallback that can be read; one that cannot is passed over, because another may answer."""
    try:
        return services.find_profile(str(pk))
    except (Profile.DoesNotExist, services.Unusable):
        return None


def _models() -> list[ListedProfile]:
    rows = Profile.objects.filter(is_active=True).order_by("alias")
    return [
        ListedProfile(*row)
        for row in rows.values_list(
            "pk", "alias", "capability", "connection__provider_id", "date_created"
        )
    ]

"""The configuration that a worker remembers: tokens, profiles and their routes, so that a request
needs no database.

It is read by the services alone. Everything is forgotten when the change stamp moves (see
Invalidation), and after MEMORY seconds in any case, because a reference may stand for another value
by then.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

from django.utils.translation import override
from django.views.decorators.debug import sensitive_variables

from connections import runtime, services
from connections.models import Profile
from connections.replacement.services import previous_connection
from connections.workloads.services import TokenRefused, find_workload, is_signed_token
from providers.core.base import Capability, Limits

from .clients import PooledProvider, ProviderPool
from .errors import GatewayError, from_refused, from_unusable
from .invalidation import new_invalidation
from .issuer_keys import IssuerKeys
from .lending import NOT_SHARED, is_lent, owners_of
from .profiles import ListedProfile, find_profile, listed_profiles
from .shared_readings import SharedReadings

MEMORY = 30.0  # seconds
LEAST_MEMORY = 1.0  # seconds
SWEEP_EVERY = 5.0  # seconds
MOST_ENTRIES = 20_000  # of each kind that is remembered

logger = logging.getLogger(__name__)

Entries = dict[Any, tuple[float, Any]]  # key -> when it was read, and the value


@dataclass(slots=True)
class PreviousKey:
    """The provider with the key that a connection had before, while the new one is watched."""

    replacement_id: UUID
    pooled: PooledProvider


@dataclass(slots=True)
class Target:
    """One profile of a route with its connection.

    Either `pooled`, the provider to ask, or `refusal`, the reason why it cannot be used as it is.
    `previous`: to be asked where the service refuses a key that was just replaced. `owners`,
    `profile_owners`: the teams that see the connection, and the profile; none: all do.
    """

    profile: runtime.StoredProfile
    connection_id: UUID
    connection_alias: str
    connection_version: int
    provider_id: str
    pooled: PooledProvider | None = None
    refusal: GatewayError | None = None
    previous: PreviousKey | None = None
    owners: frozenset[UUID] = frozenset()
    profile_owners: frozenset[UUID] = frozenset()


@dataclass(slots=True)
class Route:
    """The targets that may answer a request: the profile that it names, then its fallbacks in
    their order.
    """

    targets: tuple[Target, ...]
    read_at: float = field(default_factory=time.monotonic)  # its oldest value of a secret store

    @property
    def profile(self) -> runtime.StoredProfile:
        """The profile that the request names."""
        return self.targets[0].profile


class ConfigCache:
    """One in a worker. Every question first confirms that nothing has changed."""

    def __init__(self) -> None:
        self.invalidation = new_invalidation(self._forget)
        self._routes: Entries = {}
        self._callers: Entries = {}
        self._models: Entries = {}
        self._usable: Entries = {}
        self._readings = SharedReadings(self.invalidation.confirm)
        self._providers = ProviderPool()
        self._issuer_keys = IssuerKeys()
        self._sweeper: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begins to listen for changes and to drop old entries."""
        await self.invalidation.start()
        self._sweeper = asyncio.create_task(self._sweep())

    async def stop(self) -> None:
        """Ends that, and closes every provider."""
        if self._sweeper:
            self._sweeper.cancel()
        await self.invalidation.stop()
        self._forget()
        await self._providers.close()

    @property
    def _kept(self) -> tuple[Entries, ...]:
        return self._routes, self._callers, self._models, self._usable

    def _forget(self) -> None:
        self._readings.generation += 1
        for entries in self._kept:
            entries.clear()

    @sensitive_variables("token")
    async def caller(self, token: str) -> services.Caller | None:
        """The caller whose active token this is, None for any other text.

        Raises GatewayError 401 for the token of an issuer that is not taken, and 503 while its
        issuer's keys are not known.
        """
        key = sha256(token.encode()).digest()
        read = self._workload if is_signed_token(token) else self._stored
        found: services.Caller | None = await read(key, token)
        if found is None or (found.expires_at and found.expires_at <= datetime.now(UTC)):
            return None
        return found

    async def _stored(self, key: bytes, token: str) -> services.Caller | None:
        found: services.Caller | None = await self._cached(
            self._callers, key, services.find_caller, token
        )
        return found

    async def _workload(self, key: bytes, token: str) -> services.Caller:
        try:
            found: services.Caller = await self._cached(self._callers, key, find_workload, token)
            return found
        except TokenRefused as refused:
            if refused.wants_keys_of is None:
                raise from_refused(refused) from None
            issuer = refused.wants_keys_of
        await self._issuer_keys.refresh(issuer)
        try:
            found = await self._cached(self._callers, key, find_workload, token)
        except TokenRefused as refused:
            raise from_refused(refused) from None
        return found

    async def usable(self, narrowing: services.Narrowing) -> services.UsableProfiles:
        """The profiles that callers may use who are narrowed like this."""
        found: services.UsableProfiles = await self._cached(
            self._usable, narrowing, narrowing.profiles
        )
        return found

    async def route(self, id_or_alias: str, capability: Capability) -> Route:
        """The route of a profile; an empty text is the default profile.

        Raises GatewayError 400 for a profile with another capability, 404 for one that does not
        exist, 409 for one that cannot be read.
        """
        route: Route = await self._cached(
            self._routes, (id_or_alias, capability), self._read_route, id_or_alias, capability
        )
        return route

    async def models(self) -> list[ListedProfile]:
        """Every active profile, by alias."""
        profiles: list[ListedProfile] = await self._cached(self._models, "all", listed_profiles)
        return profiles

    async def _cached(
        self, entries: Entries, key: Any, read: Callable[..., Any], *arguments: Any
    ) -> Any:
        """The value that is remembered for the key, else the one that `read` returns in a thread.
        Raises what `read` raises.
        """
        await self.invalidation.confirm()
        entry = entries.get(key)
        if entry is not None and time.monotonic() - entry[0] < MEMORY:
            return entry[1]
        named = (id(entries), key)
        value, generation = await self._readings.share(named, read, *arguments)
        # None is not remembered: anybody can ask for any number of things that do not exist.
        if value is not None and generation == self._readings.generation:
            if len(entries) >= MOST_ENTRIES:
                entries.clear()
            entries[key] = (getattr(value, "read_at", time.monotonic()), value)
        return value

    # In a thread, with the database

    @override("en")  # its refusals are kept for every caller
    def _read_route(self, id_or_alias: str, capability: Capability) -> Route:
        profile = find_profile(id_or_alias, capability)
        chain = [profile]
        for pk in profile.fallback_ids:
            # A fallback that cannot be read is passed over, because another may answer.
            with suppress(Profile.DoesNotExist, services.Unusable):
                chain.append(runtime.find_profile(str(pk)))
        began = time.monotonic()
        with runtime.noting_resolutions() as noted:
            targets = tuple(
                self._read_target(one, profile, is_last=one is chain[-1]) for one in chain
            )
        ages = [one.asked_at for one in noted if one.asked_at is not None]
        # a value of a store that is away is old already, and yet not looked up in every request
        return Route(targets, max(min([began, *ages]), began - MEMORY + LEAST_MEMORY))

    @sensitive_variables()
    def _read_target(
        self, profile: runtime.StoredProfile, asked: runtime.StoredProfile, *, is_last: bool
    ) -> Target:
        """Only the last target of a route repeats a request that failed: instead of the others, the
        next one is asked. `asked`: the profile that the request names.
        """
        connection = runtime.find_connection(str(profile.connection_id))
        target = Target(
            profile, connection.id, connection.alias, connection.version, connection.provider_id
        )
        target.owners, target.profile_owners = owners_of(connection), owners_of(profile)
        if not profile.is_active:
            target.refusal = GatewayError(
                409, "profile_inactive", f"The profile {profile.alias} is switched off."
            )
            return target
        if not (is_lent(profile, asked.team_id) and is_lent(connection, profile.team_id)):
            target.refusal = GatewayError(409, "not_shared", NOT_SHARED)
            return target
        limits = Limits() if is_last else Limits(max_retries=0)
        try:
            provider = runtime.get_configured_provider(connection, limits=limits)
            target.pooled = self._providers.get(connection.id, connection.version, provider)
        except services.Unusable as error:
            target.refusal = from_unusable(error, connection.alias)
            logger.warning("A profile cannot be used: %s", target.refusal.detail)
            return target
        if watched := previous_connection(connection):
            with suppress(services.Unusable):
                provider = runtime.get_configured_provider(watched[1], limits=limits)
                pooled = self._providers.get(watched[0], connection.version, provider)
                target.previous = PreviousKey(watched[0], pooled)
        return target

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_EVERY)
            old = time.monotonic() - MEMORY
            for entries in self._kept:
                for key in [key for key, entry in entries.items() if entry[0] < old]:
                    del entries[key]
            await self._providers.sweep(MEMORY)

"""The consequences of switching connections off, of changing their addresses, of deleting, and of
ending a token: told before it is done.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.utils import timezone

from providers.core.schema import settings_fields

from .dependent_profiles import DependentProfile, active_dependents
from .last_hour import HOUR, last_hour
from .models import ApiToken, Connection, Profile, RevealToken


@dataclass(frozen=True)
class SwitchingOff:
    """The consequences of switching connections off together.

    `refused`, `stood_in_for`: their active profiles without and with one that answers then.
    `requests`: those of the last hour to these profiles or answered by these connections, with
    `tokens`. `flow_tokens`: with which flows may read the connections.
    """

    connections: Sequence[Connection]
    refused: Sequence[DependentProfile]
    stood_in_for: Sequence[DependentProfile]
    requests: int
    tokens: Sequence[ApiToken]
    flow_tokens: Sequence[RevealToken]

    @property
    def hurts(self) -> bool:
        """True if a profile would be refused, or somebody asked within the last hour."""
        since = timezone.now() - HOUR
        is_read = any(one.last_used_at and one.last_used_at > since for one in self.flow_tokens)
        return bool(self.refused or self.requests or is_read)


def switching_off(connections: Sequence[Connection]) -> SwitchingOff:
    """The consequences for these connections, those that are off already left out. As many queries
    for one as for all.
    """
    rows = [row for row in connections if row.is_active]
    pks = {row.pk for row in rows}
    profiles = active_dependents(pks)
    mine = {one.profile.pk for one in profiles}
    asked = (
        [one for one in last_hour() if one.profile_id in mine or one.connection_id in pks]
        if pks
        else []
    )
    now = timezone.now()
    flows = RevealToken.objects.filter(
        connections__in=pks, revoked_at__isnull=True, expires_at__gt=now
    )
    return SwitchingOff(
        rows,
        [one for one in profiles if one.stand_in is None],
        [one for one in profiles if one.stand_in is not None],
        sum(one.number for one in asked),
        list(ApiToken.objects.filter(pk__in={one.token_id for one in asked if one.token_id})),
        list(flows.distinct()),
    )


def requests_with(token_id: UUID) -> int:
    """The requests of the last hour with a token of the API."""
    return sum(one.number for one in last_hour() if one.token_id == token_id)


def moved_addresses(connection: Connection, posted: Mapping[str, Any]) -> dict[str, str]:
    """The addresses that these plain settings would change, by their labels, and what they would
    be.
    """
    fields = settings_fields(connection.provider) if connection.provider else {}
    addresses = [one for one in fields.values() if one.address or one.proxy or one.host_part]
    found: dict[str, str] = {}
    for field in addresses:
        was, will = (
            str(given.get(field.name) or field.default or "").strip()
            for given in (connection.settings, posted)
        )
        if was != will:
            found[field.label] = will
    return found


@dataclass(frozen=True)
class DeletingProfiles:
    """The consequences of deleting profiles or switching them off: the requests of the last hour to
    them, the tokens they came with, and those that are limited to one of them.
    """

    requests: int
    tokens: Sequence[ApiToken]
    limited: Sequence[ApiToken]

    @property
    def hurts(self) -> bool:
        """True if somebody asked within the last hour."""
        return bool(self.requests)


def deleting(profiles: Sequence[Profile]) -> DeletingProfiles:
    """The consequences for these profiles. As many queries for one as for all."""
    pks = {row.pk for row in profiles}
    asked = [one for one in last_hour() if one.profile_id in pks]
    limited = ApiToken.objects.filter(profiles__in=pks, revoked_at=None).distinct()
    return DeletingProfiles(
        sum(one.number for one in asked),
        list(ApiToken.objects.filter(pk__in={one.token_id for one in asked if one.token_id})),
        list(limited),
    )

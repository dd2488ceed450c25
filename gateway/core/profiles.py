"""Profiles as requests name them, read from the database."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from connections import runtime, services
from connections.models import FormerAlias, Profile
from providers.core.base import Capability

from .errors import NO_DEFAULT, GatewayError


@dataclass(frozen=True, slots=True)
class ListedProfile:
    """An active profile, for the list of models."""

    id: UUID
    alias: str
    capability: str
    provider_id: str
    date_created: datetime
    former_aliases: tuple[str, ...] = ()


def listed_profiles() -> list[ListedProfile]:
    """Every active profile, by alias."""
    rows = Profile.every.filter(is_active=True).order_by("alias")
    former = defaultdict[UUID, tuple[str, ...]](tuple)
    for one in FormerAlias.objects.of(Profile):
        former[one.row_id] += (one.alias,)
    return [
        ListedProfile(*row, former[row[0]])
        for row in rows.values_list(
            "pk", "alias", "capability", "connection__provider_id", "date_created"
        )
    ]


def no_profile(id_or_alias: str) -> GatewayError:
    """A 404 for a profile that is not there, or not for this caller: both in the same words."""
    text = (
        f"There is no profile {id_or_alias[:100]!r} for this token. GET /v1/models lists its own."
    )
    return GatewayError(404, "profile_not_found", text, "model")


def find_profile(id_or_alias: str, capability: Capability) -> runtime.StoredProfile:
    """The profile of this id or alias; an empty text is the default of the capability.

    Raises GatewayError 400 for another capability, 404 for none, 409 for one that cannot be read.
    """
    try:
        found = (
            runtime.find_profile(id_or_alias)
            if id_or_alias
            else runtime.find_default_profile(capability)
        )
    except Profile.DoesNotExist:
        raise no_profile(id_or_alias) from None
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

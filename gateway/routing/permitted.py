"""The route of a request, for a caller who may use some profiles: to them, others do not exist.

An alias that is another team's and one that nobody has are the same look into what is remembered,
so that neither words nor time tell them apart.
"""

from uuid import UUID

from connections.services import Caller, UsableProfiles

from ..core.config_cache import ConfigCache, Route, Target
from ..core.errors import GatewayError
from ..core.profiles import ListedProfile, no_profile
from ..core.requests import GatewayRequest

NONE_NAMED = "No profile is named. Name one that this token may use."
CANNOT_BE_USED = (
    "The connection of this profile cannot be used as it is. Tell whoever runs Switchboard."
)


async def permitted_route(config: ConfigCache, request: GatewayRequest) -> Route:
    """The route of the profile that a request names. Raises GatewayError."""
    caller, ref = request.caller, request.profile_ref
    usable = await config.usable(caller.narrowing) if caller.narrowing else None
    if caller.profile_ids is None and usable is None:
        return await config.route(ref, request.capability)
    refused = GatewayError(404, "no_default_profile", NONE_NAMED, "model")
    if ref:
        refused = no_profile(ref)
    refused.outcome = "profile_not_allowed"
    if ref and not (caller.may_name(ref) and (usable is None or usable.may_name(ref))):
        raise refused
    try:
        route = await config.route(ref, request.capability)
    except GatewayError as error:
        # a default that cannot be read may be somebody else's
        is_hidden = error.code == refused.code or (not ref and error.status == 409)
        raise (refused if is_hidden else error) from None
    if not _is_permitted(caller, usable, route.profile.id):
        raise refused
    return route


async def permitted_models(config: ConfigCache, caller: Caller) -> list[ListedProfile]:
    """The active profiles that a caller may use, by alias. Raises GatewayError 503."""
    if not caller.may_use_profiles:
        return []
    usable = await config.usable(caller.narrowing) if caller.narrowing else None
    return [one for one in await config.models() if _is_permitted(caller, usable, one.id)]


def _is_permitted(caller: Caller, usable: UsableProfiles | None, pk: UUID) -> bool:
    is_own = caller.profile_ids is None or pk in caller.profile_ids
    return is_own and (usable is None or pk in usable.ids)


def is_told(caller: Caller, owners: frozenset[UUID]) -> bool:
    """True if a caller may learn the name of a row of these teams."""
    return caller.narrowing is None or caller.narrowing.sees(owners)


def refusal_of(target: Target, caller: Caller) -> GatewayError:
    """The refusal of a target that cannot be used, as far as the caller may learn of it."""
    assert target.refusal is not None  # noqa: S101 who asks has looked
    refused = target.refusal.again(in_full=caller.token_id is None)
    if not is_told(caller, target.owners):
        hidden = GatewayError(refused.status, refused.code, CANNOT_BE_USED)
        hidden.outcome, hidden.detail = refused.outcome, refused.detail
        return hidden
    return refused

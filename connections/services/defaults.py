"""The profiles that answer when a request names none."""

from collections.abc import Mapping

from django.db import transaction

from providers.core.base import Capability

from ..errors import FieldError, Invalid
from ..locks import hold, retried
from ..models import DefaultProfile, Profile
from .permissions import Actor, require


def default_profiles() -> dict[str, Profile | None]:
    """The default profile of every capability, None where none is chosen."""
    chosen = {
        row.capability: row.profile for row in DefaultProfile.objects.select_related("profile")
    }
    return {capability.value: chosen.get(capability.value) for capability in Capability}


@retried
def set_default_profiles(defaults: Mapping[str, Profile | None], *, actor: Actor) -> None:
    """Sets the default of each capability named; None takes it away.

    Raises Invalid when a profile has another capability.
    """
    require(actor, "connections.change_defaultprofile")
    wrong = [
        FieldError(
            capability,
            "capability",
            f"{profile.name} is a {profile.capability} profile, not one for {capability}.",
        )
        for capability, profile in defaults.items()
        if profile is not None and profile.capability != capability
    ]
    if wrong:
        raise Invalid(wrong)
    with transaction.atomic():
        # so that none is deleted meanwhile
        hold(Profile.objects.all(), [profile.pk for profile in defaults.values() if profile])
        for capability, profile in sorted(defaults.items(), key=lambda item: item[0]):
            if profile is None:
                DefaultProfile.objects.filter(pk=capability).delete()
            else:
                DefaultProfile.objects.update_or_create(
                    pk=capability, defaults={"profile": profile}
                )

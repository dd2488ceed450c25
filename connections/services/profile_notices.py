"""What to know about a profile that was just saved: why requests to it will fail, or differ from
what it says. Its pages show the same.
"""

from collections.abc import Iterator

from django.db.models import Prefetch, prefetch_related_objects
from django.utils.translation import gettext as _

from ..errors import Notice
from ..health.services import NOT_ANSWERING, own_health
from ..models import Profile
from ..outlooks import is_lost
from ..section_teams import Resolve, resolve_now
from ..unseen import fallbacks_seen


def profile_notices(profile: Profile, resolve: Resolve = resolve_now) -> list[Notice]:
    """The notices of a saved profile, by the names that a body has: of its connection, its model,
    its settings, its fallbacks. `resolve`: as of `profile_health`.
    """
    return [
        *_of_connection(profile, resolve),
        *_of_model(profile),
        *_of_settings(profile),
        *_of_fallbacks(profile),
    ]


def _of_connection(profile: Profile, resolve: Resolve) -> Iterator[Notice]:
    own = own_health(profile, resolve)
    if own.state in NOT_ANSWERING:
        yield Notice("connection_id", own.code, own.detail)


def _of_model(profile: Profile) -> Iterator[Notice]:
    if is_lost(profile.connection, profile.model):
        text = _("%(model)s is not listed any more by %(connection)s. Choose another model.")
        names = {"model": profile.model, "connection": profile.connection.name}
        yield Notice("model.model_id", "not_found", text % names)


def _of_settings(profile: Profile) -> Iterator[Notice]:
    provider = profile.connection.provider
    refused = provider.refused_parameters(profile.model) if provider else frozenset()
    for name in sorted(refused & profile.settings.keys()):
        if profile.settings[name] is not None:
            text = _("%(model)s does not take this. It is left out.") % {"model": profile.model}
            yield Notice(f"settings.{name}", "unsupported", text)


def _of_fallbacks(profile: Profile) -> Iterator[Notice]:
    steps = profile.fallback_steps.select_related("fallback")
    prefetch_related_objects([profile], Prefetch("fallback_steps", steps))
    for fallback in fallbacks_seen([profile])[profile.pk]:
        if not fallback.is_active:
            text = _("The fallback %(name)s is switched off. Switch it on, or name another.")
            names = {"name": fallback.name}
            yield Notice("fallback_profile_ids", "profile_inactive", text % names)

"""The health of a profile: of its own model, and of the fallbacks that answer in its place."""

from collections.abc import Iterator
from dataclasses import replace

from django.db.models import Exists, OuterRef, Prefetch, Q, QuerySet
from django.db.models.lookups import Exact, In
from django.utils.translation import gettext as _

from ..models import Connection, Fallback, Profile
from ..outlooks import with_key_ends
from ..profile_settings import profile_settings_class
from ..section_teams import Resolve, remembering, resolve_now
from .conditions import state_of_model
from .states import (
    DEGRADED,
    FAILING,
    LABELS,
    RESTING,
    SETUP,
    STATES,
    Health,
    model_health,
)

NOT_ANSWERING = (FAILING, SETUP, RESTING)


def profile_health(profile: Profile, resolve: Resolve = resolve_now) -> Health:
    """As its requests meet it: degraded where its own model does not answer and a fallback does."""
    own = own_health(profile, resolve)
    if own.state not in NOT_ANSWERING:
        return own
    stand_in = next(_answering(profile, own, resolve), None)
    if stand_in is None:
        return own
    told = _("It answers by its fallback %(alias)s.") % {"alias": stand_in.alias}
    detail = f"{told} {own.detail}"
    return replace(own, state=DEGRADED, label=str(LABELS[DEGRADED]), tone="warn", detail=detail)


def with_health(rows: QuerySet[Connection]) -> QuerySet[Connection]:
    """Connections with what their health and the end of their key are read from, in one more
    query.
    """
    return with_key_ends(rows).select_related("last_check").prefetch_related("traffic")


def with_profile_health(rows: QuerySet[Profile]) -> QuerySet[Profile]:
    """Profiles with what their health is read from, in three more queries."""
    steps = (
        Fallback.objects.select_related("fallback__connection__last_check")
        .defer("fallback__connection__credentials")
        .prefetch_related("fallback__connection__traffic")
    )
    return rows.select_related("connection__last_check").prefetch_related(
        "connection__traffic", Prefetch("fallback_steps", steps)
    )


def profiles_of_health(rows: QuerySet[Profile], state: str) -> QuerySet[Profile]:
    """Those in one of STATES, as `profile_health` says; all for an unknown word.

    The database knows the state of each profile's own model. Fallbacks are looked at here, of those
    that do not answer themselves.
    """
    if state not in STATES:
        return rows
    own_state = state_of_model()
    own = Q(Exact(own_state, state))
    if state not in (DEGRADED, *NOT_ANSWERING):
        return rows.filter(own)
    has_fallback = Exists(Fallback.objects.filter(profile=OuterRef("pk")))
    doubtful = rows.filter(has_fallback, Q(In(own_state, NOT_ANSWERING))).order_by()
    resolve = remembering()
    saved = [
        one.pk
        for one in with_profile_health(doubtful)
        if profile_health(one, resolve).state == DEGRADED
    ]
    return rows.filter(own | Q(pk__in=saved) if state == DEGRADED else own & ~Q(pk__in=saved))


def own_health(profile: Profile, resolve: Resolve) -> Health:
    """The health of its own model, without regard to fallbacks."""
    if not profile.connection.is_active:
        text = _("Its connection %(name)s is switched off.")
        detail = text % {"name": profile.connection.name}
        return Health(SETUP, _("Connection off"), "warn", detail, "connection_inactive")
    return model_health(profile.connection, profile.model, resolve)


def _answering(profile: Profile, own: Health, resolve: Resolve) -> Iterator[Profile]:
    """The fallbacks that may answer after this failure and, as far as is known, do."""
    try:
        settings = profile_settings_class(profile.capability).model_validate(profile.settings)
    except (KeyError, ValueError):
        return  # it cannot be used at all before it is edited
    if not settings.moves_on(own.code):
        return
    for other in (step.fallback for step in profile.fallback_steps.all()):
        if other.is_active and own_health(other, resolve).state not in (FAILING, SETUP):
            yield other

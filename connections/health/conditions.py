"""The same states as conditions of the database, for filters and counts.

What `states` decides for a row in Python is decided here for all rows; a test compares the two.
"""

from collections.abc import Iterable

from django.db.models import (
    Case,
    CharField,
    Exists,
    F,
    OuterRef,
    Q,
    QuerySet,
    Value,
    When,
)
from django.db.models.lookups import Exact
from django.utils import timezone

from providers.core.registry import all_providers

from ..credentials import key_ids
from ..models import ConnectionTraffic
from ..models.traffic import FAILED
from .reference_index import NamedReference, unresolved_references
from .states import (
    DEGRADED,
    DEGRADED_FOR,
    FAILING,
    NEVER,
    OK,
    REMEMBERED,
    RESTING,
    SETUP,
    STALE,
    STATES,
    UNUSED,
    UNUSED_AFTER,
)

WHOLE = Q(is_failing=True, is_of_account=True)


def of_health(state: str) -> Q:
    """The condition that a connection is in one of STATES, as `health` says; none for an unknown
    word.
    """
    return Q(Exact(state_of_connection(), state)) if state in STATES else Q()


def state_of_connection(broken: Iterable[NamedReference] | None = None) -> Case:
    """The state of a connection, as `health` says. `broken`: the references that cannot be used,
    where they are known already.
    """
    traffic = ConnectionTraffic.objects.filter(connection=OuterRef("pk"))
    current = traffic.filter(version__gte=OuterRef("settings_version"))
    return _state(current, traffic, "", broken)


def state_of_model() -> Case:
    """The state of a profile's own model, as `model_health` says; `setup` where its connection is
    switched off.
    """
    traffic = ConnectionTraffic.objects.filter(connection=OuterRef("connection"))
    current = traffic.filter(version__gte=OuterRef("connection__settings_version"))
    mine = Q(model=OuterRef("model"))
    return _state(
        current.filter(mine | WHOLE), traffic.filter(mine | Q(is_of_account=True)), "connection__"
    )


def _state(
    current: QuerySet[ConnectionTraffic],
    any_time: QuerySet[ConnectionTraffic],
    of: str,
    broken: Iterable[NamedReference] | None = None,
) -> Case:
    """The first that is true, from the worst. `of`: the way to the connection."""
    now = timezone.now()
    fails = Q(is_failing=True) & (Q(is_of_account=True) | Q(failed_at__gt=now - REMEMBERED))
    some = Q(recent__contains=FAILED) & Q(failed_at__gt=now - DEGRADED_FOR)
    answered = current.filter(answered_at__isnull=False)
    others = answered.exclude(fails)
    resting = any_time.filter(resting_until__gt=now)
    fresh = Q(**{f"{of}last_check__connection_version__gte": F(f"{of}settings_version")})
    since = answered.filter(answered_at__gt=OuterRef(f"{of}last_check__checked_at"))
    refused = fresh & Q(**{f"{of}last_check__success": False}) & ~_there(since)
    failing = _there(current.filter(WHOLE)) | (_there(current.filter(fails)) & ~_there(others))
    awake = others.exclude(resting_until__gt=now)
    rests = _there(resting.filter(is_of_account=True)) | (_there(resting) & ~_there(awake))
    unused = Q(**{f"{of}is_active": True, f"{of}asked_at__lt": now - UNUSED_AFTER})
    good = _there(answered) | (fresh & Q(**{f"{of}last_check__success": True}))
    return Case(
        When(of_setup(of, broken), then=Value(SETUP)),
        When(failing | refused, then=Value(FAILING)),
        When(rests, then=Value(RESTING)),
        When(_there(current.filter(fails | some)) | _there(resting), then=Value(DEGRADED)),
        When(unused, then=Value(UNUSED)),
        When(good, then=Value(OK)),
        When(Q(**{f"{of}last_check__isnull": False}), then=Value(STALE)),
        default=Value(NEVER),
        output_field=CharField(),
    )


def of_setup(of: str, broken: Iterable[NamedReference] | None) -> Q:
    """The condition that a connection cannot be used as it is."""
    known = [provider.id for provider in all_providers()]
    broken = unresolved_references() if broken is None else broken
    ids = {pk for one in broken for pk in one.connection_ids}
    condition = (
        ~Q(**{f"{of}provider_id__in": known})
        | (
            Q(**{f"{of}credentials_key__isnull": False})
            & ~Q(**{f"{of}credentials_key__in": key_ids()})
        )
        | ~Q(**{f"{of}lacking": []})
        | Q(**{f"{of}id__in": sorted(ids)})
    )
    return condition | Q(connection__is_active=False) if of else condition


def _there(rows: QuerySet[ConnectionTraffic]) -> Q:
    return Q(Exists(rows))

"""The same states as conditions of the database, for filters and counts.

What `states` decides for a row in Python is decided here for all rows; a test compares the two.
"""

from collections.abc import Iterable
from typing import Any

from django.db.models import (
    Case,
    Exists,
    F,
    IntegerField,
    Max,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
    When,
)
from django.db.models.functions import Coalesce, Greatest, Substr, Trim
from django.db.models.lookups import Exact
from django.utils import timezone

from providers.core.registry import all_providers

from ..credentials import key_ids
from ..models import ConnectionTraffic
from ..models.traffic import FAILED
from .reference_index import NamedReference, unresolved_references
from .states import (
    BY_SEVERITY,
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


def state_of_connection(broken: Iterable[NamedReference] | None = None) -> Trim:
    """The state of a connection, as `health` says. `broken`: the references that cannot be used,
    where they are known already.
    """
    return _word(_of_connection(broken))


def state_of_model() -> Trim:
    """The state of a profile's own model, as `model_health` says; `setup` where its connection is
    switched off.
    """
    return _word(_of_model())


def severity_of_connection() -> Substr:
    """The place of the state of a connection in BY_SEVERITY, to sort by."""
    return _severity(_of_connection(None))


def severity_of_model() -> Substr:
    """As `severity_of_connection`, of a profile's own model."""
    return _severity(_of_model())


# The number of a state is its place here: the greatest that is true counts.
RANKED = (NEVER, STALE, OK, UNUSED, DEGRADED, RESTING, FAILING, SETUP)
WIDTH = max(map(len, RANKED))
NUMBERS = {state: number for number, state in enumerate(RANKED, 1)}


def _word(number: Greatest) -> Trim:
    """The state with this number. Cut out of one text, because a CASE would compute the number
    again for each of its branches.
    """
    words = Value("".join(state.ljust(WIDTH) for state in RANKED))
    return Trim(Substr(words, number * WIDTH - (WIDTH - 1), WIDTH))


def _severity(number: Greatest) -> Substr:
    return Substr(Value("".join(str(BY_SEVERITY.index(state)) for state in RANKED)), number, 1)


def _of_connection(broken: Iterable[NamedReference] | None) -> Greatest:
    traffic = ConnectionTraffic.objects.filter(connection=OuterRef("pk"))
    current = Q(version__gte=OuterRef("settings_version"))
    return _number(traffic, current, "", broken)


def _of_model() -> Greatest:
    traffic = ConnectionTraffic.objects.filter(connection=OuterRef("connection"))
    mine = Q(model=OuterRef("model"))
    current = Q(version__gte=OuterRef("connection__settings_version")) & (mine | WHOLE)
    return _number(traffic.filter(mine | Q(is_of_account=True)), current, "connection__", None)


def _number(
    traffic: QuerySet[ConnectionTraffic],
    current: Q,
    of: str,
    broken: Iterable[NamedReference] | None,
) -> Greatest:
    """The number of the state: what its calls say, or more where its setup, its last test or its
    use says more. `current`: of the settings of today; `of`: the way to the connection.
    """
    answered = traffic.filter(current, answered_at__isnull=False)
    since = answered.filter(answered_at__gt=OuterRef(f"{of}last_check__checked_at"))
    fresh = Q(**{f"{of}last_check__connection_version__gte": F(f"{of}settings_version")})
    refused = fresh & Q(**{f"{of}last_check__success": False}) & Q(~Exists(since))
    unused = Q(**{f"{of}is_active": True, f"{of}asked_at__lt": timezone.now() - UNUSED_AFTER})
    passed = fresh & Q(**{f"{of}last_check__success": True})
    beside = Case(
        When(of_setup(of, broken), then=Value(NUMBERS[SETUP])),
        When(refused, then=Value(NUMBERS[FAILING])),
        When(unused, then=Value(NUMBERS[UNUSED])),
        When(passed, then=Value(NUMBERS[OK])),
        When(Q(**{f"{of}last_check__isnull": False}), then=Value(NUMBERS[STALE])),
        default=Value(NUMBERS[NEVER]),
        output_field=IntegerField(),
    )
    return Greatest(Coalesce(Subquery(_by_calls(traffic, current)), 0), beside)


def _by_calls(traffic: QuerySet[ConnectionTraffic], current: Q) -> QuerySet[Any, int]:
    """The number of the state that the calls of a connection tell, in one look at them; 0 where
    they tell none.
    """
    now = timezone.now()
    fails = Q(is_failing=True) & (Q(is_of_account=True) | Q(failed_at__gt=now - REMEMBERED))
    some = Q(recent__contains=FAILED) & Q(failed_at__gt=now - DEGRADED_FOR)
    answered, resting = Q(answered_at__isnull=False) & current, Q(resting_until__gt=now)
    flags = {
        "whole": current & WHOLE,
        "fails": current & fails,
        "others": answered & ~fails,
        "rests_whole": resting & Q(is_of_account=True),
        "rests": resting,
        "awake": answered & ~fails & ~resting,
        "troubled": current & (fails | some),
        "answers": answered,
    }
    one_is = {
        name: Max(Case(When(condition, then=1), default=0)) for name, condition in flags.items()
    }
    failing, rests = Q(whole=1) | Q(fails=1, others=0), Q(rests_whole=1) | Q(rests=1, awake=0)
    number = Case(
        When(failing, then=Value(NUMBERS[FAILING])),
        When(rests, then=Value(NUMBERS[RESTING])),
        When(Q(troubled=1) | Q(rests=1), then=Value(NUMBERS[DEGRADED])),
        When(answers=1, then=Value(NUMBERS[OK])),
        default=Value(0),
        output_field=IntegerField(),
    )
    found = traffic.order_by().values("connection").annotate(**one_is)
    return found.annotate(state_number=number).values_list("state_number", flat=True)


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

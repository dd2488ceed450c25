"""The list of faults: ranked, filtered, and snoozed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.core.exceptions import ObjectDoesNotExist
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from connections import listing
from connections.locks import retried
from connections.models import Snooze
from connections.services import Actor, FieldError, Invalid, Scope, allows, require

from .faults import faults
from .hits import Hit, hits
from .kinds import GUARDED, KINDS, Fault

LONGEST_SNOOZE = timedelta(days=90)
LONGEST_REASON = 300
LAST = datetime.max.replace(tzinfo=UTC)
RANK = {kind: place for place, kind in enumerate(KINDS)}


@dataclass(frozen=True)
class Ranked:
    """A fault, who is hit by it, and how it is snoozed, None when it is not."""

    fault: Fault
    hit: Hit
    snooze: Snooze | None = None


@dataclass(frozen=True)
class Attention:
    """The faults of a list, the worst first, and the number of those that are snoozed."""

    rows: Sequence[Ranked]
    snoozed: int


def attention(
    tag: str = "", kind: str = "", *, actor: Actor, is_snoozed: bool = False
) -> Attention:
    """The faults with a connection that has this tag, of this kind; empty texts filter nothing.
    With `is_snoozed` those that are snoozed instead of those that are not. Tokens and targets of
    notices are only told to those who may see them.

    The worst come first: those of the radar after all others, then by the requests of the last
    hour that they hit, by profiles, tokens, kind and age.
    """
    asleep = snoozes()
    found = [one for one in faults() if _may_see(actor, one)]
    known = hits(pk for one in found if one.kind != "unused" for pk in one.connection_ids)
    rows = [
        Ranked(
            one,
            Hit(known.of_token.get(one.subject.pk, 0))
            if one.kind in ("token", "limit")
            else known.of(one.connection_ids, one.models),
            asleep.get((one.key, one.was)),
        )
        for one in found
        if kind in ("", one.kind)
    ]
    if tag.strip():
        tagged = set(listing.connections({"tag": tag}).order_by().values_list("pk", flat=True))
        rows = [row for row in rows if not tagged.isdisjoint(row.fault.connection_ids)]
    shown = [row for row in rows if (row.snooze is not None) == is_snoozed]
    snoozed = len(shown) if is_snoozed else len(rows) - len(shown)
    return Attention(sorted(shown, key=_worst_first), snoozed)


def _may_see(actor: Actor, fault: Fault) -> bool:
    if fault.kind not in GUARDED or actor is None:
        return True
    meta = fault.subject._meta
    is_allowed = allows(getattr(actor, "token", None), Scope.ADMIN)
    return is_allowed and bool(actor.has_perm(f"{meta.app_label}.view_{meta.model_name}"))


def _worst_first(row: Ranked) -> tuple[object, ...]:
    fault, hit = row.fault, row.hit
    since = fault.since or LAST
    numbers = (-hit.requests, -hit.profiles, -hit.tokens)
    return (not fault.is_near, *numbers, RANK[fault.kind], since, fault.key)


def snoozes() -> dict[tuple[str, str], Snooze]:
    """Those that have not ended, by fault and its state then."""
    rows = Snooze.objects.filter(until__gt=timezone.now()).select_related("snoozed_by")
    return {(row.fault, row.was): row for row in rows.order_by()}


@retried
def snooze(key: str, *, reason: str, until: datetime, actor: Actor) -> Snooze:
    """Leaves a fault out of the list until then, or until it changes.

    Raises Invalid, PermissionDenied, ObjectDoesNotExist when there is no such fault now.
    """
    require(actor, "connections.change_connection")
    fault = next((one for one in faults() if one.key == key and _may_see(actor, one)), None)
    if fault is None:
        raise ObjectDoesNotExist(_("This fault is over."))
    now, reason = timezone.now(), reason.strip()
    errors = []
    if not reason or len(reason) > LONGEST_REASON or "\x00" in reason:
        text = _("Say why, in at most %(number)s characters.") % {"number": LONGEST_REASON}
        errors.append(FieldError("reason", "invalid", text))
    if not now < until <= now + LONGEST_SNOOZE:
        text = _("Choose a time from now on, at most %(number)s days ahead.")
        text %= {"number": LONGEST_SNOOZE.days}
        errors.append(FieldError("until", "invalid", text))
    if errors:
        raise Invalid(errors)
    values = {"was": fault.was, "reason": reason, "until": until, "snoozed_by": actor}
    with transaction.atomic():
        Snooze.objects.filter(until__lte=now).delete()
        return Snooze.objects.update_or_create(fault=key, defaults=values)[0]


@retried
def wake(row: Snooze, *, actor: Actor) -> None:
    """Ends a snooze. Raises PermissionDenied."""
    require(actor, "connections.change_connection")
    row.delete()

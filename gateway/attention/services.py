"""The list of faults: ranked, filtered, and snoozed."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from django.core.exceptions import ObjectDoesNotExist
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from connections import listing
from connections.locks import retried
from connections.models import Snooze
from connections.services import Actor, FieldError, Invalid, Scope, allows, require

from .kinds import GUARDED, Fault
from .ranking import Ranked, ranked

LONGEST_SNOOZE = timedelta(days=90)
LONGEST_REASON = 300


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
    """
    asleep, tagged = snoozes(), _tagged(tag)
    rows = [
        replace(row, snooze=snooze) if snooze else row
        for row in ranked()
        if kind in ("", row.fault.kind) and _may_see(actor, row.fault)
        if tagged is None or not tagged.isdisjoint(row.fault.connection_ids)
        for snooze in [asleep.get((row.fault.key, row.fault.was))]
    ]
    shown = [row for row in rows if (row.snooze is not None) == is_snoozed]
    snoozed = len(shown) if is_snoozed else len(rows) - len(shown)
    return Attention(shown, snoozed)


def _tagged(tag: str) -> set[UUID] | None:
    """The connections with this tag, None for an empty text."""
    if not tag.strip():
        return None
    return set(listing.connections({"tag": tag}).order_by().values_list("pk", flat=True))


def _may_see(actor: Actor, fault: Fault) -> bool:
    if fault.kind not in GUARDED or actor is None:
        return True
    meta = fault.subject._meta
    is_allowed = allows(getattr(actor, "token", None), Scope.ADMIN)
    return is_allowed and bool(actor.has_perm(f"{meta.app_label}.view_{meta.model_name}"))


def snoozes() -> dict[tuple[str, str], Snooze]:
    """Those that have not ended, by fault and its state then."""
    rows = Snooze.objects.filter(until__gt=timezone.now()).select_related("snoozed_by")
    return {(row.fault, row.was): row for row in rows.order_by()}


def snooze(key: str, *, reason: str, until: datetime, actor: Actor) -> Snooze:
    """Leaves a fault out of the list until then, or until it changes.

    Raises Invalid, PermissionDenied, ObjectDoesNotExist when there is no such fault now.
    """
    return snooze_several([key], reason=reason, until=until, actor=actor)[0]


@retried
def snooze_several(
    keys: Collection[str], *, reason: str, until: datetime, actor: Actor
) -> list[Snooze]:
    """Snoozes several faults as `snooze` does one, but for those that are over.

    Raises Invalid, PermissionDenied, ObjectDoesNotExist when there is none of them now.
    """
    require(actor, "connections.change_connection")
    known = [row.fault for row in ranked() if row.fault.key in keys]
    faults = [one for one in known if _may_see(actor, one)]
    if not faults:
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
    values = {"reason": reason, "until": until, "snoozed_by": actor}
    with transaction.atomic():
        Snooze.objects.filter(until__lte=now).delete()
        found = [(one.key, values | {"was": one.was}) for one in faults]
        return [Snooze.objects.update_or_create(fault=key, defaults=new)[0] for key, new in found]


@retried
def wake(row: Snooze, *, actor: Actor) -> None:
    """Ends a snooze. Raises PermissionDenied."""
    require(actor, "connections.change_connection")
    row.delete()

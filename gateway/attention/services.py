"""The list of faults: ranked, filtered, and snoozed."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from django.core.exceptions import ObjectDoesNotExist, PermissionDenied
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from connections import listing
from connections.audit.services import Subject, act, record
from connections.locks import retried
from connections.models import Connection, Snooze, seen
from connections.services import Actor, FieldError, Invalid, may, require

from .kinds import Fault
from .ranking import Ranked, ranked
from .seeing import seen_faults

CHANGE = "connections.change_connection"

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
        for row in seen_faults(actor)
        if kind in ("", row.fault.kind)
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
@act("snooze.create")
def snooze_several(
    keys: Collection[str], *, reason: str, until: datetime, actor: Actor
) -> list[Snooze]:
    """Snoozes several faults as `snooze` does one, but for those that are over.

    Raises Invalid, PermissionDenied, ObjectDoesNotExist when there is none of them now.
    """
    require(actor, CHANGE)
    faults = [row.fault for row in seen_faults(actor) if row.fault.key in keys]
    if not faults:
        raise ObjectDoesNotExist(_("This fault is over."))
    _refuse_of_others(faults, actor)
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
        rows = [Snooze.objects.update_or_create(fault=key, defaults=new)[0] for key, new in found]
        told = {"reason": reason, "until": until.isoformat("T", "minutes")}
        named = [Subject("snooze", str(one.pk), one.fault) for one in rows]
        record(named[0], actor=actor, others=named[1:], detail=told)
    return rows


@retried
@act("snooze.end")
def wake(row: Snooze, *, actor: Actor) -> None:
    """Ends a snooze. Raises PermissionDenied, ObjectDoesNotExist for one of a fault that the actor
    does not see.
    """
    require(actor, CHANGE)
    if seen("connection"):
        faults = [one.fault for one in seen_faults(actor) if one.fault.key == row.fault]
        if not faults:
            raise ObjectDoesNotExist(_("This fault is over."))
        _refuse_of_others(faults, actor)
    with transaction.atomic():
        record(Subject("snooze", str(row.pk), row.fault), actor=actor)
        row.delete()


def _refuse_of_others(faults: Collection[Fault], actor: Actor) -> None:
    """Raises PermissionDenied where a fault hits a connection that the actor may not change: it is
    snoozed for everybody.
    """
    if not seen("connection"):
        return
    whole = {row.fault.key: row.fault.connection_ids for row in ranked()}
    pks = {pk for one in faults for pk in whole.get(one.key, ())}
    rows = Connection.objects.listed().filter(pk__in=pks).prefetch_related("shares")
    found = [row for row in rows if may(actor, CHANGE, row)]
    if len(found) < len(pks):
        text = _(
            "This fault is also about connections that you may not change, and a snooze counts for "
            "everybody. Ask an administrator of all teams."
        )
        raise PermissionDenied(text)

"""The faults as the one who looks may see them: what hits only rows of others is not there, and of
the rest only what hits their own rows is told and counted.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from connections.models import (
    AuditStream,
    Connection,
    HostApproval,
    IssuerRule,
    Profile,
    Team,
    seen,
)
from connections.services import Actor, Scope, allows, may, teams_of
from connections.viewing import current_viewer

from .hits import Hit, Hits, hits
from .kinds import GUARDED, Fault
from .radar import LostModel
from .ranking import Ranked, ranked, worst_first

# What was shown to whom last, and of which faults: their list is another one after every change.
KEPT: dict[Any, tuple[Sequence[Ranked], Sequence[Ranked]]] = {}
MOST_KEPT = 200
OF_ALL = frozenset({"endless", "idle"})  # one fault for the tokens of all teams


def seen_faults(actor: Actor) -> Sequence[Ranked]:
    """The faults that the one who looks may see, the worst first. Four queries more for whoever
    does not see everything, and none while nothing changes. Tokens and targets of notices are only
    told to those who may see them.
    """
    everything = ranked()
    if not seen("connection"):
        return [row for row in everything if _may_see(actor, row.fault)]
    viewer, token = current_viewer(), getattr(actor, "token", None)
    who = viewer and (viewer.standing().user_id, viewer.team, viewer.tags)
    key = (getattr(actor, "pk", None), token and token.pk, who)
    kept = KEPT.get(key)
    if kept is None or kept[0] is not everything:
        if len(KEPT) >= MOST_KEPT:
            KEPT.clear()
        kept = KEPT[key] = everything, _narrowed_to_viewer(everything, actor)
    return kept[1]


def _narrowed_to_viewer(everything: Sequence[Ranked], actor: Actor) -> Sequence[Ranked]:
    """What is left of all faults for the one who looks."""
    mine = {*Connection.objects.order_by().values_list("pk", flat=True)}
    profiles = {*Profile.objects.order_by().values_list("pk", flat=True)}
    faults = [
        fault
        for row in everything
        for fault in [_narrowed(row.fault, mine, profiles)]
        if fault is not None and fault.kind not in OF_ALL and _may_see(actor, fault)
    ]
    known = hits(pk for one in faults if one.kind != "unused" for pk in one.connection_ids)
    return sorted((Ranked(one, _hit(one, known)) for one in faults), key=worst_first)


def _hit(fault: Fault, known: Hits) -> Hit:
    if fault.kind in ("token", "limit"):
        return Hit(known.of_token.get(fault.subject.pk, 0))
    return known.of(fault.connection_ids, fault.models)


def _narrowed(fault: Fault, mine: set[UUID], profiles: set[UUID]) -> Fault | None:
    """The fault as it hits these connections and profiles, None where it hits none of them."""
    if isinstance(fault.subject, HostApproval):
        return fault if fault.subject.connection_id in mine else None
    if fault.kind in GUARDED:
        return fault
    subject: Any = fault.subject
    if isinstance(subject, LostModel):
        users = tuple(one for one in subject.users if one[0] in profiles)
        if not users:
            return None
        subject = replace(subject, users=users)
    pks = tuple(pk for pk in fault.connection_ids if pk in mine)
    return replace(fault, connection_ids=pks, subject=subject) if pks else None


def _may_see(actor: Actor, fault: Fault) -> bool:
    if fault.kind not in GUARDED or actor is None:
        return True
    if not allows(getattr(actor, "token", None), Scope.ADMIN):
        return False
    if isinstance(fault.subject, Team):
        return teams_of(actor).filter(pk=fault.subject.pk).exists()
    if isinstance(fault.subject, AuditStream):
        return may(actor, "connections.view_auditevent", fault.subject)
    row = fault.subject.issuer if isinstance(fault.subject, IssuerRule) else fault.subject
    return may(actor, f"{row._meta.app_label}.view_{row._meta.model_name}", row)

"""Approvals of hosts for the secrets behind references: asked for by a save or a test, given by an
administrator, by saving or by name.
"""

import uuid
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from providers.core.base import Provider
from providers.core.schema import settings_fields

from ..audit.services import Subject, act, note, record
from ..change_counter import bump_change_counter
from ..destinations import (
    Destination,
    destinations_of,
    flows_of,
    host_approvals,
    read_by_flows,
    unapproved,
    unapproved_message,
    valid_reveal_tokens,
)
from ..errors import Notice
from ..locks import retried
from ..models import Connection, HostApproval, Team
from .callers import Scope, allows
from .permissions import Actor, may, require

APPROVE = "connections.approve_host"
State = HostApproval.State


def may_approve(actor: Actor) -> bool:
    """True for administrators and for the machine's own operator. Whoever comes with a token needs
    one with the scope `admin`.
    """
    return actor is None or (
        may(actor, APPROVE) and allows(getattr(actor, "token", None), Scope.ADMIN)
    )


def settle_hosts(
    row: Connection, actor: Actor, patch: Mapping[str, Any] | None = None
) -> list[Notice]:
    """Approves the hosts of a connection that an administrator saved, asks for those of any other.

    `patch`: the settings that were changed, None for all of them. Who changes a timeout has not
    looked where the secrets go, and approves nothing. Called in the transaction of the save.
    Returns a notice while something waits.
    """
    fields = settings_fields(row.provider) if row.provider else {}
    has_looked = patch is None or any(
        fields[name].secret or fields[name].guards_secrets for name in patch if name in fields
    )
    return _settled(_wanted([row]), actor, has_looked and may_approve(actor))


def settle_all_hosts(rows: Iterable[Connection], actor: Actor) -> list[Notice]:
    """As `settle_hosts`, for several that were saved at once."""
    return _settled(_wanted(rows), actor, may_approve(actor))


def ask_for_moved_hosts(
    rows: Iterable[Connection], provider: type[Provider[Any]], actor: Actor
) -> None:
    """Asks for the hosts of connections that `provider`, a type's next version, brought up. Whoever
    installs it has looked at no connection, so nothing is approved.
    """
    _settled(_wanted(rows, provider), actor, is_approved=False)


def settle_flows(rows: Iterable[Connection], actor: Actor) -> None:
    """Approves that reveal tokens read the referenced secrets that these connections have now, for
    an administrator who made a token; asks for any other.
    """
    wanted: dict[Destination, uuid.UUID | None] = {
        one: row.pk for row in rows for one in flows_of(row)
    }
    _settled(wanted, actor, may_approve(actor))


def may_hand_to_flows(row: Connection, actor: Actor) -> bool:
    """False for a connection that a reveal token reads, for whoever is not an administrator: a
    stored secret of another connection would come to whoever has the token.
    """
    if not settings.CONNECTIONS_HOST_APPROVAL or may_approve(actor):
        return True
    return not valid_reveal_tokens().filter(connections=row).exists()


def _wanted(
    rows: Iterable[Connection], provider: type[Provider[Any]] | None = None
) -> dict[Destination, uuid.UUID | None]:
    rows = list(rows)
    wanted: dict[Destination, uuid.UUID | None] = {**read_by_flows(rows, provider)}
    for row in rows:
        for one in destinations_of(row, provider):
            wanted.setdefault(one, row.pk)
    return wanted


def ask_for_hosts(wanted: Collection[Destination], actor: Actor) -> str:
    """Asks for hosts on behalf of settings that are not saved.

    Returns the sentence that says so, empty where nothing waits or an administrator asks.
    """
    if may_approve(actor):
        return ""
    notices = _settled(dict.fromkeys(wanted), actor, is_approved=False)
    return notices[0].message if notices else ""


def _settled(
    wanted: dict[Destination, uuid.UUID | None], actor: Actor, is_approved: bool
) -> list[Notice]:
    missing = unapproved(wanted)
    if not missing:
        return []
    now = timezone.now() if is_approved else None
    rows = [
        HostApproval(
            section=one.section,
            host=one.host,
            connection_id=wanted[one],
            requested_by=actor,
            state=State.APPROVED if is_approved else State.REQUESTED,
            decided_by=actor if is_approved else None,
            date_decided=now,
        )
        for one, row in missing.items()
        if row is None or is_approved
    ]
    with transaction.atomic():
        HostApproval.objects.bulk_create(rows, ignore_conflicts=True)
        if is_approved:
            for one in missing:
                rows_of_one = HostApproval.objects.filter(section=one.section, host=one.host)
                _decide(rows_of_one.filter(Q(team=None) | Q(team=one.team)), actor)
                note(Subject("host", name=f"{one.host} ({one.section})"))
            bump_change_counter()
    if is_approved:
        return []
    return [Notice("settings", "host_not_approved", unapproved_message(unapproved(wanted)))]


def _decide(rows: QuerySet[HostApproval], actor: Actor, state: str = State.APPROVED) -> int:
    return rows.exclude(state=state).update(
        state=state, decided_by=actor, date_decided=timezone.now()
    )


def _decision(_approval: HostApproval, state: str, **_others: Any) -> str:
    return "host.approve" if state == State.APPROVED else "host.refuse"


def _subject(row: HostApproval) -> Subject:
    return Subject("host", str(row.pk), f"{row.host} ({row.section})", row.team)


@retried
@act(_decision)
def decide_host(
    approval: HostApproval, state: str, *, actor: Actor, team: Team | None
) -> HostApproval:
    """Approves or refuses a host, at once: for the connections of one team, or with None for every
    connection. `state`: of HostApproval.State. Returns the answer.

    A request, and an answer that stays what it is, is for that team from then on. Another answer
    for one team stands beside the one for all, and counts before it there.

    Raises PermissionDenied.
    """
    require(actor, APPROVE)
    with transaction.atomic():
        row = HostApproval.objects.select_for_update().get(pk=approval.pk)
        if row.team_id != (team and team.pk):
            row = _row_for(row, State(state), team)
        if _decide(HostApproval.objects.filter(pk=row.pk), actor, State(state)):
            record(_subject(row), actor=actor)
        bump_change_counter()
    return host_approvals().get(pk=row.pk)


def _row_for(row: HostApproval, state: str, team: Team | None) -> HostApproval:
    """The row of the same host that has the answer for this team, in place of one that is there."""
    there = HostApproval.objects.filter(section=row.section, host=row.host, team=team)
    if row.state in (State.REQUESTED, state):
        there.delete()
        row.team = team
        row.save(update_fields=["team"])
        return row
    asked = {"connection_id": row.connection_id, "requested_by_id": row.requested_by_id}
    return there.first() or HostApproval.objects.create(
        section=row.section, host=row.host, team=team, **asked
    )


def ask_for_hosts_of(rows: Iterable[Connection], actor: Actor) -> list[Notice]:
    """Asks for the hosts of connections that were moved to another team, or restored. Whoever does
    so has not looked where their secrets go, so nothing is approved. Returns a notice while
    something waits.
    """
    return _settled(_wanted(rows), actor, is_approved=False)


def hand_hosts_over(team: Team, heir: Team | None) -> None:
    """Gives the answers for a team to its heir, which keeps one of its own. With None they are not
    for all: what was approved for the team alone is asked for again.
    """
    for row in HostApproval.objects.filter(team=team):
        there = HostApproval.objects.filter(section=row.section, host=row.host, team=heir)
        if there.exists():
            row.delete()
            continue
        if heir is None:
            row.state, row.decided_by, row.date_decided = State.REQUESTED, None, None
        row.team = heir
        row.save(update_fields=["team", "state", "decided_by", "date_decided"])


@retried
@act("host.delete")
def forget_host(approval: HostApproval, *, actor: Actor) -> None:
    """Takes an approval, a refusal or a request away: the next save or test asks again.

    Raises PermissionDenied.
    """
    require(actor, APPROVE)
    with transaction.atomic():
        if HostApproval.objects.filter(pk=approval.pk).delete()[0]:
            record(_subject(approval), actor=actor)
        bump_change_counter()

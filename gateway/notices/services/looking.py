"""Looks at the faults, and writes down what changed since the last look: each change once, whatever
the number of processes that look.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Count, F, Max, Q

from connections.change_counter import read_change_counter
from connections.health.services import with_health
from connections.locks import hold, retried
from connections.models import (
    Connection,
    ConnectionCheck,
    ConnectionTraffic,
    HostApproval,
)
from connections.section_teams import Resolve, remembering

from ...attention.faults import faults
from ...attention.kinds import Fault
from ...attention.services import snoozes
from ...attention.telling import told
from ...models import Notice, NoticeLook, NoticeState, NoticeTarget
from .outbox import put
from .owners import parts_of, written
from .rules import FLAPS, WARNING
from .states import FLAPPED, Change, is_forgettable, step

LOOK = 1  # the row
WHOLE_EVERY = 60.0  # seconds between two whole looks where nothing seems to have changed
NAMED = 5  # connections behind a fault that a notice names
LONGEST_KEY = 600  # characters
MOST_ITEMS = 1000  # faults in one notice
STATE_COLUMNS = [
    *("kind", "seen", "seen_clock", "told", "told_clocks", "changes", "is_quiet", "item"),
]


@retried
def look(clock: float) -> int:
    """Tells what changed, and returns the number of new notices. Without news it takes a few
    queries.
    """
    last, _ = NoticeLook.objects.get_or_create(pk=LOOK)
    stamp = _stamp()
    is_late = not 0 <= clock - last.clock < WHOLE_EVERY
    if stamp == last.stamp and not is_late and not _waiting().exists():
        return 0
    rows = {row.fault: row for row in NoticeState.objects.all()}
    before = {key: _columns(row) for key, row in rows.items()}
    changes = _steps(rows, clock)
    with transaction.atomic():
        held = hold(NoticeLook.objects.all(), [LOOK])[LOOK]
        if held.number != last.number:
            return 0  # another process has looked since
        held.number, held.stamp, held.clock = held.number + 1, stamp, clock
        held.save()
        _save(rows.values(), before, clock)
        notices = _notices(changes)
        put(notices, NoticeTarget.objects.filter(is_active=True).defer("credentials"), clock)
    return len(notices)


def _steps(rows: dict[str, NoticeState], clock: float) -> list[tuple[NoticeState, Change]]:
    """Takes what is seen now into the states, new ones too, and returns what is to be told."""
    found, asleep = {one.key[:LONGEST_KEY]: one for one in faults()}, snoozes().keys()
    changes = []
    for key in [*rows, *(found.keys() - rows.keys())]:
        fault = found.get(key)
        if key not in rows and fault is not None:
            rows[key] = NoticeState(fault=key, kind=fault.kind, seen_clock=clock)
        is_snoozed = fault is not None and (fault.key, fault.was) in asleep
        if change := step(rows[key], fault, clock, is_snoozed=is_snoozed):
            changes.append((rows[key], change))
    _write_items([(row, found[row.fault]) for row, _ in changes if row.fault in found])
    return changes


def _stamp() -> str:
    """Changes with whatever makes a fault come or go, but for time and sources of references."""
    failing = ConnectionTraffic.objects.filter(is_failing=True).order_by()
    traffic = failing.aggregate(Count("pk"), Max("failing_since"), Max("pk"))
    check = ConnectionCheck.objects.order_by("-pk").values_list("pk", flat=True).first()
    hosts = HostApproval.objects.filter(state=HostApproval.State.REQUESTED).count()
    targets = NoticeTarget.objects.filter(failing_since__isnull=False).count()
    parts = (read_change_counter(), *traffic.values(), check, hosts, targets)
    return " ".join(map(str, parts))[:300]


def _waiting() -> Any:
    """The faults whose change has yet to last, or has yet to be told."""
    return NoticeState.objects.filter(~Q(seen=F("told")) | Q(changes__gte=FLAPS))


def _columns(row: NoticeState) -> dict[str, Any]:
    return {name: getattr(row, name) for name in STATE_COLUMNS}


def _save(rows: Iterable[NoticeState], before: Mapping[str, Any], clock: float) -> None:
    """Writes the states that changed, and deletes those that nobody needs any more."""
    old = [row for row in rows if row.pk and is_forgettable(row, clock)]
    gone = {row.pk for row in old}
    NoticeState.objects.filter(pk__in=gone).delete()
    kept = [row for row in rows if row.pk not in gone or row.pk is None]
    changed = [row for row in kept if row.pk and _columns(row) != before[row.fault]]
    NoticeState.objects.bulk_update(changed, STATE_COLUMNS, batch_size=200)
    NoticeState.objects.bulk_create([row for row in kept if row.pk is None], batch_size=200)


def _notices(changes: Sequence[tuple[NoticeState, Change]]) -> list[Notice]:
    """A notice for each kind of change, with all faults that changed alike and weigh as much."""
    groups: dict[tuple[str, str, str, bool], list[dict[str, Any]]] = {}
    for row, change in changes:
        item = row.item | {"changes": change.changes}
        severity = WARNING if change.event == FLAPPED else item["severity"]
        group = (change.event, change.kind, severity, item["isAhead"])
        groups.setdefault(group, []).append(item)
    made = [
        Notice(
            event=event,
            kind=kind,
            severity=severity,
            items=items[start : start + MOST_ITEMS],
            teams=written(items[start : start + MOST_ITEMS]),
        )
        for (event, kind, severity, _), items in groups.items()
        for start in range(0, len(items), MOST_ITEMS)
    ]
    for one in made:  # one by one, so that each knows its id on every database
        one.save()
    return made


def _write_items(pairs: Sequence[tuple[NoticeState, Fault]]) -> None:
    """Puts the words of faults into their states, as a whole and for each team that they hit. As
    many queries for one as for all.
    """
    columns = ("pk", "provider_id", "tags", "team")
    pks = {pk for _, fault in pairs for pk in fault.connection_ids}
    marks = Connection.objects.filter(pk__in=pks).values_list(*columns)
    known = {pk: (provider, tags, team) for pk, provider, tags, team in marks}
    teams = {pk: team for pk, (_, _, team) in known.items()}
    parts = [parts_of(fault, teams) for _, fault in pairs]
    faults = [*(fault for _, fault in pairs), *(part for one in parts for part in one.values())]
    named = {pk for fault in faults for pk in fault.connection_ids[:NAMED]}
    shown = with_health(Connection.objects.listed().filter(pk__in=named))
    words = _Words(known, {one.pk: one for one in shown})
    for (row, fault), own in zip(pairs, parts, strict=True):
        row.item = {
            "fault": row.fault,
            "severity": fault.severity,
            "isAhead": not fault.is_near,
            "since": fault.since.isoformat() if fault.since else None,
            **words.of(fault),
        }
        if own:
            row.item["owners"] = {owner: words.of(part) for owner, part in own.items()}


@dataclass
class _Words:
    """What is needed to put faults into words. `known`: of each connection its provider, tags and
    team; `rows`: the connections that are named.
    """

    known: Mapping[UUID, tuple[str, list[str], UUID | None]]
    rows: Mapping[UUID, Connection]
    resolve: Resolve = field(default_factory=remembering)

    def of(self, fault: Fault) -> dict[str, Any]:
        """The part of an item that differs between those whom the fault hits."""
        behind = [self.rows[pk] for pk in fault.connection_ids[:NAMED] if pk in self.rows]
        known = [self.known[pk] for pk in fault.connection_ids if pk in self.known]
        said = told(fault, behind, self.resolve)
        return {
            "title": said.title[:255],
            "cause": said.cause[:500],
            "address": said.address,
            "connectionCount": len(fault.connection_ids),
            "connections": [
                {"id": str(one.pk), "alias": one.alias, "name": one.name} for one in behind
            ],
            "providers": sorted({provider for provider, _, _ in known}),
            "tags": sorted({tag for _, tags, _ in known for tag in tags}),
        }

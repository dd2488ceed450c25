"""The faults of one page as people read them: what, why, since when, who is hit, and the cure."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from connections.api.codes import error_codes
from connections.dependent_profiles import all_stood_in_for
from connections.health.services import with_health
from connections.list_columns import A_TO_Z, NEWEST, Column
from connections.models import Connection, seen
from connections.section_teams import remembering
from connections.services import Actor, may
from connections.texts import sort_key

from .cures import (
    Cure,
    approve,
    choose_model,
    edit,
    enter_key,
    open_connections,
    open_hosts,
    open_notice_target,
    open_reference,
    open_streams,
    open_tokens,
    replace_key,
    switch_to_fallback,
    test_again,
)
from .kinds import GUIDES, KINDS, Fault, Told
from .ranking import Ranked
from .telling import days_in_words, told

COLUMNS = (
    Column("fault", _("Fault")),
    Column("kind", _("Kind"), "kind", A_TO_Z),
    Column("hit", _("Hit"), "worst", (_("worst first"), _("mildest first"))),
    Column("since", _("Since, or until"), "-since", NEWEST),
    Column("connections", _("Connections"), is_extra=True),
    Column("cures", _("What to do")),
)
LONG_AGO = datetime.min.replace(tzinfo=UTC)
NAMED = 5  # connections behind a fault that its line names
UNEDITED = ("host", "unused", "model", "replacement")  # have a cure of their own, or none
TESTED = ("failing", "resting", "degraded", "certificate", "access")


@dataclass(frozen=True)
class Line:
    """One fault. `connections`: the first behind it; `more`: the number of the others."""

    ranked: Ranked
    told: Told
    connections: Sequence[Connection]
    more: int
    cures: Sequence[Cure]

    @property
    def label(self) -> str:
        """The text of its badge."""
        return self.told.label or str(KINDS[self.ranked.fault.kind])

    @property
    def tone(self) -> str:
        """The tone of its badge: bad, warn, or quiet."""
        return self.ranked.fault.tone

    @property
    def guide(self) -> str:
        """The address of what the documents say: of its code, else of its kind."""
        name, place = GUIDES[self.ranked.fault.kind]
        if self.told.code in error_codes():
            name, place = "errors", self.told.code
        return f"{reverse('document', args=[name])}#{place}"

    @property
    def days_left(self) -> int | None:
        """The days until the end that it is about, below 0 after it; None where it has none."""
        end = self.ranked.fault.ends_at
        return None if end is None else (end - timezone.now()).days

    @property
    def when(self) -> str:
        """The same in words, `in 5 days`; empty where it is not about an end."""
        return "" if self.days_left is None else days_in_words(self.days_left)


def allowed(cures: Iterable[Cure], actor: Actor) -> list[Cure]:
    """Those of the cures that somebody may use."""
    return [one for one in cures if may(actor, one.permission, one.on)]


def in_order(rows: Sequence[Ranked], sort: str) -> list[Ranked]:
    """Faults by `worst` (as they are ranked), `kind` or `since`; `-` before it reverses it. Any
    other order is `worst`.
    """
    is_reversed = sort.startswith("-")
    if sort.removeprefix("-") == "kind":
        return sorted(
            rows, key=lambda row: sort_key(str(KINDS[row.fault.kind])), reverse=is_reversed
        )
    if sort.removeprefix("-") == "since":
        return sorted(rows, key=lambda row: row.fault.since or LONG_AGO, reverse=is_reversed)
    return list(reversed(rows)) if sort == "-worst" else list(rows)


def lines(rows: Sequence[Ranked]) -> list[Line]:
    """The lines of one page. As many queries for one as for all."""
    faults = [row.fault for row in rows]
    pks = {pk for fault in faults for pk in fault.connection_ids[:NAMED]}
    behind_them = with_health(Connection.objects.listed().filter(pk__in=pks))
    if seen("connection"):
        behind_them = behind_them.prefetch_related("shares")  # `allowed` asks
    known = {row.pk: row for row in behind_them}
    ill = [one.connection_ids[0] for one in faults if one.kind in ("failing", "resting")]
    stood_in_for = all_stood_in_for(ill) if ill else set()
    resolve, found = remembering(), []
    for row in rows:
        behind = [known[pk] for pk in row.fault.connection_ids[:NAMED] if pk in known]
        more = max(0, len(row.fault.connection_ids) - NAMED)
        cures = list(_cures(row.fault, behind, stood_in_for))
        found.append(Line(row, told(row.fault, behind, resolve), behind, more, cures))
    return found


def _cures(fault: Fault, behind: Sequence[Connection], stood_in_for: set[UUID]) -> Iterator[Cure]:
    """What may mend it, the likeliest first."""
    alone = behind[0] if len(fault.connection_ids) == 1 and behind else None
    yield from _of_kind(fault, alone)
    if fault.kind in TESTED and behind:
        yield test_again(behind[0])
    if alone and alone.pk in stood_in_for:
        yield switch_to_fallback(alone)
    if alone and alone.provider and fault.kind not in UNEDITED:
        needs_key = fault.kind in ("encryption", "secret", "key") or " unauthorized " in fault.was
        is_stored = not fault.subject_is_reference
        yield enter_key(alone) if needs_key and is_stored else edit(alone)


def _of_kind(fault: Fault, alone: Connection | None) -> Iterator[Cure]:
    """The cure that only this kind has. `alone`: the only connection behind it."""
    if fault.kind in ("reference", "source") or fault.subject_is_reference:
        yield open_reference()
    elif fault.kind == "replacement" and alone:
        yield replace_key(alone)
    elif fault.kind == "host":
        yield approve(fault.subject.pk)
        yield open_hosts()
    elif fault.kind in ("token", "endless", "idle", "limit"):
        yield open_tokens(fault.subject)
    elif fault.kind in ("target", "stream"):
        yield open_streams() if fault.kind == "stream" else open_notice_target(fault.subject)
    elif fault.kind == "model":
        yield choose_model(fault.subject.first)
    elif fault.kind == "unused":
        yield open_connections("health=unused&status=active")
    elif fault.kind == "certificate" and alone is None:
        yield open_connections("status=active")
    elif alone is None or fault.kind == "provider":
        yield open_connections("health=setup&status=active")

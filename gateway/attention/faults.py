"""The faults there are, as few columns of few queries; one fault is one, whatever it hits."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.db.models import F
from django.utils import timezone

from connections.audit.services import stream_names
from connections.credentials import key_ids
from connections.destinations import host_approvals
from connections.health.services import (
    DEGRADED,
    FAILING,
    RESTING,
    SETUP,
    UNUSED_AFTER,
    NamedReference,
    named_references,
    secret_references,
    trouble,
    unwell,
)
from connections.models import (
    ApiToken,
    AuditStream,
    Connection,
    HostApproval,
    IssuerRule,
    Team,
)
from connections.references import Resolution, State
from connections.replacement.services import refused_replacements
from providers.core.registry import all_providers

from ..models import NoticeTarget, TokenCount
from .kinds import Fault
from .radar import radar, radar_of_few


@dataclass(frozen=True)
class _Row:
    """An active connection that is not well."""

    pk: UUID
    state: str
    provider_id: str
    credentials_key: str | None
    lacking: list[str]
    code: str | None
    failing_since: datetime | None


def faults() -> list[Fault]:
    """All of them, in no order. Decrypts nothing; as many queries for one as for ten thousand."""
    return [*faults_of_many(named_references()), *faults_of_few()]


def faults_of_few() -> list[Fault]:
    """Those of which there are never many, each with a row or a count of its own."""
    return [
        *_of_replacements(),
        *_of_hosts(),
        *_of_targets(),
        *_of_streams(),
        *_of_limits(),
        *radar_of_few(),
    ]


def faults_of_many(named: Sequence[NamedReference]) -> list[Fault]:
    """Those of which there may be as many as connections. `named`: the references of all."""
    broken = [one for one in named if one.resolution.state != State.RESOLVED]
    rows = _unwell(broken)
    setup = {row.pk: row for row in rows if row.state == SETUP}
    found = [*_of_references(broken, setup), *_of_stale(named), *_of_setup(setup.values())]
    found += _of_connections([row for row in rows if row.state != SETUP])
    return [*found, *radar(named), *_unused({row.pk for row in rows})]


def _unwell(broken: Sequence[NamedReference]) -> list[_Row]:
    columns = ("provider_id", "credentials_key", "lacking")
    check = ("last_check__code", "last_check__failing_since")
    return [_Row(pk, state, *rest) for pk, state, rest in unwell(broken, *columns, *check)]


def _of_references(broken: Sequence[NamedReference], setup: Any) -> Iterator[Fault]:
    """One fault for each reference, and one for each source that cannot be asked."""
    away: dict[str, set[UUID]] = {}
    subjects: dict[str, Resolution] = {}
    for one in broken:
        resolution, hit = one.resolution, one.connection_ids & setup.keys()
        if not hit:
            continue
        if resolution.state in (State.AWAY, State.SIGN_IN_FAILED):
            away.setdefault(resolution.source, set()).update(hit)
            subjects.setdefault(resolution.source, resolution)
            continue
        key, was = f"reference:{resolution.reference.lower()}", f"{resolution.state} {len(hit)}"
        key += " of teams" if resolution.is_of_teams else ""  # to its own teams it stands for more
        yield Fault(key, "reference", was, None, tuple(sorted(hit)), None, resolution)
    for source, hit in away.items():
        resolution = subjects[source]
        since = resolution.outage.since if resolution.outage else None
        was = str(resolution.state)
        yield Fault(f"source:{source}", "source", was, since, tuple(sorted(hit)), None, resolution)


def _of_stale(named: Sequence[NamedReference]) -> Iterator[Fault]:
    """One for each source that is away while what it said last is still used."""
    away: dict[str, list[NamedReference]] = {}
    for one in named:
        if one.resolution.state == State.RESOLVED and one.resolution.outage:
            away.setdefault(one.resolution.source, []).append(one)
    for source, references in away.items():
        pks = {pk for one in references for pk in one.connection_ids}
        active = Connection.objects.filter(pk__in=pks, is_active=True).order_by("pk")
        behind, first = tuple(active.values_list("pk", flat=True)), references[0].resolution
        since = first.outage.since if first.outage else None
        if behind:
            yield Fault(f"stale:{source}", "source", "stale", since, behind, None, first)


def _of_setup(rows: Any) -> Iterator[Fault]:
    """One for each lost key, each provider that is gone, and each connection without its secret."""
    known, keys = {provider.id for provider in all_providers()}, set(key_ids())
    groups: dict[tuple[str, str], list[UUID]] = {}
    for row in rows:
        if row.provider_id not in known:
            groups.setdefault(("provider", row.provider_id), []).append(row.pk)
        elif row.credentials_key is not None and row.credentials_key not in keys:
            groups.setdefault(("encryption", row.credentials_key), []).append(row.pk)
        elif row.lacking:
            yield Fault(f"connection:{row.pk}", "secret", "secret", None, (row.pk,))
    for (kind, name), pks in groups.items():
        yield Fault(f"{kind}:{name}", kind, f"{kind} {len(pks)}", None, tuple(pks), None, name)


def _of_connections(rows: Sequence[_Row]) -> Iterator[Fault]:
    """One for each connection; one for all that a rejected key behind one reference makes fail."""
    troubled = trouble()
    literal = {row.pk for row in rows if row.credentials_key is not None}
    shared = secret_references(row.pk for row in rows if row.pk not in literal)
    groups: dict[str, list[tuple[UUID, datetime | None]]] = {}
    for row in rows:
        calls = troubled.get(row.pk, [])
        first = min(calls, key=lambda one: (not one.is_whole, one.since), default=None)
        code = (first.code if first else row.code) or ""
        since = first.since if first else row.failing_since
        if row.state == FAILING and code == "unauthorized" and row.pk in shared:
            groups.setdefault(shared[row.pk][0], []).append((row.pk, since))
            continue
        kind = {FAILING: "failing", RESTING: "resting"}.get(row.state, "degraded")
        was = f"{kind} {code} {since if row.state == FAILING else ''}"
        models = frozenset(one.model for one in calls) if row.state == DEGRADED else None
        yield Fault(f"connection:{row.pk}", kind, was, since, (row.pk,), models)
    for reference, hit in groups.items():
        since = min((at for _, at in hit if at), default=None)
        was, pks = f"unauthorized {len(hit)} {since}", tuple(sorted(pk for pk, _ in hit))
        yield Fault(f"rejected:{reference.lower()}", "failing", was, since, pks, None, reference)


def _of_replacements() -> Iterator[Fault]:
    """One for each new key that a service refused: it went back by itself, or both are refused."""
    for row in refused_replacements():
        was = f"{row.state} {row.is_both_refused}"
        since = row.date_ended or row.date_switched
        behind = (row.connection_id,)
        yield Fault(f"replacement:{row.pk}", "replacement", was, since, behind, None, row)


def _of_hosts() -> Iterator[Fault]:
    """One for each host that waits for an administrator."""
    for row in host_approvals(HostApproval.State.REQUESTED):
        is_active = row.connection is not None and row.connection.is_active
        behind = (row.connection_id,) if is_active and row.connection_id else ()
        yield Fault(f"host:{row.pk}", "host", "host", row.date_requested, behind, None, row)


def _of_targets() -> Iterator[Fault]:
    """One for each target of notices that did not take the last one, or cannot be read."""
    keys = set(key_ids())
    for row in NoticeTarget.objects.filter(is_active=True).defer("credentials"):
        if row.credentials_key not in keys:
            yield Fault(f"target:{row.pk}", "target", "encryption", None, (), None, row)
        elif row.failing_since is not None:
            yield Fault(f"target:{row.pk}", "target", "failing", row.failing_since, (), None, row)


def _of_streams() -> Iterator[Fault]:
    """One for each target of AUDIT_STREAM that did not take events twice in a row."""
    names = stream_names()
    for row in AuditStream.objects.filter(pk__in=names, failures__gt=1) if names else ():
        yield Fault(f"stream:{row.pk}", "stream", "failing", row.failing_since, (), None, row)


def _of_limits() -> Iterator[Fault]:
    """One for each token, rule of a trusted issuer and team that has used up its tokens of today
    (UTC). What calls that run may still give back does not count.
    """
    today = timezone.now().astimezone(UTC).date().isoformat()
    counts = TokenCount.objects.filter(window=today).annotate(used=F("count") - F("reserved"))
    used = dict(counts.values_list("token_id", "used"))
    if not used:
        return
    kinds: tuple[Any, ...] = (
        ApiToken.every.filter(revoked_at=None).select_related("user"),
        IssuerRule.objects.filter(is_active=True).select_related("issuer", "account"),
        Team.objects.all(),
    )
    for row in (row for rows in kinds for row in rows.filter(tokens_per_day__isnull=False)):
        if used.get(row.pk, 0) >= row.tokens_per_day:
            yield Fault(f"limit:{row.pk}", "limit", f"limit {today}", None, (), None, row)


def _unused(unwell: set[UUID]) -> Iterator[Fault]:
    """One for all connections that nobody asks for."""
    old = Connection.objects.filter(is_active=True, asked_at__lt=timezone.now() - UNUSED_AFTER)
    rows = old.order_by(F("asked_at")).values_list("pk", "asked_at")
    pks = [(pk, at) for pk, at in rows if pk not in unwell]
    if pks:
        was = f"unused {len(pks)}"
        behind = tuple(pk for pk, _ in pks)
        yield Fault("unused", "unused", was, pks[0][1], behind, None, None, is_near=False)

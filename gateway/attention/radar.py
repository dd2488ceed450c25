"""What will break, by the ends that are known: keys, certificates, OAuth2 access, models, tokens,
and what references need.

As many queries for one connection as for ten thousand.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import Coalesce
from django.utils import timezone

from connections import conf, services
from connections.health.services import NamedReference
from connections.models import (
    AccessToken,
    ApiToken,
    Connection,
    Outlook,
    Profile,
    RevealToken,
    works_now,
)
from connections.outlooks import MISSED
from connections.provenance import lost_at_a_restart
from providers.core.ends import KeyEnd, end_of

from .kinds import Fault, ending, horizon, step_to

SOON = timedelta(days=14)  # before its end, a token is in the list
KEY_COLUMNS = ("pk", "key_ends_at", "key_end_source")
NEAR = timedelta(days=2)  # before its end, it is among the faults of today
ENDED = timedelta(days=7)  # after its end, it still is


@dataclass(frozen=True)
class LostModel:
    """A model that profiles name and that the service does not list any more, or soon will not.

    `ends_at`: as the service says; None for one that is gone. `users`: the profiles, by their
    names.
    """

    model: str
    ends_at: datetime | None
    users: tuple[tuple[UUID, str], ...]

    @property
    def profiles(self) -> tuple[str, ...]:
        """The names of the profiles."""
        return tuple(name for _, name in self.users)

    @property
    def first(self) -> UUID:
        """The first of the profiles."""
        return self.users[0][0]


@dataclass(frozen=True)
class SourceEnd:
    """What a source of references needs, and that ends: `what` of it."""

    source: str
    what: str


def radar(named: Sequence[NamedReference]) -> Iterator[Fault]:
    """All that is near, in no order, but for `radar_of_few`. `named`: the references of all
    connections.
    """
    for part in (_of_keys, _of_certificates, _of_models):
        yield from (one for one in part() if one is not None)
    if named:
        rows = Connection.objects.filter(is_active=True).order_by()
        active = set(rows.values_list("pk", flat=True))
        yield from (one for one in _of_stores(named, active) if one is not None)
        yield from _of_restart(named, active)


def radar_of_few() -> Iterator[Fault]:
    """The near ends of which there are never many: OAuth2 access, and tokens."""
    yield from (one for one in _of_access() if one is not None)
    yield from _of_tokens()


def _of_stores(named: Sequence[NamedReference], active: set[UUID]) -> Iterator[Fault | None]:
    """One for each sign-in and each authority of a secret store that has an end."""
    for store in conf.resolver().stores:
        used = [one.connection_ids for one in named if one.resolution.source == store.name]
        behind = sorted(active & set[UUID]().union(*used))
        for what, end in store.ends.items() if behind else ():
            subject = SourceEnd(store.name, what)
            key = f"source:{store.name}:{what}"
            yield ending(key, "source", end, behind, subject=subject)


def _of_restart(named: Sequence[NamedReference], active: set[UUID]) -> Iterator[Fault]:
    """One for each reference that a restart would lose."""
    users = {one.resolution.reference: one.connection_ids for one in named}
    for lost in lost_at_a_restart(one.resolution for one in named):
        behind = tuple(sorted(users[lost.reference] & active))
        if behind:
            key = f"restart:{lost.reference.lower()}"
            yield Fault(key, "reference", "restart", None, behind, None, lost, is_near=False)


def _of_keys() -> Iterator[Fault | None]:
    """One for each key that has an end: as the vendor says it, else as a person entered it."""
    told = _current(key_ends_at__lte=horizon())
    ends = {
        pk: KeyEnd(at, source)
        for pk, at, source in told.values_list(*KEY_COLUMNS)
        if at is not None
    }
    rows = Connection.objects.filter(is_active=True, expires_at__lte=horizon().date())
    entered = dict(rows.order_by().values_list("pk", "expires_at"))
    if entered:
        known = _current(key_ends_at__isnull=False, connection__expires_at__lte=horizon().date())
        for pk in {*known.values_list("pk", flat=True)}:
            entered.pop(pk, None)  # the vendor says another day
    ends |= {pk: KeyEnd(end_of(day), "") for pk, day in entered.items() if day}
    for pk, end in ends.items():
        if end.at:
            yield ending(f"key:{pk}", "key", end.at, [pk], subject=end)


def _current(**near: Any) -> QuerySet[Outlook]:
    """What is known of active connections as they are now."""
    rows = Outlook.objects.filter(connection__is_active=True, **near)
    return rows.filter(settings_version=F("connection__settings_version")).order_by()


def _of_certificates() -> Iterator[Fault | None]:
    """One for each host, whatever the number of connections that ask it, and one for each
    certificate in the settings of a connection. Of a host counts what was seen last, since a
    certificate is replaced under way.
    """
    hosts: dict[str, list[tuple[UUID, datetime]]] = {}
    rows = _current(certificate_ends_at__lte=horizon())
    for pk, certificates, own in rows.values_list("pk", "certificates", "own_certificates"):
        for host, end in certificates.items():
            hosts.setdefault(host, []).append((pk, datetime.fromisoformat(end)))
        for name, end in own.items():
            key, at = f"certificate:{pk}:{name}", datetime.fromisoformat(end)
            yield ending(key, "certificate", at, [pk], subject=name)
    for host, seen in hosts.items():
        at, behind = max(end for _, end in seen), sorted(pk for pk, _ in seen)
        yield ending(f"certificate:{host}", "certificate", at, behind, subject=host)


def _of_access() -> Iterator[Fault | None]:
    """One for each OAuth2 access that cannot be renewed, or whose refresh token has an end."""
    failed = Q(failed_at__isnull=False) | Q(refresh_ends_at__lte=horizon())
    rows = AccessToken.objects.filter(failed, connection__is_active=True)
    for row in rows.defer("credentials").order_by():
        key, behind = f"access:{row.pk}", (row.pk,)
        if row.failed_at is not None:
            was = f"failed {row.failure} {row.failed_at}"
            yield Fault(key, "access", was, row.failed_at, behind, None, row)
        elif row.refresh_ends_at is not None:
            yield ending(key, "access", row.refresh_ends_at, behind, subject=row)


def _of_models() -> Iterator[Fault | None]:
    """One for each model of a connection that active profiles name."""
    lost = dict(_current(loses_models=True).values_list("pk", "profile_models"))
    if not lost:
        return
    behind = Connection.objects.filter(outlook__loses_models=True)
    profiles = Profile.objects.filter(is_active=True, connection__in=behind).order_by("name_key")
    named: dict[tuple[UUID, str], list[tuple[UUID, str]]] = {}
    for pk, name, connection_id, model in profiles.values_list(
        "pk", "name", "connection_id", "model"
    ):
        named.setdefault((connection_id, model), []).append((pk, name))
    for (connection_id, model), users in named.items():
        known = lost.get(connection_id, {}).get(model)
        if known:
            yield _of_model(connection_id, model, known, users)


def _of_model(
    pk: UUID, model: str, known: dict[str, Any], users: list[tuple[UUID, str]]
) -> Fault | None:
    key, hit, behind = f"model:{pk}:{model}", frozenset([model]), tuple(users)
    if known["missing"] >= MISSED:
        since = datetime.fromisoformat(known["since"])
        subject = LostModel(model, None, behind)
        return Fault(key, "model", f"missing {since}", since, (pk,), hit, subject)
    if not known["ends"]:
        return None
    end = datetime.fromisoformat(known["ends"])
    subject = LostModel(model, end, behind)
    return ending(key, "model", end, [pk], models=hit, subject=subject)


def _of_tokens() -> Iterator[Fault]:
    """Tokens whose end is near, or just over. They say when, so `since` is their end. Those that
    were renewed are left out, unless they were used later than their successor.
    """
    now = timezone.now()
    ends = {"revoked_at": None, "expires_at__gt": now - ENDED, "expires_at__lt": now + SOON}
    for model in (ApiToken, RevealToken):
        rows: Any = model.objects.filter(**ends).select_related("user")
        if model is ApiToken:
            rows = rows.exclude(Exists(_successors())).prefetch_related("successors")
        for row in rows.order_by():
            is_near, at = row.expires_at < now + NEAR, row.expires_at
            was = "ended" if at <= now else "near" if is_near else "soon"
            key, step = f"token:{row.pk}", step_to(at)
            yield Fault(key, "token", was, at, (), None, row, is_near, at, step)
    yield from _of_old_tokens()


def _successors() -> QuerySet[ApiToken]:
    """The successors of a token in the outer query that are used in its place."""
    used = Coalesce(OuterRef("last_used_at"), OuterRef("date_created"))
    later = Q(date_created__gt=used) | Q(last_used_at__gt=used)
    return ApiToken.objects.filter(later, renews=OuterRef("pk"))


def _of_old_tokens() -> Iterator[Fault]:
    """One for all tokens of the API that never end where new ones must, and one for all that nobody
    uses. The number is in `was`; the first of them is the subject.
    """
    found = {}
    if not services.may_be_endless():
        found["endless"] = ApiToken.objects.filter(works_now(), expires_at=None)
    if settings.CONNECTIONS_TOKEN_UNUSED_DAYS:
        found["idle"] = services.unused_tokens(settings.CONNECTIONS_TOKEN_UNUSED_DAYS)
    for kind, rows in found.items():
        oldest = rows.order_by("date_created", "pk").first()
        if oldest is not None:
            was = f"{kind} {rows.count()}"
            yield Fault(f"tokens:{kind}", kind, was, None, (), None, oldest, is_near=False)

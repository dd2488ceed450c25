"""What checks learn of ends: of keys, certificates and models. It is kept for each connection, and
written when it changes.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import Case, F, QuerySet, When
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from providers.core.ends import KeyEnd, end_of
from providers.core.values import Model

from .models import Connection, Outlook, Profile

LOOK_EVERY = timedelta(days=1)  # a connection that answers calls is checked that often too
MISSED = 2  # lists in a row that lack a model, which is then not listed any more
COLUMNS = (
    *("settings_version", "looked_at", "key_ends_at", "key_end_source", "certificates"),
    *("own_certificates", "certificate_ends_at", "profile_models", "loses_models"),
)


@dataclass(frozen=True)
class Learned:
    """What one check learned of ends.

    `certificates`: of the hosts that were asked; `own_certificates`: of the settings, by their
    names. `models`: all that the service lists, empty where it was not asked or failed.
    """

    is_passed: bool = False
    key_end: KeyEnd | None = None
    certificates: Mapping[str, datetime] = field(default_factory=dict)
    own_certificates: Mapping[str, datetime] = field(default_factory=dict)
    models: tuple[Model, ...] = ()


def with_key_ends(rows: QuerySet[Connection]) -> QuerySet[Connection]:
    """Connections with what `key_end` is read from, in the same query."""
    is_current = When(outlook__settings_version=F("settings_version"), then="outlook__key_ends_at")
    return rows.annotate(told_end=Case(is_current), told_end_by=F("outlook__key_end_source"))


def key_end(connection: Connection) -> KeyEnd | None:
    """The end of a connection's key: what the vendor says, else what a person entered. One query,
    none for a row of `with_key_ends`.
    """
    read = vars(connection)
    if "told_end" not in read:
        outlook = Outlook.objects.filter(pk=connection.pk).first()
        return end_of_key(connection.expires_at, connection.settings_version, outlook)
    if read["told_end"]:
        return KeyEnd(read["told_end"], read["told_end_by"])
    return end_of_key(connection.expires_at, connection.settings_version, None)


def is_lost(connection: Connection, model: str) -> bool:
    """True for a model that the service listed for a profile, and does not list any more."""
    found = Outlook.objects.filter(pk=connection.pk, loses_models=True).first()
    if found is None or found.settings_version != connection.settings_version:
        return False
    known = found.profile_models.get(model)
    return known is not None and known["missing"] >= MISSED


def end_in_words(end: KeyEnd | None) -> str:
    """`Key ends in 5 days`, `Key ends within a day`, `Key ended`, for a badge; empty where there is
    no end, or one later than every step of CONNECTIONS_RADAR_DAYS.
    """
    if end is None or end.at is None:
        return ""
    left = end.at - timezone.now()
    if left <= timedelta(0):
        return _("Key ended")
    if left > timedelta(days=max(settings.CONNECTIONS_RADAR_DAYS)):
        return ""
    days = left.days
    if not days:
        return _("Key ends within a day")
    return ngettext("Key ends in %(n)s day", "Key ends in %(n)s days", days) % {"n": days}


def end_of_key(expires_at: Any, settings_version: int, outlook: Outlook | None) -> KeyEnd | None:
    """As `key_end`, of columns that were read already."""
    if outlook and outlook.key_ends_at and outlook.settings_version == settings_version:
        return KeyEnd(outlook.key_ends_at, outlook.key_end_source)
    return KeyEnd(end_of(expires_at), "") if expires_at else None


def note_learned(outcomes: Sequence[tuple[Connection, Learned]]) -> None:
    """Keeps what checks learned. Two queries, and a third where there is something new."""
    keys = [row.pk for row, _ in outcomes]
    known = Outlook.objects.in_bulk(keys)
    named: dict[UUID, set[str]] = {}
    listing = [row.pk for row, learned in outcomes if learned.models]
    profiles = Profile.objects.filter(connection__in=listing).order_by()
    for pk, model in profiles.values_list("connection_id", "model").distinct():
        named.setdefault(pk, set()).add(model)
    changed = []
    for row, learned in outcomes:
        before = known.get(row.pk)
        after = _outlook(row, learned, before, named.get(row.pk, set()))
        if before is None or _is_new(before, after):
            changed.append(after)
    if changed:
        Outlook.objects.bulk_create(
            changed,
            update_conflicts=True,
            unique_fields=["connection"],
            update_fields=COLUMNS,
        )


def _is_new(before: Outlook, after: Outlook) -> bool:
    columns = [name for name in COLUMNS if name != "looked_at"]
    is_old = after.looked_at - before.looked_at >= LOOK_EVERY / 2
    return is_old or any(getattr(before, name) != getattr(after, name) for name in columns)


def _outlook(
    row: Connection, learned: Learned, before: Outlook | None, named: Collection[str]
) -> Outlook:
    if before and before.settings_version != row.settings_version:
        before = None
    found = Outlook(
        connection_id=row.pk, settings_version=row.settings_version, looked_at=timezone.now()
    )
    _put_key_end(found, learned, before)
    told = {host: at.isoformat() for host, at in learned.certificates.items()}
    found.certificates = {**(before.certificates if before else {}), **told}
    found.own_certificates = {name: at.isoformat() for name, at in learned.own_certificates.items()}
    ends = [*found.certificates.values(), *found.own_certificates.values()]
    found.certificate_ends_at = min(map(datetime.fromisoformat, ends), default=None)
    found.profile_models = before.profile_models if before else {}
    if learned.models:
        found.profile_models = _models(learned.models, found.profile_models, named)
    found.loses_models = any(
        one["missing"] >= MISSED or one["ends"] for one in found.profile_models.values()
    )
    return found


def _put_key_end(found: Outlook, learned: Learned, before: Outlook | None) -> None:
    """A check that failed keeps what an earlier one was told."""
    if learned.key_end and learned.key_end.at:
        found.key_ends_at, found.key_end_source = learned.key_end.at, learned.key_end.source[:200]
    elif before and not learned.is_passed:
        found.key_ends_at, found.key_end_source = before.key_ends_at, before.key_end_source


def _models(
    listed: Sequence[Model], before: Mapping[str, Any], named: Collection[str]
) -> dict[str, Any]:
    """The models of profiles that are listed, or once were. One that never was is a name that the
    service knows and does not list, such as a deployment or an alias: it says nothing.
    """
    ends = {one.id: one.ends_at for one in listed}
    now, found = timezone.now().isoformat(), {}
    for model in sorted(named):
        known = before.get(model)
        place = next((one for one in (model, f"{model}:latest") if one in ends), None)
        if place is not None:  # Ollama lists what has no tag as `:latest`
            end = ends[place]
            found[model] = {"missing": 0, "since": None, "ends": end and end.isoformat()}
        elif known is not None:
            missing, since = min(known["missing"] + 1, MISSED), known["since"] or now
            found[model] = {"missing": missing, "since": since, "ends": known["ends"]}
    return found

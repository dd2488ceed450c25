"""The kinds of faults, a fault, and how near an end is."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

# In the order in which they are shown when they hit equally many
KINDS = {
    "failing": _("Failing"),
    "replacement": _("Key went back"),
    "reference": _("Reference"),
    "source": _("Source of references"),
    "encryption": _("Cannot decrypt"),
    "provider": _("Unknown provider"),
    "secret": _("Needs its key"),
    "host": _("Asks for a host"),
    "resting": _("Resting"),
    "degraded": _("Degraded"),
    "target": _("Notices fail"),
    "stream": _("Audit stream fails"),
    "limit": _("Limit reached"),
    "key": _("Key ends"),
    "certificate": _("Certificate ends"),
    "access": _("Access ends"),
    "model": _("Model ends"),
    "token": _("Token ends"),
    "endless": _("Tokens never end"),
    "idle": _("Tokens unused"),
    "unused": _("Unused"),
}
# The document, and the heading in it, that tells of each kind where no code says more
RADAR = ("health", "the-radar")
GUIDES = {
    "failing": ("health", "what-counts"),
    "replacement": ("health", "replacing-a-key"),
    "reference": ("references", "sources"),
    "source": ("references", "while-a-store-is-used"),
    "encryption": ("errors", "undecryptable"),
    "provider": ("errors", "unknown_provider"),
    "secret": ("packages", "what-happens-to-secrets"),
    "host": ("errors", "host_not_approved"),
    "resting": ("gateway", "fallbacks-and-cool-downs"),
    "degraded": ("health", "what-counts"),
    "target": ("notices", "targets"),
    "stream": ("audit", "stream"),
    "limit": ("errors", "token_limit"),
    "key": RADAR,
    "certificate": RADAR,
    "access": RADAR,
    "model": RADAR,
    "token": ("troubleshooting", "this-token-is-unknown-expired-or-revoked"),
    "endless": ("gateway", "tokens-and-their-limits"),
    "idle": ("gateway", "tokens-and-their-limits"),
    "unused": ("health", "what-counts"),
}
TONES = {
    "failing": "bad",
    "replacement": "bad",
    "encryption": "bad",
    "provider": "bad",
    "endless": "quiet",
    "idle": "quiet",
    "unused": "quiet",
}
# only for those who may see what they are about
GUARDED = frozenset({"token", "endless", "idle", "limit", "target", "stream"})
SEVERITIES = {"bad": "critical", "warn": "warning", "quiet": "info"}


@dataclass(frozen=True)
class Fault:
    """A fault, or what will be one.

    `key` names it as long as it lasts, `was` is its state, which is another when it changes.
    `connection_ids`: active connections behind it. `models`: those that it hits, None for all of a
    connection. `subject`: what `kind` is about, beside connections. `is_near`: not of the radar.
    `ends_at`: the end that it is about; `step`: as `step_to` says of it.
    """

    key: str
    kind: str
    was: str
    since: datetime | None = None
    connection_ids: tuple[UUID, ...] = ()
    models: frozenset[str] | None = None
    subject: Any = None
    is_near: bool = True
    ends_at: datetime | None = None
    step: int | None = None

    @property
    def subject_is_reference(self) -> bool:
        """True for a key that a service refuses and that a reference stands for."""
        return self.kind == "failing" and self.subject is not None

    @property
    def tone(self) -> str:
        """How bad it is: bad, warn, or quiet. The nearer an end, the worse."""
        if self.step is None:
            return TONES.get(self.kind, "warn")
        if self.is_near:
            return "bad"
        days = settings.CONNECTIONS_RADAR_DAYS
        return "quiet" if self.step == max(days) and len(days) > 2 else "warn"

    @property
    def severity(self) -> str:
        """The same in words of the API: critical, warning, or info."""
        return SEVERITIES[self.tone]


@dataclass(frozen=True)
class Told:
    """`address`: of the page about it. `label`: empty for that of its kind. `code`: of the error
    behind it, empty for none.
    """

    title: str
    address: str
    cause: str
    label: str = ""
    code: str = ""


def ending(
    key: str,
    kind: str,
    ends_at: datetime,
    connection_ids: Iterable[UUID],
    *,
    models: frozenset[str] | None = None,
    subject: Any = None,
) -> Fault | None:
    """The fault that an end is; None while it is far. It is another one with each step that it
    comes nearer, so that a snooze is over then.
    """
    step = step_to(ends_at)
    if step is None:
        return None
    pks = tuple(connection_ids)
    is_near = step <= min(settings.CONNECTIONS_RADAR_DAYS)
    was = f"{ends_at:%Y-%m-%d} {step} {len(pks)}"
    return Fault(key, kind, was, ends_at, pks, models, subject, is_near, ends_at, step)


def step_to(ends_at: datetime) -> int | None:
    """The least of CONNECTIONS_RADAR_DAYS within which it ends; 0 after the end, None before all
    of them.
    """
    left = ends_at - timezone.now()
    if left <= timedelta(0):
        return 0
    days = sorted(settings.CONNECTIONS_RADAR_DAYS)
    return next((one for one in days if left <= timedelta(days=one)), None)


def horizon() -> datetime:
    """The time before which an end is told."""
    return timezone.now() + timedelta(days=max(settings.CONNECTIONS_RADAR_DAYS))

"""The words of notices: a headline for each, and a message of several."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext, ngettext_lazy
from django.utils.translation import gettext_lazy as _

from ...attention.kinds import KINDS
from ...models import Notice, NoticeDelivery
from .owners import owners_of, parts_for
from .senders import Message
from .states import BEGAN, RECOVERED

NAMED = 3  # faults that a headline names
LINES = 20  # of a message to people
MOST_ITEMS = 100  # faults of one notice in a webhook
LONGEST = 900  # characters of a message to people before its last line: some services take 1000
TYPE = "switchboard.notices.v1"
# How many of a kind there are
COUNTS = {
    "reference": ngettext_lazy("%(number)s reference", "%(number)s references", "number"),
    "source": ngettext_lazy("%(number)s source", "%(number)s sources", "number"),
    "host": ngettext_lazy("%(number)s host", "%(number)s hosts", "number"),
    **dict.fromkeys(
        ("target", "stream"), ngettext_lazy("%(number)s target", "%(number)s targets", "number")
    ),
    "model": ngettext_lazy("%(number)s model", "%(number)s models", "number"),
    "certificate": ngettext_lazy("%(number)s certificate", "%(number)s certificates", "number"),
    **dict.fromkeys(
        ("limit", "token"), ngettext_lazy("%(number)s token", "%(number)s tokens", "number")
    ),
    **dict.fromkeys(
        ("encryption", "provider"),
        ngettext_lazy("%(number)s group", "%(number)s groups", "number"),
    ),
}
CONNECTIONS = ngettext_lazy("%(number)s connection", "%(number)s connections", "number")
# What began, of one and of several
BEGINNINGS = {
    "failing": (_("%(names)s fails"), _("%(count)s fail: %(names)s")),
    "replacement": (
        _("%(names)s has a key that was refused"),
        _("%(count)s have keys that were refused: %(names)s"),
    ),
    "reference": (_("%(names)s has no value"), _("%(count)s have no value: %(names)s")),
    "source": (_("%(names)s does not answer"), _("%(count)s do not answer: %(names)s")),
    "encryption": (
        _("%(names)s cannot be decrypted"),
        _("%(count)s cannot be decrypted: %(names)s"),
    ),
    "provider": (
        _("%(names)s needs a provider that is not installed"),
        _("%(count)s need a provider that is not installed: %(names)s"),
    ),
    "secret": (_("%(names)s needs its key"), _("%(count)s need their keys: %(names)s")),
    "host": (_("%(names)s waits for approval"), _("%(count)s wait for approval: %(names)s")),
    "resting": (_("%(names)s rests"), _("%(count)s rest: %(names)s")),
    "degraded": (_("%(names)s is degraded"), _("%(count)s are degraded: %(names)s")),
    "target": (
        _("%(names)s does not take notices"),
        _("%(count)s do not take notices: %(names)s"),
    ),
    "stream": (
        _("%(names)s does not take the audit"),
        _("%(count)s do not take the audit: %(names)s"),
    ),
    "limit": (
        _("%(names)s has reached its limit"),
        _("%(count)s have reached their limits: %(names)s"),
    ),
    "key": (
        _("%(names)s has a key that ends soon or has ended"),
        _("%(count)s have keys that end soon or have ended: %(names)s"),
    ),
    "certificate": (
        _("%(names)s has a certificate that ends soon or has ended"),
        _("%(count)s end soon or have ended: %(names)s"),
    ),
    "access": (
        _("%(names)s has an access that ends or was not renewed"),
        _("%(count)s have accesses that end or were not renewed: %(names)s"),
    ),
    "model": (
        _("%(names)s is not listed any more or ends soon"),
        _("%(count)s are not listed any more or end soon: %(names)s"),
    ),
    "token": (
        _("%(names)s ends soon or has ended"),
        _("%(count)s end soon or have ended: %(names)s"),
    ),
    **dict.fromkeys(("endless", "idle"), (_("%(names)s"), _("%(names)s"))),
    "unused": (
        _("%(names)s can be switched off"),
        _("%(count)s can be switched off: %(names)s"),
    ),
}
# The same of what is only ahead
AHEAD = {
    "source": (
        _("%(names)s has a sign-in or an authority that ends"),
        _("%(count)s have sign-ins or authorities that end: %(names)s"),
    ),
    "reference": (
        _("%(names)s would be lost by a restart"),
        _("%(count)s would be lost by a restart: %(names)s"),
    ),
}
OVER = (_("Over: %(names)s (%(kind)s)"), _("Over for %(count)s: %(names)s (%(kind)s)"))
AGAIN = (
    _("%(names)s changed %(changes)s times (%(kind)s, and over again)"),
    _("Changed again and again for %(count)s: %(names)s (%(kind)s)"),
)
TONES = {"critical": "failure", "warning": "warning", "info": "info"}


@dataclass(frozen=True)
class Part:
    """A notice, and those of its faults that somebody is told of."""

    notice: Notice
    items: Sequence[dict[str, Any]]


def headline(kind: str, event: str, items: Sequence[dict[str, Any]]) -> str:
    """`12 connections fail: A, B, C and 9 more`, in the language that is active."""
    names, more = ", ".join(one["title"] for one in items[:NAMED]), len(items) - NAMED
    if more > 0:
        names = gettext("%(names)s and %(number)s more") % {"names": names, "number": more}
    texts = OVER if event == RECOVERED else AGAIN
    if event == BEGAN:
        is_ahead = items[0].get("isAhead", False)
        texts = AHEAD.get(kind, BEGINNINGS[kind]) if is_ahead else BEGINNINGS[kind]
    return str(texts[len(items) > 1]) % {
        "names": names,
        "count": COUNTS.get(kind, CONNECTIONS) % {"number": len(items)},
        "kind": KINDS[kind],
        "changes": items[0].get("changes"),
    }


def message_of(row: NoticeDelivery) -> Message:
    """The message of a delivery, as people and as programs read it."""
    notices = Notice.objects.in_bulk([pk for pk, _ in row.parts])
    parts = [
        Part(
            notices[pk],
            [
                part
                for place in places
                for part in parts_for(notices[pk].items[place], owners_of(row.target))
            ],
        )
        for pk, places in row.parts
        if pk in notices
    ]
    heads = [headline(one.notice.kind, one.notice.event, one.items) for one in parts]
    summary = heads[0] if len(heads) == 1 else "; ".join(heads[:NAMED])
    if len(heads) > NAMED:
        summary += f"; and {len(heads) - NAMED} more"
    data = {"summary": summary, "target": row.target.name, "notices": [*map(notice_data, parts)]}
    is_over = all(one.notice.event == RECOVERED for one in parts)
    worst = next(
        (one for one in TONES if any(one == part.notice.severity for part in parts)), "info"
    )
    return Message(
        str(row.pk),
        f"Switchboard: {summary}"[:250],
        _text(parts, heads),
        {"type": TYPE, "timestamp": timezone.now().isoformat(), "data": data},
        "success" if is_over else TONES[worst],
    )


def notice_data(part: Part) -> dict[str, Any]:
    """A notice as programs read it: docs/notices.md."""
    one = part.notice
    return {
        "id": one.pk,
        "at": one.at.isoformat(),
        "event": one.event,
        "kind": one.kind,
        "severity": one.severity,
        "headline": headline(one.kind, one.event, part.items),
        "count": len(part.items),
        "items": list(part.items[:MOST_ITEMS]),
    }


def _text(parts: Sequence[Part], heads: Sequence[str]) -> str:
    """The text for people: each headline, then the causes as far as there is room."""
    lines = []
    for part, head in zip(parts, heads, strict=True):
        lines.append(head)
        if part.notice.event == BEGAN:
            lines += [f"- {one['title']}: {one['cause']}" for one in part.items]
    kept: list[str] = []
    for line in lines[:LINES]:
        if sum(map(len, kept)) + len(line) > LONGEST:
            break
        kept.append(line)
    left = len(lines) - len(kept)
    more = [f"And {left} more: see the notices in Switchboard."] if left else []
    return "\n".join([*(kept or [lines[0][:LONGEST] if lines else ""]), *more])

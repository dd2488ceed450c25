"""The words of notices: a headline for each, and a message of several."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.utils import timezone

from ...attention.kinds import KINDS
from ...models import Notice, NoticeDelivery
from .senders import Message
from .states import BEGAN, FLAPPED, RECOVERED

NAMED = 3  # faults that a headline names
LINES = 20  # of a message to people
MOST_ITEMS = 100  # faults of one notice in a webhook
LONGEST = 900  # characters of a message to people before its last line: some services take 1000
TYPE = "switchboard.notices.v1"
NOUNS = {
    "reference": "references",
    "source": "sources",
    "host": "hosts",
    "target": "targets",
    "model": "models",
    "certificate": "certificates",
    **dict.fromkeys(("limit", "token"), "tokens"),
    **dict.fromkeys(("encryption", "provider"), "groups"),
}
# What one does, and what several do
VERBS = {
    "failing": ("fails", "fail"),
    "replacement": ("has a key that was refused", "have keys that were refused"),
    "reference": ("has no value", "have no value"),
    "source": ("does not answer", "do not answer"),
    "encryption": ("cannot be decrypted", "cannot be decrypted"),
    "provider": ("needs a provider that is not installed",) * 2,
    "secret": ("needs its key", "need their keys"),
    "host": ("waits for approval", "wait for approval"),
    "resting": ("rests", "rest"),
    "degraded": ("is degraded", "are degraded"),
    "target": ("does not take notices", "do not take notices"),
    "limit": ("has reached its limit", "have reached their limits"),
    "key": ("has a key that ends soon or has ended", "have keys that end soon or have ended"),
    "certificate": ("has a certificate that ends soon or has ended", "end soon or have ended"),
    "access": (
        "has an access that ends or was not renewed",
        "have accesses that end or were not renewed",
    ),
    "model": ("is not listed any more or ends soon", "are not listed any more or end soon"),
    "token": ("ends soon or has ended", "end soon or have ended"),
    "unused": ("can be switched off", "can be switched off"),
}
# The same of what is only ahead
AHEAD = {
    "source": ("has a sign-in or an authority that ends", "have sign-ins or authorities that end"),
    "reference": ("would be lost by a restart", "would be lost by a restart"),
}
TONES = {"critical": "failure", "warning": "warning", "info": "info"}


@dataclass(frozen=True)
class Part:
    """A notice, and those of its faults that somebody is told of."""

    notice: Notice
    items: Sequence[dict[str, Any]]


def headline(kind: str, event: str, items: Sequence[dict[str, Any]]) -> str:
    """`12 connections fail: A, B, C and 9 more`."""
    names = ", ".join(one["title"] for one in items[:NAMED])
    more = f" and {len(items) - NAMED} more" if len(items) > NAMED else ""
    noun = NOUNS.get(kind, "connections")
    if event == BEGAN:
        is_ahead = items[0].get("isAhead", False)
        one, many = AHEAD.get(kind, VERBS[kind]) if is_ahead else VERBS[kind]
        return f"{names} {one}" if len(items) == 1 else f"{len(items)} {noun} {many}: {names}{more}"
    if event == FLAPPED and len(items) == 1:
        return f"{names} changed {items[0]['changes']} times ({KINDS[kind]}, and over again)"
    what = "Over" if event == RECOVERED else "Changed again and again"
    count = "" if len(items) == 1 else f" for {len(items)} {noun}"
    return f"{what}{count}: {names}{more} ({KINDS[kind]})"


def message_of(row: NoticeDelivery) -> Message:
    """The message of a delivery, as people and as programs read it."""
    notices = Notice.objects.in_bulk([pk for pk, _ in row.parts])
    parts = [
        Part(notices[pk], [notices[pk].items[place] for place in places])
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

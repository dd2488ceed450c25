"""Filters that write a moment for people: each gives one `<time>`, with the whole moment and its
zone in its title. Every template has them, without loading them.

The zone is that of the person who looks: Django's current one.
"""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

from django import template
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

register = template.Library()
Words = Callable[[int], str]
FORMATS = {"minutes": "Y-m-d H:i", "seconds": "Y-m-d H:i:s", "time": "H:i"}
STEPS: tuple[tuple[timedelta, Words, Words], ...] = (
    (
        timedelta(days=1),
        lambda n: ngettext("%(n)s day ago", "%(n)s days ago", n),
        lambda n: ngettext("in %(n)s day", "in %(n)s days", n),
    ),
    (timedelta(hours=1), lambda _n: _("%(n)s h ago"), lambda _n: _("in %(n)s h")),
    (timedelta(minutes=1), lambda _n: _("%(n)s min ago"), lambda _n: _("in %(n)s min")),
)
LONG = timedelta(days=30)


@register.filter(expects_localtime=True)
def moment(when: datetime | None, precision: str = "minutes") -> str:
    """`2026-11-28 12:11`, to the minute or the second, or its time alone; empty for None."""
    return _element(when, date_format(when, FORMATS[precision])) if when else ""


@register.filter(expects_localtime=True)
def day(when: date | None) -> str:
    """The day of a moment, or a day: `2026-11-28`; empty for None."""
    return _element(when, date_format(when, "Y-m-d")) if when else ""


@register.filter(expects_localtime=True)
def ago(when: datetime | None) -> str:
    """`3 min ago`, `in 2 h`; the day if it is more than 30 days away; empty for None."""
    return _element(when, distance(when, timezone.now())) if when else ""


def distance(when: datetime, now: datetime) -> str:
    """How far a moment is from now, in words."""
    away = abs(now - when)
    if away > LONG:
        return date_format(when, "Y-m-d")
    for step, past, future in STEPS:
        if away >= step:
            number = away // step
            return (past if when < now else future)(number) % {"n": number}
    return _("just now") if when <= now else _("in a moment")


def _element(when: date, text: str) -> SafeString:
    if not isinstance(when, datetime):
        return format_html('<time datetime="{}">{}</time>', when.isoformat(), text)
    title = f"{when.isoformat(' ', 'seconds')[:19]} {when:%Z}"
    exact = when.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    return format_html('<time datetime="{}" title="{}">{}</time>', exact, title, text)

"""Filters and tags for templates that show usage: numbers for people, links to a filtered page,
the latest use of a profile or a connection.
"""

from typing import Any

from django import template
from django.template.context import RequestContext
from django.urls import reverse

from ..usage import records, selectors
from ..usage.totals import Share

register = template.Library()
NONE = "\N{EN DASH}"
UNITS = ((1_000_000_000, "G"), (1_000_000, "M"), (10_000, "k"))


@register.filter
def whole(number: int) -> str:
    """`12345` -> `12,345`."""
    return f"{number:,}"


@register.filter
def short(number: int) -> str:
    """`12345678` -> `12.3 M`; small numbers in full."""
    for size, unit in UNITS:
        if number >= size:
            return f"{number / (1000 if unit == 'k' else size):.1f} {unit}"
    return f"{number:,}"


@register.filter
def duration(milliseconds: float | None) -> str:
    """`812.5` -> `812 ms`, `2412` -> `2.41 s`; a dash for None."""
    if milliseconds is None:
        return NONE
    return f"{milliseconds:.0f} ms" if milliseconds < 1000 else f"{milliseconds / 1000:.2f} s"


@register.filter
def percent(part: float | None) -> str:
    """`0.9456` -> `94.6 %`; a dash for None.

    Never 100 % for less than all, and never 0 % for more than nothing.
    """
    if part is None:
        return NONE
    shown = round(part * 100, 1)
    if part not in (0, 1) and shown in (0, 100):
        return "< 0.1 %" if shown == 0 else "> 99.9 %"
    return f"{shown:g} %"


@register.simple_tag(takes_context=True)
def share_link(context: RequestContext, dimension: str, share: Share) -> str:
    """The query of this page, filtered by a share; empty where the page has no filter for it."""
    value = share.key if dimension == "token" else share.name
    if dimension not in ("profile", "connection", "token", "outcome") or not value:
        return ""
    query = context["request"].GET.copy()
    query.pop("page", None)
    query[dimension] = value
    return f"?{query.urlencode()}"


@register.simple_tag(takes_context=True)
def page_of(context: RequestContext, dimension: str, alias: str) -> str:
    """The page of a profile or a connection that is shown and still there; empty for all else."""
    addresses: dict[str, dict[str, str]] = context["addresses"]
    return addresses.get(dimension, {}).get(alias, "")


@register.inclusion_tag("elements/used.html", takes_context=True)
def used_lately(context: RequestContext, dimension: str, alias: str) -> dict[str, Any]:
    """The number of requests to a profile or a connection in 7 days; nothing for a person who may
    not see usage.
    """
    if not context["request"].user.has_perm("gateway.view_usagerecord"):
        return {}
    period = records.last(records.PERIODS["7d"])
    count = selectors.request_count(period, {dimension: alias})
    return {
        "is_shown": True,
        "count": count,
        "address": reverse("usage", query={"period": "7d", dimension: alias}),
    }

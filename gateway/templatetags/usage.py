"""Filters and tags for templates that show usage: numbers for people, links to a filtered page,
the latest use of a profile or a connection.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from django import template
from django.template.context import RequestContext
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from ..usage import records, selectors
from ..usage.asked import Asked, asked_targets
from ..usage.outcomes import in_words
from ..usage.page_filters import LIST, list_address
from ..usage.sight import without_names
from ..usage.totals import Share, quantile

register = template.Library()
NONE = "\N{EN DASH}"
LATEST = 8  # requests on the page of a row
# A dimension as a word in a sentence, and as a title
DIMENSIONS = {
    "profile": (_("profile"), _("By profile")),
    "connection": (_("connection"), _("By connection")),
    "provider": (_("provider"), _("By provider")),
    "model": (_("model"), _("By model")),
    "user": (_("user"), _("By user")),
    "token": (_("token"), _("By token")),
    "outcome": (_("outcome"), _("By outcome")),
}
UNITS = ((1_000_000_000, "G"), (1_000_000, "M"), (10_000, "k"))


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


@register.filter
def outcome_words(outcome: str) -> str:
    """`rate_limited` -> `Too many requests`."""
    return in_words(outcome)


@register.filter
def dimension_word(dimension: str) -> str:
    """The name of a dimension for people: `profile`."""
    return str(DIMENSIONS[dimension][0])


@register.filter
def by_dimension(dimension: str) -> str:
    """The title of numbers by a dimension: `By profile`."""
    return str(DIMENSIONS[dimension][1])


@register.simple_tag
def yesterday() -> str:
    """The day before today, in the zone of the page."""
    return f"{timezone.localdate() - timedelta(days=1):%Y-%m-%d}"


@register.simple_tag(takes_context=True)
def requests_link(context: RequestContext, **filters: str) -> str:
    """The requests behind a number of this page: their list, with its query and these filters
    besides.
    """
    return list_address(_query(context, filters))


@register.simple_tag(takes_context=True)
def share_link(context: RequestContext, dimension: str, share: Share, **filters: str) -> str:
    """The requests behind a share, or those of them that more filters leave; empty where nothing
    names the share.
    """
    value = _value(dimension, share)
    return requests_link(context, **{dimension: value, **filters}) if value else ""


@register.simple_tag(takes_context=True)
def narrowed_link(context: RequestContext, dimension: str, share: Share) -> str:
    """This page of a share alone; empty where nothing names the share."""
    value = _value(dimension, share)
    return f"?{_query(context, {dimension: value})}" if value else ""


def _value(dimension: str, share: Share) -> str:
    return share.key if dimension == "token" else share.name


def _query(context: RequestContext, filters: Mapping[str, str]) -> str:
    query = context["request"].GET.copy()
    query.pop("page", None)
    for name, value in filters.items():
        query[name] = value
    return query.urlencode()  # type: ignore[no-any-return]


@register.simple_tag(takes_context=True)
def page_of(context: RequestContext, dimension: str, alias: str) -> str:
    """The page of a profile or a connection that is shown and still there; empty for all else."""
    addresses: dict[str, dict[str, str]] = context["addresses"]
    return addresses.get(dimension, {}).get(alias, "")


@register.inclusion_tag("elements/used.html", takes_context=True)
def used_lately(context: RequestContext, dimension: str, value: str) -> dict[str, Any]:
    """The use of a profile, a connection (by alias) or a token (by id) in 7 days, its errors and
    its latest requests; nothing for a person who may not see usage.
    """
    if not context["request"].user.has_perm("gateway.view_usagerecord"):
        return {}
    filters, period = {dimension: value}, records.last(records.PERIODS["7d"])
    by = ["outcome"] if selectors.is_quick(filters, period, ["outcome"]) else []
    report = selectors.usage_report(period, filters, by)
    requests = reverse(LIST, query={"period": "7d", **filters})
    latest = without_names(records.records(period, filters)[: min(LATEST, report.totals.requests)])
    return {
        "is_shown": True,
        "dimension": dimension,
        "count": report.totals.requests,
        "totals": report.totals,
        "p50": quantile(report.totals.latencies, 0.5),
        "p95": quantile(report.totals.latencies, 0.95),
        "errors": [
            (one, f"{requests}&{urlencode({'outcome': one.name})}")
            for one in report.shares.get("outcome", ())
            if one.failed
        ],
        "latest": latest,
        "address": reverse("usage", query={"period": "7d", **filters}),
        "requests": requests,
    }


@register.simple_tag(takes_context=True)
def requests_by_profile(context: RequestContext, connection: str) -> dict[str, int] | None:
    """The requests of 7 days that asked a connection, by the alias of the profile that was asked;
    None for a person who may not see usage.
    """
    if not context["request"].user.has_perm("gateway.view_usagerecord"):
        return None
    period, filters = records.last(records.PERIODS["7d"]), {"connection": connection}
    shares = selectors.usage_report(period, filters, ("profile",)).shares["profile"]
    return {one.name: one.requests for one in shares}


@register.simple_tag(takes_context=True)
def attempts_by_connection(context: RequestContext, profile: str) -> dict[str, Asked] | None:
    """How often the requests of 7 days to a profile asked each connection, by alias; None for a
    person who may not see usage.
    """
    if not context["request"].user.has_perm("gateway.view_usagerecord"):
        return None
    period = records.last(records.PERIODS["7d"])
    return {one.name: one for one in asked_targets("connection", period, {"profile": profile})}


@register.filter
def of(found: Mapping[str, Any], name: str) -> Any:
    """What a tag found for this name; 0 where it found nothing."""
    return found.get(name, 0)

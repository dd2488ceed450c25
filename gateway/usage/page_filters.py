"""What the pages of usage filter by, as their addresses say it, and what their forms offer."""

from collections.abc import Iterable, Mapping
from datetime import datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode

from django.http import QueryDict
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.translation import gettext_lazy as _

from connections.models import ApiToken

from . import records
from .dimensions import CLOSED, FAILED, OK
from .outcomes import in_words
from .sight import MODELS, hidden_tokens

MOST_CHOICES = 200
FIRST_PERIOD = "24h"
PERIOD_NAMES = {"24h": _("24 hours"), "7d": _("7 days"), "30d": _("30 days")}
OUTCOMES = (OK, FAILED, CLOSED)
ATTEMPTS = {
    records.FALLBACK: _("Answered by a fallback"),
    records.SEVERAL: _("More than one"),
}
OF_TIME = ("period", "from", "to")
LIST = "request-list"  # the name of the address of the list of requests


def period_of(query: Mapping[str, str]) -> tuple[str, records.Period]:
    """The name of the period that an address asks for, empty for one by dates, and the period.

    `from` and `to` are whole days of the current time zone; without `to`, it lasts until now.
    Dates that make no sense are ignored.
    """
    first, final = _midnight(query.get("from", "")), _midnight(query.get("to", ""))
    if first is not None:
        end = timezone.now() if final is None else _midnight_after(final)
        start = max(first, end - records.DAILY_AT_MOST)
        if start < end:
            return "", records.Period(start, end)
    name = query.get("period", "")
    name = name if name in records.PERIODS else FIRST_PERIOD
    return name, records.last(records.PERIODS[name])


def _midnight(text: str) -> datetime | None:
    try:
        day = parse_date(text)
    except ValueError:
        return None
    if day is None or not 2000 <= day.year < 9000:
        return None
    return datetime.combine(day, time(), timezone.get_current_timezone())


def _midnight_after(midnight: datetime) -> datetime:
    """The end of the day, which has 23 or 25 hours where the clock changes."""
    return datetime.combine(midnight.date() + timedelta(days=1), time(), midnight.tzinfo)


def choices(filters: Mapping[str, str]) -> dict[str, Any]:
    """What a form of these filters offers, as its template names it."""
    tokens = [
        (str(pk), token)
        for pk, token in ApiToken.objects.exclude(pk__in=hidden_tokens())
        .order_by("name")
        .values_list("pk", "name")[:MOST_CHOICES]
    ]
    aliases = {
        f"{name}s": model.objects.order_by("alias").values_list("alias", flat=True)[:MOST_CHOICES]
        for name, model in MODELS.items()
    }
    return {
        "periods": PERIOD_NAMES,
        **aliases,
        "tokens": tokens,
        "is_other_token": bool(filters["token"]) and filters["token"] not in dict(tokens),
        "outcomes": {one: in_words(one) for one in OUTCOMES},
        "attempt_choices": ATTEMPTS,
        "is_other_outcome": bool(filters["outcome"]) and filters["outcome"] not in OUTCOMES,
    }


def addresses_of(names: Mapping[str, Iterable[str]]) -> dict[str, dict[str, str]]:
    """The pages of the profiles and connections of these aliases that are still there, by alias.

    `names`: the aliases of either.
    """
    return {
        dimension: {
            row.alias: row.get_absolute_url()
            for row in model.objects.filter(alias__in=names[dimension]).only("pk", "alias")
        }
        for dimension, model in MODELS.items()
    }


def list_address(query: str) -> str:
    """The address of the list of requests with what of this query it knows."""
    asked = QueryDict(query)
    known = {name: asked.get(name) for name in (*OF_TIME, *records.FILTERS, "behind")}
    kept = urlencode({name: value for name, value in known.items() if value})
    return f"{reverse(LIST)}?{kept}" if kept else reverse(LIST)

"""The list of requests: what the page of usage counts, one by one, the newest first."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from connections.list_columns import Column
from connections.lookup import parse_id
from connections.models import ApiToken
from connections.views.base import Crumb
from connections.views.lists import ListPage, PageByPlace

from ..models import UsageRecord
from .outcomes import in_words
from .page_filters import (
    ATTEMPTS,
    FIRST_PERIOD,
    OF_TIME,
    PERIOD_NAMES,
    addresses_of,
    choices,
    period_of,
)
from .paging import BadPlace, Found, find
from .records import FILTERS
from .sight import hidden_tokens, without_names

LABELS = {
    "period": _("Period"),
    "from": _("From"),
    "to": _("To, inclusive"),
    "profile": _("Profile"),
    "connection": _("Connection"),
    "token": _("Token"),
    "outcome": _("Outcome"),
    "attempts": _("Attempts"),
    "request": _("Request id"),
    "provider": _("Provider"),
    "model": _("Model"),
    "user": _("User"),
}
COLUMNS = (
    Column("at", _("Time")),
    Column("profile", _("Profile")),
    Column("answered", _("Answered by"), is_extra=True),
    Column("connection", _("Connection")),
    Column("model", _("Model")),
    Column("caller", _("Caller")),
    Column("token", _("Token"), is_extra=True),
    Column("tokens", _("Tokens in, out"), is_number=True),
    Column("cached", _("Cached tokens"), is_extra=True, is_number=True),
    Column("reasoning", _("Reasoning tokens"), is_extra=True, is_number=True),
    Column("latency", _("Latency"), is_number=True),
    Column("chunk", _("First chunk"), is_extra=True, is_number=True),
    Column("attempts", _("Attempts"), is_extra=True, is_number=True),
    Column("outcome", _("Outcome")),
    Column("request", _("Request id"), is_extra=True),
)
PAGE_SIZE = 25


class RequestListView(ListPage):
    """Requests of a period, as far as the person may see them."""

    reads_replica = True
    template_name, fragment_name = "gateway/usage/requests.html", "gateway/usage/_requests.html"
    title = _("Requests")
    section = "usage"
    permission_required = "gateway.view_usagerecord"
    refusal = _("You may not see who asked what.")
    list_name = "request"
    filters = {name: LABELS[name] for name in (*OF_TIME, *FILTERS)}
    columns = COLUMNS
    first_sort = ""

    def get_breadcrumbs(self) -> Sequence[Crumb]:
        return ((_("Usage"), reverse("usage")),)

    def asked(self) -> dict[str, str]:
        """The filters in the address, without a period or dates that it does not have."""
        given = super().asked()
        self.period_name, self.period = period_of(given)
        if self.period_name:
            name = "" if self.period_name == FIRST_PERIOD else self.period_name
            return given | {"period": name, "from": "", "to": ""}
        return given | {"period": ""}

    def rows(self, filters: dict[str, str], sort: str) -> Any:  # noqa: ARG002 it has one order
        self.asked_filters, self.is_refused = filters, False
        wanted = {name: filters[name] for name in FILTERS}
        try:
            return find(self.period, wanted, self.request.GET.get("behind", ""), PAGE_SIZE)
        except BadPlace:
            self.is_refused = True
            return Found([], "", 0)

    def paged(self, rows: Found) -> PageByPlace:
        return PageByPlace(rows.rows, rows.behind, rows.number, is_counted=rows.is_counted)

    @staticmethod
    def lines(rows: Sequence[UsageRecord], actor: Any) -> list[UsageRecord]:  # noqa: ARG004
        return without_names(rows)

    @staticmethod
    def words(name: str, value: str) -> str:
        if name == "token":
            return _token_name(value)
        if name == "outcome":
            return in_words(value)
        named = {"period": PERIOD_NAMES, "attempts": ATTEMPTS}.get(name, {})
        return str(named.get(value, value))

    def of_page(self, rows: Sequence[UsageRecord]) -> dict[str, Any]:
        aliases: dict[str, set[str]] = {
            "profile": {row.profile_alias for row in rows},
            "connection": {row.connection_alias for row in rows},
        }
        aliases["profile"] |= {row.answered_profile_alias for row in rows}
        days = settings.GATEWAY_USAGE_DAYS
        is_older = days and self.period.start < timezone.now() - timedelta(days=days)
        return {
            "there": self.address(),
            "is_refused": self.is_refused,
            "period": self.period,
            "period_name": self.period_name,
            "place": self.request.GET.urlencode(),
            "addresses": addresses_of(aliases),
            "days_kept": days if is_older else 0,
            **choices(self.asked_filters),
        }


def _token_name(value: str) -> str:
    """The name of a token that is there and may be named, else its id."""
    pk = parse_id(value)
    if pk is None or pk in hidden_tokens():
        return value
    return ApiToken.objects.filter(pk=pk).values_list("name", flat=True).first() or value

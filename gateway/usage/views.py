"""The page of usage, and the same requests as CSV."""

from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.core.paginator import Paginator
from django.db import close_old_connections, connection
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from connections.models import ApiToken
from connections.replica import read_from_same
from connections.viewing import current_viewer, viewed
from connections.views.base import Crumb, Page

from ..models import UsageRecord
from . import records, selectors
from .asked import Asked, asked_targets
from .buckets import HOUR
from .charts import attempts_bars, latency_chart, requests_chart, tokens_chart
from .course import course
from .csv_export import COLUMNS, csv_parts
from .latencies import latency_course
from .page_filters import addresses_of, choices, list_address, period_of
from .sight import MODELS, seen_records, without_names

PAGE_SIZE, SHOWN = 10, 10
MOST_READ = 20_000  # requests that are read one by one for a breakdown
FILTERS = records.FILTERS
BREAKDOWNS = ("profile", "connection", "provider", "model", "user", "token")


class UsagePage(Page):
    """Base of both pages: the period and the filters in the address."""

    section = "usage"
    reads_replica = True
    permission_required = "gateway.view_usagerecord"
    refusal = _("You may not see who asked what.")

    def filters(self) -> dict[str, str]:
        """The filters by name; an empty text filters nothing."""
        return {name: self.request.GET.get(name, "") for name in FILTERS}

    def period(self) -> tuple[str, records.Period]:
        """The name of the period, empty for one by dates, and the period."""
        return period_of(self.request.GET)


class UsageView(UsagePage):
    """Numbers, charts, shares and the latest requests of a period."""

    template_name, fragment_name = "gateway/usage/usage.html", "gateway/usage/_usage.html"
    title = _("Usage")

    def get(self, request: HttpRequest) -> HttpResponse:
        name, period = self.period()
        filters, zone = self.filters(), timezone.get_current_timezone()
        by = request.GET.get("by", "")
        by = by if by in BREAKDOWNS else BREAKDOWNS[0]
        usage = _report(period, filters, by)
        points = course(period, filters, zone=zone) if usage.totals.requests else []
        latencies = latency_course(period, filters, zone=zone) if points else []
        paginator = Paginator(records.records(period, filters), PAGE_SIZE)
        # Set, so that it is not counted: for a million rows that takes as long as all the rest.
        paginator.count = usage.totals.requests
        page = paginator.get_page(request.GET.get("page"))
        page.object_list = without_names(page.object_list)
        asked = asked_targets("connection", period, filters)[:SHOWN] if usage.shares else []
        context = {
            "usage": usage,
            "points": list(zip(points, latencies, strict=True)),
            "requests_chart": requests_chart(points),
            "tokens_chart": tokens_chart(points),
            "latency_chart": latency_chart(points, latencies),
            "is_hourly": period.step == HOUR,
            "first_chunk_ms": selectors.first_chunk_median(period, filters),
            "asked": list(zip(asked, attempts_bars(asked), strict=True)),
            "shown": SHOWN,
            "by": by,
            "breakdowns": BREAKDOWNS,
            "page": page,
            "addresses": _addresses(usage, asked, page.object_list),
            "is_unused": not usage.totals.requests
            and not seen_records(UsageRecord.objects.all()).exists(),
            **self._filter_form(name, period, filters),
        }
        return self.render_to_response(self.get_context_data(**context))

    def _filter_form(
        self, name: str, period: records.Period, filters: Mapping[str, str]
    ) -> dict[str, Any]:
        query = self.request.GET
        return {
            "period": period,
            "period_name": name,
            "filters": filters,
            "is_filtered": any(filters.values()),
            "filters_on": sum(map(bool, filters.values())),
            "dates": {"from": query.get("from", ""), "to": query.get("to", "")} if not name else {},
            "list_address": list_address(query.urlencode()),
            **choices(filters),
        }


def _report(period: records.Period, filters: Mapping[str, str], by: str) -> selectors.UsageReport:
    """The totals with the shares by outcome and by one dimension; without those for which too many
    requests would have to be read.
    """
    shares = ["outcome", by]
    if not selectors.is_quick(filters, period, shares):
        # Only these have an index: else every request of the period is read.
        indexed = {one: filters[one] for one in ("token", "user", "request")}
        if selectors.usage_report(period, indexed).totals.requests > MOST_READ:
            shares = ["outcome"] if selectors.is_quick(filters, period, ["outcome"]) else []
    return selectors.usage_report(period, filters, shares, medians=SHOWN)


def _addresses(
    usage: selectors.UsageReport, asked: Sequence[Asked], rows: Iterable[UsageRecord]
) -> dict[str, dict[str, str]]:
    """The pages of the profiles and connections that are shown and still there, by alias."""
    names = {
        dimension: {one.name for one in usage.shares.get(dimension, ())[:SHOWN]}
        for dimension in MODELS
    }
    names["connection"] |= {one.name for one in asked}
    for row in rows:
        names["connection"].add(row.connection_alias)
        names["profile"] |= {row.profile_alias, row.answered_profile_alias}
    return addresses_of(names)


class UsageRecordView(UsagePage):
    """One request with its attempts."""

    template_name = "gateway/usage/record.html"
    title = _("Request")

    def get_breadcrumbs(self) -> Sequence[Crumb]:
        there = list_address(self.request.GET.get("list", ""))
        return ((gettext("Usage"), reverse("usage")), (gettext("Requests"), there))

    def get(self, request: HttpRequest, key: UUID) -> HttpResponse:
        found = get_object_or_404(records.filtered(UsageRecord.objects.all()), key=key)
        (record,) = without_names([found])
        attempts = records.attempts_of([record])[key]
        addresses = {
            what: {
                row.pk: row.get_absolute_url()
                for row in model.objects.filter(
                    pk__in={getattr(one, f"{what}_id") for one in (record, *attempts)} - {None}
                ).only("pk")
            }
            for what, model in MODELS.items()
        }
        if request.user.has_perm("connections.view_apitoken"):
            tokens = ApiToken.objects.filter(pk__in=[record.token_id]).only("pk")
            addresses["token"] = {row.pk: row.get_absolute_url() for row in tokens}
        context = {"record": record, "attempts": attempts, "addresses": addresses}
        return self.render_to_response(self.get_context_data(**context))


class UsageExportView(UsagePage):
    """The requests of the page as CSV, however many there are."""

    def get(self, request: HttpRequest) -> StreamingHttpResponse:
        _name, period = self.period()
        rows = read_from_same(records.batches(period, self.filters(), COLUMNS))
        # made while it is sent, when nobody looks any more
        parts = viewed(current_viewer(), csv_parts(_without_connection(rows)))
        name = f"usage-{period.start:%Y-%m-%d}-{period.end:%Y-%m-%d}.csv"
        return StreamingHttpResponse(
            _iterate_in_thread(parts) if isinstance(request, ASGIRequest) else parts,
            content_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )


def _without_connection(batches: Iterator[list[list[Any]]]) -> Iterator[list[list[Any]]]:
    """The batches. No database connection is held while a slow client reads one."""
    for batch in batches:
        if not connection.in_atomic_block:
            close_old_connections()
        yield batch


async def _iterate_in_thread(parts: Iterator[str]) -> AsyncIterator[str]:
    """The parts, each made in the request's thread. Django would gather all parts of an ordinary
    iterator before it sends the first.
    """
    while (part := await sync_to_async(lambda: next(parts, None))()) is not None:
        yield part

"""Audit logs: in Umbraco.AI the log of calls, which are the usage records here."""

from collections.abc import Mapping
from datetime import UTC, datetime

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import Http404
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from connections.api.pagination import SkipTakePagination, one_of, plain_text
from connections.services import Scope

from ..models import UsageAttempt, UsageRecord
from ..usage import records
from ..usage.deletion import DELETE, clean_up, delete_record
from ..usage.sight import seen_attempts, without_names
from .audit_shapes import STATUSES, detail, item, record_with
from .base import UmbracoView

READ = (Scope.USAGE_READ.value, "gateway.view_usagerecord")
RULE = (Scope.ADMIN.value, DELETE)


class AuditLogList(UmbracoView):
    """The calls, the newest first."""

    access = {"GET": READ}

    def get(self, request: Request) -> Response:
        """A page of those that the query names. Raises ValidationError."""
        rows = records.filtered(UsageRecord.objects.filter(_wanted(request.query_params)))
        pages = SkipTakePagination()
        found = without_names(pages.paginate_queryset(rows, request))
        attempts = records.attempts_of(found)
        items = [item(one, attempts[one.key] if one.key else []) for one in found]
        return pages.get_paginated_response(items)


class AuditLogDetail(UmbracoView):
    """One call: read, delete."""

    access = {"GET": READ, "DELETE": RULE}

    def get(self, _request: Request, id: str) -> Response:
        """The call. Raises Http404."""
        record = self._record(id)
        attempts = records.attempts_of([record]).get(record.key, []) if record.key else []
        return Response(detail(record, attempts))

    def delete(self, request: Request, id: str) -> Response:
        """204, as the contract has it here. Raises Http404."""
        delete_record(self._record(id), actor=request.user)
        return Response(status=204)

    def _record(self, id: str) -> UsageRecord:
        found = records.filtered(UsageRecord.objects.filter(record_with(id))).first()
        if found is None:
            raise Http404
        return without_names([found])[0]


class AuditLogCleanup(UmbracoView):
    """Delete what is older than usage records are kept."""

    access = {"POST": RULE}

    def post(self, request: Request) -> Response:
        """The number of calls that were deleted."""
        return Response(clean_up(actor=request.user))


def _wanted(query: Mapping[str, str]) -> Q:
    """The condition of the query. An empty parameter filters nothing. Raises ValidationError."""
    given = {name: text for name in query if (text := plain_text(query, name).strip())}
    found = Q()
    if "status" in given:
        found &= STATUSES[one_of(given, "status", list(STATUSES))]
    if "userId" in given:
        found &= _of_user(given["userId"])
    if "profileId" in given:
        found &= Q(**records.named("profile", given["profileId"]))
    if "providerId" in given:
        found &= Q(provider_id=given["providerId"])
    if "entityId" in given:  # which no call here is about
        found &= Q(pk__in=())
    if "fromDate" in given:
        found &= Q(started_at__gte=_time(given, "fromDate"))
    if "toDate" in given:
        found &= Q(started_at__lte=_time(given, "toDate"))
    if "searchText" in given:
        text = given["searchText"]
        found &= Q(model__icontains=text) | Q(Exists(_failed_with(text)))
    return found


def _of_user(text: str) -> Q:
    is_id = text.isascii() and text.isdigit() and len(text) < 19
    return Q(user_id=int(text)) if is_id else Q(pk__in=())


def _failed_with(text: str) -> QuerySet[UsageAttempt]:
    attempts = UsageAttempt.objects.filter(
        record_key=OuterRef("key"),
        started_at__gte=OuterRef("started_at"),
        error__icontains=text,
    )
    return seen_attempts(attempts)


def _time(query: Mapping[str, str], name: str) -> datetime:
    """The time that a parameter says, of UTC where it has no offset. Raises ValidationError."""
    try:
        found = datetime.fromisoformat(query[name])
    except ValueError:
        found = datetime.min
    if not 1 < found.year < 9000:
        raise ValidationError({name: ["An ISO 8601 date or time, such as 2026-01-31."]}, "invalid")
    return found if found.tzinfo else found.replace(tzinfo=UTC)

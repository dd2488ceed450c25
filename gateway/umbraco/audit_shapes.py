"""Usage records as Umbraco.AI's audit logs, which are its log of calls."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Q
from rest_framework.fields import DateTimeField

from connections.lookup import parse_id

from ..models import UsageAttempt, UsageRecord
from ..usage.dimensions import CLOSED, OK
from ..usage.outcomes import in_words

NO_ID = str(UUID(int=0))  # what Umbraco.AI has where an id is missing that must be there
OLDER = 1 << 64  # ids below it are numbers of records that have no key
SUCCEEDED, CANCELLED, FAILED = "Succeeded", "Cancelled", "Failed"
STATUSES: dict[str, Q] = {
    SUCCEEDED: Q(outcome=OK),
    CANCELLED: Q(outcome=CLOSED),
    FAILED: ~Q(outcome__in=(OK, CLOSED)),
    # which no record has: it is written when its request has ended, and has no guardrail
    **dict.fromkeys(("Running", "PartialSuccess", "Blocked"), Q(pk__in=())),
}
CATEGORIES = {
    "Authentication": ("unauthorized", "forbidden", "unresolved_reference", "undecryptable"),
    "RateLimiting": ("rate_limited", "quota", "throttled"),
    "ModelNotFound": ("not_found",),
    "InvalidRequest": (
        *("bad_request", "context_too_long", "context_length_exceeded", "invalid_request"),
        *("profile_not_found", "no_default_profile", "wrong_capability", "unknown_field"),
        *("parse_error", "too_large", "override_not_allowed", "missing_variable"),
    ),
    "NetworkError": ("timeout", "refused", "dns", "tls", "blocked_address"),
    "ServerError": ("error", "bad_response", "server_stopped"),
}
CATEGORY_OF = {code: name for name, codes in CATEGORIES.items() for code in codes}


def id_of(record: UsageRecord) -> str:
    """The id of an audit log: the record's key, or its number as such an id where it has none."""
    return str(record.key or UUID(int=record.pk))


def record_with(id: str) -> Q:
    """The condition that a record has this id."""
    key = parse_id(id)
    if key is None:
        return Q(pk__in=())
    return Q(key=key) if key.int >= OLDER else Q(pk=key.int, key=None)


def status_of(record: UsageRecord) -> str:
    """How the call ended."""
    return {OK: SUCCEEDED, CLOSED: CANCELLED}.get(record.outcome, FAILED)


def item(record: UsageRecord, attempts: Sequence[UsageAttempt]) -> dict[str, Any]:
    """A call in a list."""
    return {
        "id": id_of(record),
        "startTime": _time(record.started_at),
        "durationMs": record.latency_ms,
        "status": status_of(record),
        "userId": str(record.user_id or ""),
        "userName": record.user_name or None,
        "entityId": None,
        "capability": record.capability,
        "profileId": str(record.profile_id or NO_ID),
        "profileAlias": record.profile_alias,
        "profileVersion": 0,  # which a record does not have
        "providerId": record.provider_id,
        "modelId": record.model,
        "featureType": None,
        "featureId": None,
        "featureVersion": None,
        "parentAuditLogId": None,
        "inputTokens": record.input_tokens,
        "outputTokens": record.output_tokens,
        "errorMessage": _error(record, attempts),
    }


def detail(record: UsageRecord, attempts: Sequence[UsageAttempt]) -> dict[str, Any]:
    """One call. Prompt and answer are left out, as everywhere in the API."""
    is_failed = status_of(record) == FAILED
    tokens = [one for one in (record.input_tokens, record.output_tokens) if one is not None]
    return item(record, attempts) | {
        "endTime": _time(record.started_at + timedelta(milliseconds=record.latency_ms)),
        "entityType": None,
        "errorCategory": CATEGORY_OF.get(record.outcome, "Unknown") if is_failed else None,
        "totalTokens": sum(tokens) if tokens else None,
        "promptSnapshot": None,
        "responseSnapshot": None,
        "metadata": list(_pairs(_metadata(record))),
    }


def _metadata(record: UsageRecord) -> dict[str, Any]:
    return {
        "requestId": record.request_id,
        "endpoint": record.endpoint,
        "connectionId": record.connection_id,
        "connectionAlias": record.connection_alias,
        "connectionVersion": record.connection_version,
        "answeredProfileAlias": record.answered_profile_alias,
        "tokenName": record.token_name,
        "attempts": record.attempts,
        "outcome": record.outcome,
    }


def _pairs(values: Mapping[str, Any]) -> Iterable[dict[str, str]]:
    for name, value in values.items():
        if value not in (None, ""):
            yield {"key": name, "value": str(value)}


def _error(record: UsageRecord, attempts: Sequence[UsageAttempt]) -> str | None:
    if status_of(record) != FAILED:
        return None
    told = [one.error for one in attempts if one.error]
    return told[-1] if told else in_words(record.outcome)


def _time(moment: datetime) -> Any:
    return DateTimeField().to_representation(moment)

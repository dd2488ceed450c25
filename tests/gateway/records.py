"""Usage records, as the gateway would have written them."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from gateway.models import UsageAttempt, UsageRecord

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
SUPPORT, PRODUCTION, WEBSITE = UUID(int=1), UUID(int=2), UUID(int=3)
USED: dict[str, Any] = {
    "started_at": NOON,
    "endpoint": "v1",
    "capability": "Chat",
    "profile_id": SUPPORT,
    "profile_alias": "support",
    "connection_id": PRODUCTION,
    "connection_alias": "production",
    "connection_version": 1,
    "provider_id": "openai",
    "model": "gpt-4o",
    "user_id": 7,
    "user_name": "ada",
    "token_id": WEBSITE,
    "token_name": "Website",
    "input_tokens": 10,
    "output_tokens": 5,
    "latency_ms": 100,
    "outcome": "ok",
}
NOWHERE: dict[str, Any] = {
    **dict.fromkeys(
        ("profile_id", "connection_id", "connection_version", "input_tokens", "output_tokens")
    ),
    **dict.fromkeys(("connection_alias", "provider_id", "model"), ""),
    "profile_alias": "no-such-profile",
    "outcome": "profile_not_found",
}


def used(**changes: Any) -> UsageRecord:
    """One request: a success of 100 ms at noon, with 10 tokens in and 5 out, unless the changes say
    otherwise.
    """
    return UsageRecord.objects.create(**USED | changes)


def gone_round(**changes: Any) -> UsageRecord:
    """A request that the fallback `backup` on `second` answered after `production` had failed."""
    answered = {"connection_id": UUID(int=4), "connection_alias": "second", "attempts": 2}
    names = {"answered_profile_id": UUID(int=5), "answered_profile_alias": "backup"}
    record = used(key=uuid4(), **answered, **names, **changes)
    shared = {
        "record_key": record.key,
        "started_at": record.started_at,
        "connection_version": 1,
        "provider_id": "openai",
        "model": "gpt-4o",
        "latency_ms": 50,
    }
    for position, (profile, connection, outcome) in enumerate(
        [
            ((SUPPORT, "support"), (PRODUCTION, "production"), "failed"),
            ((UUID(int=6), "off"), (UUID(int=7), "third"), "passed_over"),
            ((UUID(int=5), "backup"), (UUID(int=4), "second"), "ok"),
        ]
    ):
        UsageAttempt.objects.create(
            position=position,
            profile_id=profile[0],
            profile_alias=profile[1],
            connection_id=connection[0],
            connection_alias=connection[1],
            outcome=outcome,
            **shared,
        )
    return record

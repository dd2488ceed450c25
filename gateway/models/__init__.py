"""The rows of the gateway: usage, and notices. They have no rules."""

from .notices import Notice, NoticeDelivery, NoticeLook, NoticeSeen, NoticeState, NoticeTarget
from .usage import (
    AttemptOutcome,
    Cooldown,
    CountedUsage,
    ModelCooldown,
    TokenCount,
    UsageAttempt,
    UsageRecord,
    UsageRoute,
    UsageRouteAttempt,
    UsageTotal,
)

__all__ = [
    "AttemptOutcome",
    "Cooldown",
    "CountedUsage",
    "ModelCooldown",
    "Notice",
    "NoticeDelivery",
    "NoticeLook",
    "NoticeSeen",
    "NoticeState",
    "NoticeTarget",
    "TokenCount",
    "UsageAttempt",
    "UsageRecord",
    "UsageRoute",
    "UsageRouteAttempt",
    "UsageTotal",
]

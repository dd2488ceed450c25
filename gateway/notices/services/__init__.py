"""The door of notices: what is told, to whom, and what is on its way."""

from .jobs import declare_jobs, prune, tell
from .looking import look
from .outbox import (
    Retried,
    deliver,
    retry_waiting,
    schedule_clock,
    send_due,
    wait_for_senders,
    waiting,
)
from .owners import told_to
from .reading import MOST_COUNTED, mark_seen, notices, seen_to, unread
from .senders import Message, NotSent, send_webhook, signature
from .targets import (
    COLUMNS,
    Outcome,
    create_target,
    delete_target,
    renew_secret,
    targets,
    team_for,
    teams_for,
    test_target,
    update_target,
)
from .words import Part, headline, notice_data

__all__ = [
    "COLUMNS",
    "MOST_COUNTED",
    "Message",
    "NotSent",
    "Outcome",
    "Part",
    "Retried",
    "create_target",
    "declare_jobs",
    "delete_target",
    "deliver",
    "headline",
    "look",
    "mark_seen",
    "notice_data",
    "notices",
    "prune",
    "renew_secret",
    "retry_waiting",
    "schedule_clock",
    "seen_to",
    "send_due",
    "send_webhook",
    "signature",
    "targets",
    "team_for",
    "teams_for",
    "tell",
    "test_target",
    "told_to",
    "unread",
    "update_target",
    "wait_for_senders",
    "waiting",
]

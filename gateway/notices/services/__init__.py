"""The door of notices: what is told, to whom, and what is on its way."""

from .jobs import declare_jobs, prune, tell
from .looking import look, schedule_clock
from .outbox import deliver, send_due, wait_for_senders
from .reading import MOST_COUNTED, mark_seen, notices, seen_to, unread
from .senders import Message, NotSent, signature
from .targets import (
    COLUMNS,
    Outcome,
    create_target,
    delete_target,
    renew_secret,
    targets,
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
    "schedule_clock",
    "seen_to",
    "send_due",
    "signature",
    "targets",
    "tell",
    "test_target",
    "unread",
    "update_target",
    "wait_for_senders",
]

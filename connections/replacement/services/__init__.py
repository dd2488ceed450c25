"""The door of replacements: whatever replaces, watches or finds a key comes through here."""

from .beginning import begin_replacement, test_again
from .clock import kept_time, schedule_clock, watch_time
from .ending import forget_other
from .finding import is_untouched, news_of, replacement_of
from .fingerprints import refresh_fingerprints, same_key
from .jobs import declare_jobs
from .leaks import LONGEST, Leak, Place, can_revoke, find_key, keys_page, report_leak
from .purge import purge
from .replacing import (
    go_back,
    may_switch_anyway,
    refuse_untested,
    replace_key,
    switch_key,
)
from .slots import key_fields
from .watch import (
    are_both_refused,
    go_back_by_itself,
    is_refusal,
    note_both_refused,
    previous_connection,
    refused_replacements,
    run_replacements,
)

__all__ = [
    "LONGEST",
    "Leak",
    "Place",
    "are_both_refused",
    "begin_replacement",
    "can_revoke",
    "declare_jobs",
    "find_key",
    "forget_other",
    "go_back",
    "go_back_by_itself",
    "is_refusal",
    "is_untouched",
    "kept_time",
    "key_fields",
    "keys_page",
    "may_switch_anyway",
    "news_of",
    "note_both_refused",
    "previous_connection",
    "purge",
    "refresh_fingerprints",
    "refuse_untested",
    "refused_replacements",
    "replace_key",
    "replacement_of",
    "report_leak",
    "run_replacements",
    "same_key",
    "schedule_clock",
    "switch_key",
    "test_again",
    "watch_time",
]

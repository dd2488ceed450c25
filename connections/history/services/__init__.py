"""The door of versions: list, show, compare, name, pin and restore them; bring back what was
deleted.
"""

from .deleted import (
    Deleted,
    Revived,
    deleted_rows,
    find_deleted,
    may_restore_deleted,
    may_restore_secrets,
    restore_deleted,
    said_back,
)
from .kinds import DEFAULTS, declare_kinds
from .reading import Entry, compare, list_versions, show_version
from .restoring import Plan, Restored, mark_version, plan, restore
from .subjects import Subject, find_subject, kinds, subject_of

__all__ = [
    "DEFAULTS",
    "Deleted",
    "Entry",
    "Plan",
    "Restored",
    "Revived",
    "Subject",
    "compare",
    "declare_kinds",
    "deleted_rows",
    "find_deleted",
    "find_subject",
    "kinds",
    "list_versions",
    "mark_version",
    "may_restore_deleted",
    "may_restore_secrets",
    "plan",
    "restore",
    "restore_deleted",
    "said_back",
    "show_version",
    "subject_of",
]

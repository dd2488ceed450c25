"""The door of connection types: read, preview, install, remove, list them; bring connections up,
and have them allowed by a person.
"""

from .attempts import OpenQuestion, keep_question, open_question, take_question
from .authorization import Asked, ask_authorization, finish_authorization, is_allowed
from .entries import TypeEntry, connection_type, connection_types, rows_behind, type_users
from .hosts import hosts_of
from .install import (
    InstalledType,
    SyncedType,
    give_type,
    install_type,
    install_types,
    remove_type,
    sync_types,
)
from .preview import TypePreview, preview_type, preview_types, read_types
from .rows import Move
from .versions import declare_versions

__all__ = [
    "Asked",
    "InstalledType",
    "Move",
    "OpenQuestion",
    "SyncedType",
    "TypeEntry",
    "TypePreview",
    "ask_authorization",
    "connection_type",
    "connection_types",
    "declare_versions",
    "finish_authorization",
    "give_type",
    "hosts_of",
    "install_type",
    "install_types",
    "is_allowed",
    "keep_question",
    "open_question",
    "preview_type",
    "preview_types",
    "read_types",
    "remove_type",
    "rows_behind",
    "sync_types",
    "take_question",
    "type_users",
]

"""The door of promptflow: connections under its names, and what its flows read with a token."""

from .apply import Action, AppliedChange, applied_tag, apply_documents
from .connections import keeping_answers, needed_answers, save_promptflow
from .finding import find_promptflow, find_to_change, find_to_write
from .reveal import NotRevealed, Revealed, reveal_connection, reveal_connections
from .reveal_tokens import (
    REVEAL_SCOPE,
    create_reveal_token,
    prune_reveals,
    prune_reveals_by_settings,
    reads_of_the_last_hour,
    reveal_records,
    reveal_tokens,
    revealable,
)
from .reveal_versions import declare_versions
from .show import (
    behind_lost_keys,
    document_view,
    promptflow_file,
    promptflow_files,
    promptflow_rows,
    promptflow_view,
    promptflow_views,
)
from .values import execution_dict

__all__ = [
    "REVEAL_SCOPE",
    "Action",
    "AppliedChange",
    "NotRevealed",
    "Revealed",
    "applied_tag",
    "apply_documents",
    "behind_lost_keys",
    "create_reveal_token",
    "declare_versions",
    "document_view",
    "execution_dict",
    "find_promptflow",
    "find_to_change",
    "find_to_write",
    "keeping_answers",
    "needed_answers",
    "promptflow_file",
    "promptflow_files",
    "promptflow_rows",
    "promptflow_view",
    "promptflow_views",
    "prune_reveals",
    "prune_reveals_by_settings",
    "reads_of_the_last_hour",
    "reveal_connection",
    "reveal_connections",
    "reveal_records",
    "reveal_tokens",
    "revealable",
    "save_promptflow",
]

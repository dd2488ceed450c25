"""The versions of a row: who changed what and when, never to which secret."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ..credentials import Undecryptable
from ..models import Row

NOT_CONTENT = {"version", "date_modified", "date_created", "modified_by", "created_by", "credentials_key", "last_check", "id"}


@dataclass(frozen=True)
class Version:
    """One save: its number, when, by whom (None: the machine's operator), and one sentence per changed field."""

    number: int
    date: datetime
    user: Any
    changes: tuple[str, ...]


def versions(row: Row, limit: int = 20) -> list[Version]:
    """The newest versions, newest first."""
    records = list(row.history.select_related("history_user").order_by("-history_date", "-history_id")[: limit + 1])  # type: ignore[attr-defined]
    found = []
    for position, record in enumerate(records[:limit]):
        older = records[position + 1] if position + 1 < len(records) else None
        found.append(Version(record.version, record.history_date, record.history_user, tuple(_changes(record, older))))
    return found


def _changes(record: Any, older: Any) -> Sequence[str]:
    if older is None:
        return ["created"] if record.history_type == "+" else []
    names = [field.name for field in record.tracked_fields if field.name not in NOT_CONTENT]
    texts = [text for name in names for text in _change(name, getattr(older, name, None), getattr(record, name, None))]
    return [*texts, record.history_change_reason] if record.history_change_reason else texts


def _change(name: str, before: Any, after: Any) -> list[str]:
    if name == "credentials":
        return _credential_changes(before, after)
    if before == after:
        return []
    if name == "settings":
        return [f"{key} changed" for key in sorted({*before, *after}) if before.get(key) != after.get(key)]
    if name == "is_active":
        return ["switched on" if after else "switched off"]
    return [f"{name} changed"]


def _credential_changes(before: Any, after: Any) -> list[str]:
    """Which secrets changed, by name. One that cannot be decrypted cannot be compared: each save encrypts anew."""
    if isinstance(before, Undecryptable) or isinstance(after, Undecryptable):
        same = isinstance(before, Undecryptable) and isinstance(after, Undecryptable) and before.token == after.token
        return [] if same else ["credentials cannot be compared"]
    before, after = before or {}, after or {}
    return [f"{key} replaced" for key in sorted({*before, *after}) if before.get(key) != after.get(key)]

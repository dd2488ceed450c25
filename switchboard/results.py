"""The server's answers beside connections: the result of a test, profiles, replacements of keys."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self


@dataclass(frozen=True)
class CheckResult:
    """The result of a test.

    `message`: why it failed, None when it did not; `model_count`: None where no models were asked
    for.
    """

    success: bool
    code: str
    message: str | None
    latency_ms: int | None
    model_count: int | None
    checked_at: str | None

    def __bool__(self) -> bool:
        return self.success

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Self:
        """From a test as the API shows it."""
        return cls(
            row["success"],
            row["code"],
            row["errorMessage"],
            row["latencyMs"],
            row["modelCount"],
            row["checkedAt"],
        )


@dataclass(frozen=True)
class Profile:
    """A connection, a model and its settings, under an alias.

    `settings` and `fallback_ids` are empty in lists.
    """

    id: str
    alias: str
    name: str
    capability: str
    connection_id: str
    provider_id: str
    model: str
    is_active: bool
    tags: list[str]
    version: int
    settings: dict[str, Any] = field(default_factory=dict)
    fallback_ids: list[str] = field(default_factory=list)

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Self:
        """From a profile as the API shows it."""
        return cls(
            id=row["id"],
            alias=row["alias"],
            name=row["name"],
            capability=row["capability"],
            connection_id=row["connectionId"],
            provider_id=row["model"]["providerId"],
            model=row["model"]["modelId"],
            is_active=row["isActive"],
            tags=list(row["tags"]),
            version=row["version"],
            settings=dict(row.get("settings") or {}),
            fallback_ids=list(row.get("fallbackProfileIds") or ()),
        )


@dataclass(frozen=True)
class Replacement:
    """A replacement of a connection's key.

    `state`: open, watching, done, gone_back or given_up. `settings`: the names of those that are
    replaced. `until`: when the watch ends; after that, when the previous key is forgotten.
    """

    state: str
    settings: list[str]
    is_previous_kept: bool
    is_both_refused: bool
    is_by_itself: bool
    said: str
    until: str
    begun_by: str | None

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Self:
        """From a replacement as the API shows it."""
        return cls(
            row["state"],
            list(row["settings"]),
            row["isPreviousKept"],
            row["isBothRefused"],
            row["isByItself"],
            row["said"],
            row["until"],
            row["begunBy"],
        )

"""The server's answers about tokens and service accounts."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self


@dataclass(frozen=True)
class Token:
    """A token of the API, without its text.

    `state`: active, expired or revoked. `text`: what a new one is called with, told once; empty for
    all others, and in no repr.
    """

    id: str
    name: str
    prefix: str
    user: str
    scopes: list[str]
    profiles: list[str]
    networks: list[str]
    requests_per_minute: int | None
    tokens_per_day: int | None
    state: str
    created_at: str
    last_used_at: str | None
    expires_at: str | None
    text: str = field(default="", repr=False)

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Self:
        """From a token as the API shows it."""
        return cls(
            id=row["id"],
            name=row["name"],
            prefix=row["prefix"],
            user=row["user"],
            scopes=list(row["scopes"]),
            profiles=list(row["profiles"]),
            networks=list(row["networks"]),
            requests_per_minute=row["requestsPerMinute"],
            tokens_per_day=row["tokensPerDay"],
            state=row["state"],
            created_at=row["dateCreated"],
            last_used_at=row["lastUsedAt"],
            expires_at=row["expiresAt"],
            text=row.get("token", ""),
        )


@dataclass(frozen=True)
class ServiceAccount:
    """A user of programs, which owns tokens. `tokens`: how many of them work."""

    name: str
    user: str
    is_active: bool
    role: str | None
    contact: str
    description: str
    tokens: int

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Self:
        """From a service account as the API shows it."""
        return cls(
            row["name"],
            row["user"],
            row["isActive"],
            row["role"],
            row["contact"],
            row["description"],
            row["tokens"],
        )

"""Keys to our own API: made once, shown once, stored as a hash."""

import hmac
import secrets
import uuid
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import Any

from django.core.cache import cache
from django.core.exceptions import PermissionDenied
from django.db import OperationalError, transaction
from django.utils import timezone

from ..change_counter import bump_change_counter
from ..errors import FieldError, Invalid
from ..locks import retried
from ..lookup import all_by_id_or_alias
from ..models import ApiToken, Profile, Token, UndoStep
from .permissions import Actor, require
from .undo_steps import note_revocation

PREFIX, PREFIX_LENGTH = "sb_", 11
LONGEST_LIFE = 3650  # days
MOST = {
    "requests_per_minute": 10_000_000,
    "tokens_per_day": 2_000_000_000,
}  # an integer column holds little more
USED_EVERY = 60  # seconds between two notes of "last used"


class Scope(StrEnum):
    """The uses that a token may have, within what its user may do. `admin` is all of them."""

    CONNECTIONS_READ = "connections:read"
    CONNECTIONS_WRITE = "connections:write"
    CONNECTIONS_TEST = "connections:test"
    CONNECTIONS_DELETE = "connections:delete"
    PROFILES_READ = "profiles:read"
    PROFILES_WRITE = "profiles:write"
    GATEWAY_USE = "gateway:use"
    USAGE_READ = "usage:read"
    ADMIN = "admin"


@retried
def create_token(  # noqa: PLR0913 by name, and each is a column or a mark
    name: str,
    *,
    user: Any,
    actor: Actor,
    scopes: Sequence[str],
    profiles: Sequence[str] = (),
    expires_in_days: int | None = None,
    requests_per_minute: int | None = None,
    tokens_per_day: int | None = None,
) -> tuple[ApiToken, str]:
    """Creates a token for `user` and returns it with its text, which cannot be had again.

    `profiles`: ids or aliases, none for all.

    The two limits hold for what goes through the gateway; None is no limit. On a page people make
    tokens for themselves only. Raises Invalid, PermissionDenied.
    """
    require(actor, "connections.add_apitoken")
    if actor is not None and actor != user and not actor.is_superuser:
        raise PermissionDenied("You may make tokens for yourself only.")
    limits = {"requests_per_minute": requests_per_minute, "tokens_per_day": tokens_per_day}
    name, text = name.strip(), PREFIX + secrets.token_urlsafe(32)
    expires_at = (
        timezone.now() + timedelta(days=expires_in_days)
        if expires_in_days and 0 < expires_in_days <= LONGEST_LIFE
        else None
    )
    with transaction.atomic():
        found = all_by_id_or_alias(
            Profile.objects.select_for_update(no_key=True).order_by("pk"), profiles
        )
        unknown = set(profiles) - found.keys()
        if errors := [*_errors(name, scopes, unknown, expires_in_days), *_limit_errors(limits)]:
            raise Invalid(errors)
        values: dict[str, Any] = {"prefix": text[:PREFIX_LENGTH], "digest": _digest(text)}
        values |= {"scopes": sorted(set(scopes)), "expires_at": expires_at} | limits
        row = ApiToken.objects.create(name=name, user=user, is_limited=bool(found), **values)
        row.profiles.set(found.values())
    return row, text


def _errors(
    name: str, scopes: Sequence[str], unknown: set[str], days: int | None
) -> list[FieldError]:
    errors = []
    if not name or len(name) > 100 or "\x00" in name:
        errors.append(
            FieldError("name", "invalid", "A name of 1 to 100 characters, to tell tokens apart.")
        )
    if not scopes or set(scopes) - set(Scope):
        errors.append(
            FieldError("scopes", "invalid", f"Choose at least one of {', '.join(Scope)}.")
        )
    if unknown:
        errors.append(
            FieldError(
                "profiles", "not_found", f"There is no profile {', '.join(sorted(unknown))}."
            )
        )
    if days is not None and not 0 < days <= LONGEST_LIFE:
        errors.append(
            FieldError(
                "expires_in_days", "invalid", f"1 to {LONGEST_LIFE} days, or nothing for no end."
            )
        )
    return errors


def _limit_errors(limits: dict[str, int | None]) -> list[FieldError]:
    wrong = {
        name: MOST[name]
        for name, value in limits.items()
        if value is not None and not 0 < value <= MOST[name]
    }
    return [
        FieldError(name, "invalid", f"1 to {most:,}, or nothing for no limit.")
        for name, most in wrong.items()
    ]


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def authenticate_token(text: str) -> ApiToken | None:
    """The active token with this text and its active user, else None. One query."""
    row = (
        ApiToken.objects.select_related("user").filter(prefix=text[:PREFIX_LENGTH]).first()
        if text.isascii() and text.isprintable()
        else None
    )
    if (
        row is None
        or not hmac.compare_digest(row.digest, _digest(text))
        or row.state != "active"
        or not row.user.is_active
    ):
        return None
    if cache.add(f"token-used:{row.pk}", 1, USED_EVERY):
        # a full disk is no reason to refuse
        with suppress(OperationalError), transaction.atomic():
            ApiToken.objects.filter(pk=row.pk).update(last_used_at=timezone.now())
    return row


@dataclass(frozen=True, slots=True)
class Caller:
    """The person or token that asks, as far as using profiles needs it.

    A signed-in person has no token: `token_id` is None and the rest of it empty.

    `profile_ids`: the profiles a token is limited to, None for all. `may_use_profiles`: what the
    user is allowed, whatever the scopes.
    """

    user_id: int
    user_name: str
    token_id: uuid.UUID | None = None
    token_name: str = ""
    prefix: str = ""
    scopes: frozenset[str] = frozenset()
    profile_ids: frozenset[uuid.UUID] | None = None
    requests_per_minute: int | None = None
    tokens_per_day: int | None = None
    expires_at: datetime | None = None
    may_use_profiles: bool = False


def find_caller(text: str) -> Caller | None:
    """The caller with this active token, None if there is none."""
    row = authenticate_token(text)
    if row is None:
        return None
    profile_ids = (
        frozenset(row.profiles.order_by().values_list("pk", flat=True)) if row.is_limited else None
    )
    return replace(
        caller_of(row.user),
        token_id=row.pk,
        token_name=row.name,
        prefix=row.prefix,
        scopes=frozenset(row.scopes),
        profile_ids=profile_ids,
        requests_per_minute=row.requests_per_minute,
        tokens_per_day=row.tokens_per_day,
        expires_at=row.expires_at,
    )


def caller_of(user: Any) -> Caller:
    """A person who is signed in, without a token."""
    return Caller(
        user.pk,
        user.get_username(),
        may_use_profiles=user.is_active and user.has_perm("connections.use_profile"),
    )


def allows(token: ApiToken | Caller | None, scope: str) -> bool:
    """True if a token may be used for this.

    None, or a caller without a token, is a signed-in person, whom scopes do not limit.
    """
    if token is None or (isinstance(token, Caller) and token.token_id is None):
        return True
    return scope in token.scopes or Scope.ADMIN in token.scopes


def revoke_token(token: Token, *, actor: Actor) -> UndoStep | None:
    """Ends a token of the API or of flows now; the row stays, to say that it was there. Returns the
    step by which that can be undone, None if it had ended.

    One's own of the API, or anybody's with the right to delete such tokens.
    """
    return revoke_tokens([token], actor=actor)[1]


@retried
def revoke_tokens(tokens: Sequence[Token], *, actor: Actor) -> tuple[int, UndoStep | None]:
    """As `revoke_token`, for several of one kind: one act. Returns how many ended by it too.

    Raises PermissionDenied, and ends none then.
    """
    kind, now = tokens[0]._meta.model_name, timezone.now()
    if kind != "apitoken" or actor is None or any(actor != one.user for one in tokens):
        require(actor, f"connections.delete_{kind}")
    rows: Any = type(tokens[0])._default_manager
    with transaction.atomic():
        ended = [
            one
            for one in sorted(tokens, key=lambda one: one.pk)
            if rows.filter(pk=one.pk, revoked_at__isnull=True).update(revoked_at=now)
        ]
        bump_change_counter()
        return len(ended), note_revocation(actor, ended, now)

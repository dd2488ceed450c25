"""Keys to our own API: made once, shown once, stored as a hash."""

import hmac
import secrets
from collections.abc import Sequence
from datetime import timedelta
from enum import StrEnum
from hashlib import sha256
from typing import Any

from django.core.cache import cache
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils import timezone

from ..models import ApiToken, Profile
from .errors import FieldError, Invalid
from .permissions import Actor, require
from .stamp import bump_stamp

PREFIX, PREFIX_LENGTH = "sb_", 11
LONGEST_LIFE = 3650  # days
USED_EVERY = 60  # seconds between two notes of "last used"


class Scope(StrEnum):
    """What a token may be used for, within what its user may do. `admin` is all of them."""

    CONNECTIONS_READ = "connections:read"
    CONNECTIONS_WRITE = "connections:write"
    CONNECTIONS_TEST = "connections:test"
    CONNECTIONS_DELETE = "connections:delete"
    PROFILES_READ = "profiles:read"
    PROFILES_WRITE = "profiles:write"
    GATEWAY_USE = "gateway:use"
    ADMIN = "admin"


def create_token(
    name: str, *, user: Any, actor: Actor, scopes: Sequence[str], profiles: Sequence[str] = (), expires_in_days: int | None = None
) -> tuple[ApiToken, str]:
    """Creates a token for `user` and returns it with its text, which cannot be had again. `profiles`: aliases, none for all.

    On a page people make tokens for themselves only. Raises Invalid, PermissionDenied.
    """
    require(actor, "connections.add_apitoken")
    if actor is not None and actor != user and not actor.is_superuser:
        raise PermissionDenied("You may make tokens for yourself only.")
    name, chosen = name.strip(), list(Profile.objects.filter(alias__in=profiles))
    errors = _errors(name, scopes, set(profiles) - {profile.alias for profile in chosen}, expires_in_days)
    if errors:
        raise Invalid(errors)
    text = PREFIX + secrets.token_urlsafe(32)
    expires_at = timezone.now() + timedelta(days=expires_in_days) if expires_in_days else None
    values = {"prefix": text[:PREFIX_LENGTH], "digest": _digest(text), "scopes": sorted(set(scopes)), "expires_at": expires_at}
    row = ApiToken.objects.create(name=name, user=user, **values)
    row.profiles.set(chosen)
    return row, text


def _errors(name: str, scopes: Sequence[str], unknown: set[str], days: int | None) -> list[FieldError]:
    errors = []
    if not name or len(name) > 100 or "\x00" in name:
        errors.append(FieldError("name", "invalid", "A name of 1 to 100 characters, to tell tokens apart."))
    if not scopes or set(scopes) - set(Scope):
        errors.append(FieldError("scopes", "invalid", f"Choose at least one of {', '.join(Scope)}."))
    if unknown:
        errors.append(FieldError("profiles", "not_found", f"There is no profile {', '.join(sorted(unknown))}."))
    if days is not None and not 0 < days <= LONGEST_LIFE:
        errors.append(FieldError("expires_in_days", "invalid", f"1 to {LONGEST_LIFE} days, or nothing for no end."))
    return errors


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def authenticate_token(text: str) -> ApiToken | None:
    """The active token with this text and its active user, else None. One query."""
    row = (
        ApiToken.objects.select_related("user").filter(prefix=text[:PREFIX_LENGTH]).first()
        if text.isascii() and text.isprintable()
        else None
    )
    if row is None or not hmac.compare_digest(row.digest, _digest(text)) or row.state != "active" or not row.user.is_active:
        return None
    if cache.add(f"token-used:{row.pk}", 1, USED_EVERY):
        ApiToken.objects.filter(pk=row.pk).update(last_used_at=timezone.now())
    return row


def allows(token: ApiToken | None, scope: str) -> bool:
    """Whether a token (None: a signed-in person) may be used for this."""
    return token is None or scope in token.scopes or Scope.ADMIN in token.scopes


def revoke_token(token: ApiToken, *, actor: Actor) -> None:
    """Ends a token now; the row stays, to say that it was there. One's own, or anybody's with the right to delete tokens."""
    if actor is None or actor != token.user:
        require(actor, "connections.delete_apitoken")
    with transaction.atomic():
        ApiToken.objects.filter(pk=token.pk, revoked_at__isnull=True).update(revoked_at=timezone.now())
        bump_stamp()

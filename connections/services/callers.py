"""The callers of our own API and of the gateway: finding them by their tokens, and what a token
lets them do.
"""

import hmac
import logging
import uuid
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from typing import Any

from django.core.cache import cache
from django.db import DatabaseError, OperationalError, transaction
from django.utils import timezone

from ..audit.services import Outcome, Subject, origin, record, times_due
from ..client_ip import is_within
from ..lookup import parse_id
from ..models import ApiToken, FormerAlias, Profile, Team
from ..standing import standing_of
from .narrowing import USE_PROFILE, Narrowing, narrowing_of

PREFIX_LENGTH = 11
USED_EVERY = 60  # seconds between two notes of "last used"

logger = logging.getLogger(__name__)


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


def digest(text: str) -> str:
    """The hash that is stored of a token."""
    return sha256(text.encode()).hexdigest()


def authenticate_token(text: str) -> ApiToken | None:
    """The active token with this text and its active user, else None. One query."""
    row = (
        ApiToken.every.select_related("user", "team").filter(prefix=text[:PREFIX_LENGTH]).first()
        if text.isascii() and text.isprintable()
        else None
    )
    if wrong := _why_not(row, text):
        subject = Subject.of(row) if row else None
        if times := refusals_due(subject, wrong):
            note_refused_token(subject, wrong, times)
        return None
    assert row is not None  # noqa: S101 it would have been refused
    if cache.add(f"token-used:{row.pk}", 1, USED_EVERY):
        # a full disk is no reason to refuse
        with suppress(OperationalError), transaction.atomic():
            ApiToken.every.filter(pk=row.pk).update(last_used_at=timezone.now())
    return row


def _why_not(row: ApiToken | None, text: str) -> str:
    """The reason why a token is refused, in a word; empty for one that may come in."""
    if row is None:
        return "unknown"
    if not hmac.compare_digest(row.digest, digest(text)):
        return "wrong"
    if row.state != "active":
        return row.state
    return "" if row.user.is_active else "inactive_user"


def refusals_due(token: Subject | None, why: str) -> int:
    """How many refusals of a token the event tells that is due now, 0 for none: there is one a
    minute in each process, for each token and reason; of unknown ones for each address. `token`:
    None for a text that is no token of ours.
    """
    where = f"token {token.id}" if token else f"address {origin().address}"
    return times_due("api_token.use", why, where)


def note_refused_token(token: Subject | None, why: str, times: int) -> None:
    """Leaves an event of a token that was refused so many times."""
    detail = {"times": times} if times > 1 else {}
    outcome, action = Outcome.REFUSED, "api_token.use"
    # a database that takes nothing is no reason for another answer
    with suppress(DatabaseError), transaction.atomic():
        record(token, actor=None, action=action, detail=detail, outcome=outcome, code=why)


@dataclass(frozen=True, slots=True)
class Caller:
    """The person or token that asks, as far as using profiles needs it.

    A signed-in person has no token: `token_id` is None and the rest of it empty.

    `profile_ids`: the profiles a token is limited to, None for all; `profile_names`: their aliases
    and former ones. `networks`: where the token may be used from, empty for anywhere.
    `may_use_profiles`: what the user is allowed, whatever the scopes; `narrowing`: with which of
    them, by teams and tags, None with all. `of_team`: the limits of the token's team, in the form
    of a caller with its id; `limited`: whose limits these are.
    """

    user_id: int
    user_name: str
    token_id: uuid.UUID | None = None
    token_name: str = ""
    prefix: str = ""
    scopes: frozenset[str] = frozenset()
    profile_ids: frozenset[uuid.UUID] | None = None
    profile_names: frozenset[str] = frozenset()
    networks: tuple[str, ...] = ()
    requests_per_minute: int | None = None
    tokens_per_day: int | None = None
    expires_at: datetime | None = None
    may_use_profiles: bool = False
    narrowing: Narrowing | None = None
    of_team: "Caller | None" = None
    limited: str = "token"

    @property
    def shown_token(self) -> str:
        """The name and the beginning of the token, as it is shown to people."""
        return f"{self.token_name} ({self.prefix}…)" if self.prefix else self.token_name

    def may_name(self, id_or_alias: str) -> bool:
        """False for a profile that the token is not for, and for one that does not exist."""
        if self.profile_ids is None:
            return True
        pk = parse_id(id_or_alias)
        return pk in self.profile_ids if pk else id_or_alias.lower() in self.profile_names


def find_caller(text: str) -> Caller | None:
    """The caller with this active token, None if there is none."""
    row = authenticate_token(text)
    if row is None:
        return None
    limits: dict[str, Any] = profiles_limit(row) if row.is_limited else {}
    person = caller_of(row.user)
    return replace(
        person,
        of_team=_limits_of(person, row.team),
        token_id=row.pk,
        token_name=row.name,
        prefix=row.prefix,
        scopes=frozenset(row.scopes),
        networks=tuple(row.networks),
        requests_per_minute=row.requests_per_minute,
        tokens_per_day=row.tokens_per_day,
        expires_at=row.expires_at,
        narrowing=narrowing_of(standing_of(row.user), row),
        **limits,
    )


def _limits_of(person: Caller, team: Team | None) -> Caller | None:
    """The limits of a team, counted under its id as those of a token are; None without any."""
    if team is None or (team.requests_per_minute is None and team.tokens_per_day is None):
        return None
    return replace(
        person,
        token_id=team.pk,
        requests_per_minute=team.requests_per_minute,
        tokens_per_day=team.tokens_per_day,
        limited="team",
    )


def profiles_limit(row: Any) -> dict[str, Any]:
    """The profiles that a token, or what stands for one, is limited to, as Caller has them."""
    every: Any = row.profiles(manager="every")  # whoever looks
    names = dict(every.order_by().values_list("pk", "alias"))
    former = FormerAlias.objects.of(Profile).filter(profile__in=names).order_by()
    aliases = [*names.values(), *former.values_list("alias", flat=True)]
    return {"profile_ids": frozenset(names), "profile_names": frozenset(aliases)}


def caller_of(user: Any) -> Caller:
    """A person who is signed in, without a token."""
    return Caller(
        user.pk,
        user.get_username(),
        may_use_profiles=user.is_active and user.has_perm(USE_PROFILE),
        narrowing=narrowing_of(standing_of(user)),
    )


def allows(token: ApiToken | Caller | None, scope: str) -> bool:
    """True if a token may be used for this.

    None, or a caller without a token, is a signed-in person, whom scopes do not limit.
    """
    if token is None or (isinstance(token, Caller) and token.token_id is None):
        return True
    return scope in token.scopes or Scope.ADMIN in token.scopes


def refused_address(token: ApiToken | Caller, address: str) -> str:
    """Why a token may not be used from this address, empty where it may. Networks are judged, and
    an address that is not known is in none.
    """
    if is_within(address, token.networks):
        return ""
    logger.warning("Token %s… refused: %s is not in its networks", token.prefix, address or "?")
    whence = f"the address {address}" if address else "an address that is not known"
    return (
        f"This token may not be used from {whence}. Whoever made it has said from which networks "
        "it may."
    )

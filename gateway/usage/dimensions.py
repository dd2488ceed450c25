"""Dimensions by which usage is counted, and what tells requests apart that are counted apart."""

from base64 import urlsafe_b64encode
from collections.abc import Sequence
from functools import lru_cache
from hashlib import blake2b
from typing import Any
from uuid import UUID

from django.db.models import F, Q

from ..models import AttemptOutcome

# The kinds of outcomes. `failed` is the kind of every code of an error.
OK, CLOSED, FAILED = "ok", "client_closed", "failed"

# dimension -> the columns that tell its values apart: a name, and an id where there is one
REQUESTS: dict[str, tuple[str, ...]] = {
    "provider": ("provider_id",),
    "model": ("model",),
    "profile": ("profile_alias", "profile_id"),
    "connection": ("connection_alias", "connection_id"),
    "user": ("user_name", "user_id"),
    "token": ("token_name", "token_id"),
    "outcome": ("outcome",),
}
# The same of what was asked.
ASKED = {name: REQUESTS[name] for name in ("connection", "provider", "model")}

ALL = "all"  # every request once; its name and key are empty
# A token with its user, of whom there are about as many: one total for the two dimensions.
CALLER = "caller"
TOTALS_OF = {name: CALLER if name in ("user", "token") else name for name in REQUESTS}
ROUTE = "route"  # the key is that of a UsageRoute
EARLIER = "earlier"  # a connection that was asked, and another was asked last
WAS_ASKED, HAD_FAILED, WAS_PASSED_OVER = ATTEMPTED = ("asked", "failed", "passed over")

UUID_TEXT = 32  # characters of a UUID in SQLite, which knows none
OTHERS = "(other texts)"  # the name of what was asked for, is no profile's and comes too late

# The profile that answered is not the one that was asked.
IS_FALLBACK = Q(answered_profile_id__isnull=False) & ~Q(answered_profile_id=F("profile_id"))
IS_SEVERAL = Q(attempts__gt=1)


def kind_of(outcome: str) -> str:
    """OK, CLOSED or FAILED."""
    return outcome if outcome in (OK, CLOSED) else FAILED


def attempted(verb: str, dimension: str) -> str:
    """The dimension that counts how often a connection, provider or model was asked, failed or was
    passed over. `verb`: one of ATTEMPTED.
    """
    return f"{verb} {dimension}"


def verbs_of(outcome: str) -> tuple[str, ...]:
    """The ATTEMPTED that an attempt with this outcome counts for."""
    if outcome == AttemptOutcome.PASSED_OVER:
        return (WAS_PASSED_OVER,)
    return (WAS_ASKED, HAD_FAILED) if outcome == AttemptOutcome.FAILED else (WAS_ASKED,)


def name_and_key(value: Sequence[Any]) -> Sequence[str]:
    """A name and an id, as totals have them; of a caller two of both."""
    if len(value) > 2:
        return *name_and_key(value[:2]), *name_and_key(value[2:])
    name, *ids = value or [""]
    if not ids or ids[0] is None:
        return name, ""
    text = str(ids[0])
    return name, str(UUID(text)) if len(text) == UUID_TEXT else text


@lru_cache(maxsize=4096)
def scope_of(what: str, name: str, key: str) -> str:
    """The scope of one value of a dimension, as the dimension of its totals begins."""
    digest = blake2b(f"{what} {name} {key}".encode(), digest_size=15).digest()
    return urlsafe_b64encode(digest).decode()


def callers_of(scope: str) -> str:
    """The dimension of the totals of this scope by caller."""
    return f"{scope} {CALLER}"

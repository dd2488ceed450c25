"""The list of tokens of the API: filtered, sorted, and what a row shows.

All rows are read at once and sorted here, so that names sort as people sort them.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db.models import prefetch_related_objects
from django.utils.translation import gettext_lazy as _

from .list_columns import A_TO_Z, CREATED, NAME, NEWEST, TEAM, USED, Column
from .list_rows import SEES_USAGE
from .listing import NO_TEAM
from .lookup import parse_id
from .models import ApiToken
from .recent_use import Use, recent_use
from .texts import name_key, sort_key

STATES = {"active": _("active"), "expired": _("expired"), "revoked": _("revoked")}
COLUMNS = (
    NAME,
    Column("whose", _("Whose"), "whose", A_TO_Z),
    Column("scopes", _("Scopes and limits")),
    TEAM,
    Column("state", _("State"), "state", (_("active first"), _("revoked first"))),
    USED,
    Column("last-used", _("Last used"), "-last-used", NEWEST),
    Column("ends", _("Ends"), "ends", (_("soonest first"), _("latest first"))),
    CREATED,
)
LONG_AGO = datetime.min.replace(tzinfo=UTC)
NEVER = datetime.max.replace(tzinfo=UTC)
SORTS: Mapping[str, Callable[[ApiToken], Any]] = {
    "name": lambda token: sort_key(token.name),
    "whose": lambda token: sort_key(str(token.user)),
    "state": lambda token: [*STATES].index(token.state),
    "last-used": lambda token: token.last_used_at or LONG_AGO,
    "ends": lambda token: token.expires_at or NEVER,
    "created": lambda token: token.date_created,
}


@dataclass(frozen=True)
class TokenLine:
    """A token, and its requests in the last days."""

    row: ApiToken
    use: Use


def listed_tokens(filters: Mapping[str, str], sort: str = "-created") -> list[ApiToken]:
    """The tokens that whoever looks may see, by `q` (words in their name, prefix or person),
    `state`, `scope` and `team` (its id, NO_TEAM for none); `-` before a sort reverses it. An
    unknown sort is that of their making.
    """
    words = name_key(filters.get("q", "")).split()
    rows = ApiToken.objects.select_related("user", "team").order_by("-date_created", "pk")
    if team := filters.get("team"):
        rows = rows.filter(team=None if team == NO_TEAM else parse_id(team))
    found = [
        one
        for one in rows
        if all(word in name_key(f"{one.name} {one.prefix} {one.user}") for word in words)
        and filters.get("state", "") in ("", one.state)
        and (not filters.get("scope") or filters["scope"] in one.scopes)
    ]
    if sort.removeprefix("-") == "used":
        key = _by_use(found)
    else:
        key = SORTS.get(sort.removeprefix("-"), SORTS["created"])
    return sorted(found, key=key, reverse=sort.startswith("-"))


def _by_use(tokens: Sequence[ApiToken]) -> Callable[[ApiToken], Any]:
    use = _use_of(tokens)
    return lambda token: use.get(token.pk, Use()).number


def _use_of(tokens: Sequence[ApiToken]) -> Mapping[Any, Use]:
    return recent_use(ApiToken, {one.pk: str(one.pk) for one in tokens})


def token_lines(tokens: Sequence[ApiToken], actor: Any) -> list[TokenLine]:
    """The rows of one page. As many queries for one as for all."""
    prefetch_related_objects(tokens, "profiles")
    use = _use_of(tokens) if actor.has_perm(SEES_USAGE) else {}
    return [TokenLine(one, use.get(one.pk, Use())) for one in tokens]

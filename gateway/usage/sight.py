"""What of usage the one who looks may see: a request belongs to whoever sees both the profile that
was asked for and the connection that answered, or was asked last.

Records outlive their rows: of a profile or a connection that is gone, the history says whose it
was. A request for what is no profile is seen by whoever made it, and by the team of its token. The
routes of requests (UsageRoute) have columns of the same names, so that the same conditions say
which totals somebody sees.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

from django.db.models import Q, QuerySet

from connections.models import ApiToken, Connection, Profile, seen
from connections.standing import teams_of_viewer
from connections.viewing import current_viewer

from ..models import UsageAttempt, UsageRecord, UsageRoute, UsageRouteAttempt

MODELS: dict[str, Any] = {"profile": Profile, "connection": Connection}
Requests = TypeVar("Requests", UsageRecord, UsageRoute)
Attempts = TypeVar("Attempts", UsageAttempt, UsageRouteAttempt)


@dataclass(frozen=True)
class Sight:
    """What somebody sees who does not see everything. `teams`: whose they are; `user_id`: who."""

    teams: frozenset[UUID]
    user_id: Any

    def records(self) -> Q:
        """The condition that a record, or a route, is seen."""
        profiles, connections = self._rows("profile"), self._rows("connection")
        own = Q(user_id=self.user_id) | Q(token_id__in=self._tokens().values("pk"))
        asked = profiles("profile_id") | (Q(profile_id=None) & own)
        answered = Q(answered_profile_id=None) | profiles("answered_profile_id")
        return asked & answered & (Q(connection_id=None) | connections("connection_id"))

    def attempts(self) -> Q:
        """The condition that an attempt is seen."""
        return self._rows("profile")("profile_id") & self._rows("connection")("connection_id")

    def hidden_tokens(self) -> set[UUID]:
        """The tokens of other teams. One query."""
        others = ApiToken.every.exclude(team=None).exclude(team__in=self.teams)
        return set(others.order_by().values_list("pk", flat=True))

    def _tokens(self) -> QuerySet[ApiToken]:
        return ApiToken.every.filter(team__in=self.teams).order_by()

    def _rows(self, kind: str) -> "_Column":
        model, past = MODELS[kind], MODELS[kind].history.filter(history_type="-")
        gone = past.exclude(id__in=model.every.order_by().values("pk")).order_by()
        whose = Q(team_id=None) | Q(team_id__in=self.teams)
        return _Column(model.objects.order_by().values("pk"), gone.filter(whose).values("id"))


@dataclass(frozen=True)
class _Column:
    """Conditions that a column names one of these rows, there or gone."""

    there: QuerySet[Any, Any]
    gone: QuerySet[Any, Any]

    def __call__(self, column: str) -> Q:
        return Q(**{f"{column}__in": self.there}) | Q(**{f"{column}__in": self.gone})


def sight() -> Sight | None:
    """What the one who looks sees of usage; None: everything."""
    viewer = current_viewer()
    if viewer is None or not seen("profile"):
        return None
    return Sight(teams_of_viewer(viewer), viewer.standing().user_id)


def seen_records(rows: QuerySet[Requests]) -> QuerySet[Requests]:
    """Those of the records, or routes, that the one who looks may see."""
    mine = sight()
    return rows.filter(mine.records()) if mine else rows


def seen_attempts(rows: QuerySet[Attempts]) -> QuerySet[Attempts]:
    """Those of the attempts that the one who looks may see."""
    mine = sight()
    return rows.filter(mine.attempts()) if mine else rows


def hidden_tokens() -> set[UUID]:
    """The tokens whose names the one who looks may not learn. One query, none for whoever sees
    everything.
    """
    mine = sight()
    return mine.hidden_tokens() if mine else set()


def without_names(records: Iterable[UsageRecord]) -> list[UsageRecord]:
    """The records, without the names of tokens of other teams."""
    found, hidden = list(records), hidden_tokens()
    for one in found:
        if one.token_id in hidden:
            one.token_id, one.token_name = None, ""
    return found

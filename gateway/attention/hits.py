"""Who is hit by a fault: profiles, the requests of the last hour to them, and their tokens."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from uuid import UUID

from django.db.models import Count
from django.utils import timezone

from connections.last_hour import HOUR, Asked
from connections.models import Profile

from ..models import UsageRecord

MOST_NAMED = 1000  # connections in one query


@dataclass(frozen=True)
class Hit:
    """Active profiles, the requests to them within the last hour, and the tokens of those."""

    requests: int = 0
    profiles: int = 0
    tokens: int = 0


@dataclass
class Hits:
    """What is known of all connections. Three queries, whatever their number."""

    profiles: dict[UUID, list[tuple[str, int]]] = field(default_factory=dict)
    asked: dict[UUID, list[tuple[str, int, set[UUID]]]] = field(default_factory=dict)
    of_token: dict[UUID, int] = field(default_factory=dict)

    def of(self, connection_ids: Iterable[UUID], models: frozenset[str] | None = None) -> Hit:
        """Those of some connections, or of some models of them."""
        profiles, requests, tokens = 0, 0, set[UUID]()
        for pk in connection_ids:
            for model, number in self.profiles.get(pk, ()):
                profiles += number if models is None or model in models else 0
            for model, number, callers in self.asked.get(pk, ()):
                if models is None or model in models:
                    requests, tokens = requests + number, tokens | callers
        return Hit(requests, profiles, len(tokens))


def hits(connection_ids: Iterable[UUID]) -> Hits:
    """Reads what these connections need."""
    found, wanted = Hits(), set(connection_ids)
    active = Profile.objects.filter(is_active=True).order_by()
    mine = active.filter(connection__in=wanted) if len(wanted) < MOST_NAMED else active
    counted = mine.values_list("connection_id", "model").annotate(number=Count("pk"))
    for connection_id, model, number in counted:
        found.profiles.setdefault(connection_id, []).append((model, number))
    requests, tokens = _of_an_hour(found)
    rows = active.filter(pk__in=requests).values_list("pk", "connection_id", "model")
    for pk, connection_id, model in rows:
        asked = (model, requests[pk], tokens.get(pk, set()))
        found.asked.setdefault(connection_id, []).append(asked)
    return found


def _of_an_hour(found: Hits) -> tuple[dict[UUID, int], dict[UUID, set[UUID]]]:
    """The requests to each profile, and the tokens of those; those of each token are noted."""
    requests: dict[UUID, int] = {}
    tokens: dict[UUID, set[UUID]] = {}
    for one in read_last_hour():
        if one.profile_id is not None:
            requests[one.profile_id] = requests.get(one.profile_id, 0) + one.number
        if one.token_id is not None:
            found.of_token[one.token_id] = found.of_token.get(one.token_id, 0) + one.number
            if one.profile_id is not None:
                tokens.setdefault(one.profile_id, set()).add(one.token_id)
    return requests, tokens


def read_last_hour() -> list[Asked]:
    """The requests of the last hour, counted by profile, connection and token. One query."""
    records = UsageRecord.objects.filter(started_at__gt=timezone.now() - HOUR).order_by()
    counted = records.values_list("profile_id", "connection_id", "token_id")
    return [
        Asked(number, profile_id, connection_id, token_id)
        for profile_id, connection_id, token_id, number in counted.annotate(number=Count("pk"))
    ]

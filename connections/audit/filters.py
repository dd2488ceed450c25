"""The filters of events, as conditions on columns; and what the one who looks may see of them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Any

from django.contrib.auth import get_user_model
from django.db import connection, models
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime

from ..models import AuditEvent, AuditMention, Outcome, Role
from ..viewing import current_viewer
from .words import THINGS, VERBS

VIEW = "connections.view_auditevent"
NO_TEAM = "none"
BY = ("person", "service_account", "command", "schedule", "nobody")
FILTERS = (
    *("q", "actor", "by", "token", "kind", "verb", "action", "object", "outcome"),
    *("address", "team", "request", "from", "to"),
)
NAMES = ("actor_name", "object_name", "token_name")
MOST_ADDRESSES = 20_000
# each address once, by one look into the index for each of them
ADDRESSES = """
WITH RECURSIVE found(address) AS (
    SELECT min(address) FROM connections_auditevent
    UNION ALL
    SELECT (SELECT min(e.address) FROM connections_auditevent e WHERE e.address > found.address)
    FROM found WHERE found.address IS NOT NULL
)
SELECT address FROM found WHERE address IS NOT NULL LIMIT %s
"""


class BadFilter(ValueError):
    """A value that a filter cannot have. `name`: of the filter."""

    def __init__(self, name: str, text: str) -> None:
        super().__init__(text)
        self.name = name


class Looked(models.Func):
    """A column that SQLite looks at row by row, since by its index it would fetch too many rows.
    PostgreSQL knows how many there are, and chooses by itself.
    """

    arity = 1
    template = "+%(expressions)s"
    output_field = models.CharField()

    def as_postgresql(self, compiler: Any, connection: Any, **extra: Any) -> Any:
        """The column as it is."""
        return self.as_sql(compiler, connection, template="%(expressions)s", **extra)


class Sorted(models.Func):
    """A column that is sorted without an index, where few rows are: a database that begins with the
    index of the order may read all rows before it finds them.
    """

    arity = 1
    template = "+%(expressions)s"

    def as_postgresql(self, compiler: Any, connection: Any, **extra: Any) -> Any:
        """The same, which PostgreSQL does not see through."""
        return self.as_sql(compiler, connection, template="greatest(%(expressions)s)", **extra)


@dataclass(frozen=True)
class Condition:
    """That a column has one of these values.

    `is_indexed`: False where there is no index by which the events are found.
    """

    column: str
    values: tuple[str, ...]
    is_indexed: bool = True

    def q(self) -> Q:
        """The condition as it is asked of an index."""
        if len(self.values) == 1:
            return Q(**{self.column: self.values[0]})
        return Q(**{f"{self.column}__in": self.values})

    def few(self, times: Q, most: int) -> tuple[int, Any]:
        """The number of events that fulfil it, `most` for more, and their ids for a query.
        `times`: a condition besides.

        The limit keeps PostgreSQL from asking for them in another way.
        """
        rows = AuditEvent.objects.filter(self.q(), times).order_by().values("pk")[:most]
        return rows.count(), rows

    def looked_at(self, rows: QuerySet[AuditEvent], name: str) -> QuerySet[AuditEvent]:
        """The rows that fulfil it, looked at one by one. `name`: for the column in the query."""
        return rows.alias(**{name: Looked(F(self.column))}).filter(**{f"{name}__in": self.values})


@dataclass(frozen=True)
class Named(Condition):
    """That an event is about an object, or names it besides. `kind`: of it, empty for any."""

    kind: str = ""

    def q(self) -> Q:
        mentions = self._mentions.filter(event=OuterRef("pk"))
        return self._here | Q(Exists(mentions))

    def few(self, times: Q, most: int) -> tuple[int, Any]:
        rows = AuditEvent.objects.filter(self._here, times).order_by()
        found = {*rows.values_list("pk", flat=True)[:most]}
        if len(found) < most:
            mentions = list(self._mentions.values_list("event", flat=True)[:most])
            named = AuditEvent.objects.filter(times, pk__in=mentions).order_by()
            found |= {*named.values_list("pk", flat=True)}
        return min(len(found), most), [*found]

    def looked_at(self, rows: QuerySet[AuditEvent], name: str) -> QuerySet[AuditEvent]:  # noqa: ARG002
        return rows.filter(self.q())

    @property
    def _here(self) -> Q:
        of_kind = {"object_kind": self.kind} if self.kind else {}
        return Q(object_id=self.values[0], **of_kind)

    @property
    def _mentions(self) -> QuerySet[AuditMention]:
        of_kind = {"kind": self.kind} if self.kind else {}
        return AuditMention.objects.filter(object_id=self.values[0], **of_kind).order_by()


@dataclass(frozen=True)
class Wanted:
    """What filters ask for. `times`: the condition on the time, `words`: on the names."""

    conditions: tuple[Condition, ...] = ()
    times: Q = field(default_factory=Q)
    words: Q = field(default_factory=Q)


def none_left(conditions: Sequence[Condition]) -> bool:
    """True if a condition leaves no event."""
    return any(not one.values for one in conditions)


def wanted(filters: Mapping[str, str]) -> Wanted:
    """What the filters ask for, by name; an empty text filters nothing.

    `q`: words in the names of actor, object and token. `actor`: the id or the name of who did it;
    `by`: one of BY. `token`: the id of the token. `kind`, `verb`: of the action, or the whole
    `action`. `object`: `kind:id`, or an id, of an object, also one that an event names besides.
    `outcome`: done, refused or failed. `address`: an address or a network. `team`: an id, or
    NO_TEAM. `request`: the id of a request. `from`, `to`: a time, or a day.

    Raises BadFilter.
    """
    given = {name: text.replace("\x00", "").strip() for name, text in filters.items()}
    given = {name: text for name, text in given.items() if text and name in FILTERS}
    conditions = [READERS[name](text) for name, text in given.items() if name in READERS]
    if "kind" in given or "verb" in given:
        conditions.append(_of_kind(given.get("kind", ""), given.get("verb", "")))
    words = Q()
    for word in given.get("q", "").split()[:8]:
        found = Q()
        for column in NAMES:
            found |= Q(**{f"{column}__icontains": word})
        words &= found
    times = Q()
    if "from" in given:
        times &= Q(at__gte=_time("from", given["from"], time.min))
    if "to" in given:
        times &= Q(at__lte=_time("to", given["to"], time.max))
    return Wanted(tuple(conditions), times, words)


def of_seen() -> list[Condition]:
    """What the one who looks may see: everything, or what belongs to no team and to the teams
    that they administer.
    """
    viewer = current_viewer()
    if viewer is None:
        return []
    standing = viewer.standing()
    if not standing.has_teams or (standing.sees_all and viewer.team is None):
        return []
    teams = [str(pk) for pk, role in standing.roles.items() if role == Role.ADMINISTRATOR]
    shared = [""] if VIEW in standing.rights else []
    return [Condition("team_id", (*teams, *shared))]


def of_own(actor: Any) -> list[Condition]:
    """What a person did themselves, as far as it belongs to no team or to one that they are in."""
    own = Condition("actor_id", (str(actor.pk),))
    viewer = current_viewer()
    standing = viewer.standing() if viewer is not None else None
    if standing is None or standing.sees_all or not standing.has_teams:
        return [own]
    return [own, Condition("team_id", ("", *map(str, standing.roles)))]


def _of_actor(text: str) -> Condition:
    if text.isascii() and text.isdecimal():
        return Condition("actor_id", (text,))
    found = get_user_model().objects.filter(username=text).values_list("pk", flat=True).first()
    if found is not None:
        return Condition("actor_id", (str(found),))
    return Condition("actor_name", (text,), is_indexed=False)


def _of_kind(kind: str, verb: str) -> Condition:
    if kind and kind not in THINGS:
        raise BadFilter("kind", f"One of {', '.join(THINGS)}.")
    if verb and verb not in VERBS:
        raise BadFilter("verb", f"One of {', '.join(VERBS)}.")
    kinds, verbs = [kind] if kind else THINGS, [verb] if verb else VERBS
    return Condition("action", tuple(f"{one}.{other}" for one in kinds for other in verbs))


def _of_object(text: str) -> Condition:
    kind, _colon, pk = text.rpartition(":")
    return Named("object_id", (pk,), kind=kind)


def _of_address(text: str) -> Condition:
    try:
        if "/" not in text:
            return Condition("address", (str(ip_address(text)),))
        network = ip_network(text, strict=False)
    except ValueError:
        raise BadFilter("address", "An address, or a network such as 10.0.0.0/8.") from None
    return Condition("address", tuple(one for one in _addresses() if _is_in(one, network)))


def _addresses() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(ADDRESSES, [MOST_ADDRESSES])
        return [row[0] for row in cursor.fetchall() if row[0]]


def _is_in(address: str, network: IPv4Network | IPv6Network) -> bool:
    try:
        return ip_address(address) in network
    except ValueError:
        return False


def _one_of(name: str, allowed: Sequence[str], column: str, text: str) -> Condition:
    if text not in allowed:
        raise BadFilter(name, f"One of {', '.join(allowed)}.")
    return Condition(column, (text,))


def _time(name: str, text: str, of_day: time) -> datetime:
    try:  # a day first: Django's parse_datetime takes one for its midnight
        day = parse_date(text)
        moment = datetime.combine(day, of_day) if day else parse_datetime(text)
    except ValueError:
        moment = None
    if moment is None or not 1900 <= moment.year < 9000:
        raise BadFilter(name, "A day, such as 2026-01-31, or a time with it.")
    return moment if timezone.is_aware(moment) else timezone.make_aware(moment)


READERS: dict[str, Callable[[str], Condition]] = {
    "actor": _of_actor,
    "by": lambda text: _one_of("by", BY, "actor_kind", text),
    "token": lambda text: Condition("token_id", (text,)),
    "action": lambda text: Condition("action", (text,)),
    "object": _of_object,
    "outcome": lambda text: _one_of("outcome", Outcome.values, "outcome", text),
    "address": _of_address,
    "team": lambda text: Condition("team_id", ("" if text == NO_TEAM else text,)),
    "request": lambda text: Condition("request_id", (text,)),
}

"""Events as somebody reads them: in a sentence, without the names of what they may not see."""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _

from ..models import ApiToken, AuditEvent, Connection, Profile, Team
from ..viewing import current_viewer
from .words import is_action, sentence

MODELS: dict[str, Any] = {"connection": Connection, "profile": Profile, "api_token": ApiToken}
TEAM_FIELDS = frozenset(["team", "Team"])
OF_API = "api_token"
Other = tuple[str, str, str]  # kind, id, name


@dataclass(frozen=True)
class Difference:
    """A field before and after. `of`: kind and name of the object, empty for the event's own."""

    field: str
    before: str
    after: str
    of: str = ""


@dataclass(frozen=True)
class Told:
    """An event for one who looks. `others`: further objects; `hidden`: how many of them it does not
    name. `has_token`: the token may be named.
    """

    event: AuditEvent
    who: str
    text: str
    differences: tuple[Difference, ...] = ()
    others: tuple[Other, ...] = ()
    hidden: int = 0
    detail: Mapping[str, Any] = field(default_factory=dict)
    has_token: bool = True

    @property
    def token_id(self) -> str:
        """The id of the token that it was done with, empty where it may not be named."""
        return self.event.token_id if self.has_token else ""

    @property
    def token_name(self) -> str:
        """Its name then."""
        return self.event.token_name if self.has_token else ""


def told(events: Sequence[AuditEvent]) -> list[Told]:
    """Events as the one who looks may read them. As many queries for one as for all; none for whom
    everything is shown.
    """
    bodies = [json.loads(one.body) if one.body else {} for one in events]
    sight = _Sight.of(events, bodies)
    return [_told(one, body, sight) for one, body in zip(events, bodies, strict=True)]


def who_of(event: AuditEvent) -> str:
    """The name of whoever did it."""
    if event.actor_name:
        return event.actor_name
    if event.actor_kind == "command":
        return _("a command")
    return _("the schedule") if event.actor_kind == "schedule" else _("somebody")


def text_of(event: AuditEvent) -> str:
    """The event in a sentence: "ann changed the connection openai-eu"."""
    who = who_of(event)
    if not is_action(event.action):  # of a version that knew more
        return f"{who}: {event.action} {event.object_name}"
    return sentence(event.action, who, event.object_name, event.outcome)


@dataclass(frozen=True)
class _Sight:
    """The ids that the one who looks may see named; None: all."""

    ids: Mapping[str, frozenset[str]] | None
    hidden_tokens: frozenset[str] = frozenset()

    @classmethod
    def of(cls, events: Sequence[AuditEvent], bodies: Sequence[dict[str, Any]]) -> "_Sight":
        """What is seen of what these events name besides."""
        viewer = current_viewer()
        standing = viewer.standing() if viewer else None
        if standing is None or not standing.has_teams or standing.sees_all:
            return cls(None)
        asked: dict[str, set[str]] = defaultdict(set)
        for body in bodies:
            for kind, pk, _name in body.get("others", ()):
                asked[kind].add(pk)
        seen = {
            kind: model.objects.filter(pk__in=asked[kind]).values_list("pk", flat=True)
            for kind, model in MODELS.items()
            if asked[kind]
        }
        ids = {kind: frozenset(map(str, pks)) for kind, pks in seen.items()}
        tokens = {one.token_id for one in events if one.token_kind == OF_API}
        others = ApiToken.every.filter(pk__in=tokens).exclude(team=None)
        others = others.exclude(team__in=list(standing.roles))
        hidden = frozenset(str(pk) for pk in others.values_list("pk", flat=True))
        return cls(ids | {"team": frozenset(map(str, standing.roles))}, hidden)

    def sees(self, other: Sequence[str]) -> bool:
        """True if an object may be named."""
        return self.ids is None or other[1] in self.ids.get(other[0], ())


def _told(event: AuditEvent, body: dict[str, Any], sight: _Sight) -> Told:
    named = [tuple(one) for one in body.get("others", ())]
    others = tuple(one for one in named if sight.sees(one))
    shown = {f"{kind} {name}" for kind, _pk, name in others}
    own = [Difference(*one) for one in body.get("changes", ())]
    inside = [
        Difference(one[0], one[1], one[2], of=of)
        for of, changes in body.get("inside", {}).items()
        if of in shown or sight.ids is None
        for one in changes
    ]
    differences = own + inside if sight.ids is None else _without_teams([*own, *inside])
    return Told(
        event,
        who_of(event),
        text_of(event),
        tuple(differences),
        others,
        int(body.get("number", len(named) + 1)) - 1 - len(others) if named else 0,
        body.get("detail", {}) if sight.ids is None else {},
        event.token_id not in sight.hidden_tokens,
    )


def _without_teams(differences: Iterable[Difference]) -> list[Difference]:
    """The differences without the names of teams, of which one may be another's."""
    own = set(Team.objects.filter(pk__in=_teams()).values_list("name", flat=True))
    return [
        Difference(
            one.field,
            one.before if one.before in own else "",
            one.after if one.after in own else "",
            one.of,
        )
        if one.field in TEAM_FIELDS
        else one
        for one in differences
    ]


def _teams() -> list[Any]:
    viewer = current_viewer()
    return list(viewer.standing().roles) if viewer else []

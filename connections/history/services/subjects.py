"""Things that have versions: found by kind and id, as far as somebody may see them."""

from dataclasses import dataclass, field
from typing import Any

from connections.audit.services import Subject as EventSubject
from connections.lookup import get_by_id_or_alias
from connections.models import Connection, Profile, RowVersion, Team
from connections.row_versions import VersionedKind, declared_kinds
from connections.services import Actor, may

WITH_HISTORY: dict[str, Any] = {"connection": Connection, "profile": Profile}
# Kinds that have another name in events
OF_EVENTS = {"apitoken": "api_token", "revealtoken": "flow_token", "connectiontype": "type"}
WITH_SECRETS = "connections.export_secrets"


@dataclass(frozen=True)
class Subject:
    """Something that has versions. `version`: the newest one, 0 without any. `of`: its kind, None
    for connections and profiles, which have a history of their own.
    """

    kind: str
    object_id: str
    row: Any = field(repr=False)
    version: int
    of: VersionedKind | None = field(default=None, repr=False)

    @property
    def of_events(self) -> str:
        """The kind, as events of the audit name it."""
        return OF_EVENTS.get(self.kind, self.kind)

    @property
    def event(self) -> EventSubject:
        """What events of the audit name it."""
        if self.of is None:
            return EventSubject.of(self.row)
        team = self.row if isinstance(self.row, Team) else getattr(self.row, "team", None)
        return EventSubject(self.of_events, self.object_id, self.name, team)

    @property
    def name(self) -> str:
        """Its name for people."""
        return str(self.row)

    def may_change(self, actor: Actor) -> bool:
        """True for whoever may restore, name and pin its versions."""
        if self.of is None:
            return may(actor, f"connections.change_{self.kind}", self.row)
        return self.of.may_change(self.row, actor)

    def may_have_secrets(self, actor: Actor) -> bool:
        """True for whoever may bring secrets of then back too."""
        return self.kind == "connection" and may(actor, WITH_SECRETS, self.row)


def kinds() -> list[str]:
    """The kinds of things that have versions."""
    return [*WITH_HISTORY, *(one.name for one in declared_kinds())]


def subject_of(kind: str, row: Any) -> Subject:
    """A connection or a profile as something that has versions."""
    return Subject(kind, str(row.pk), row, row.version)


def find_subject(kind: str, text: str, *, actor: Actor) -> Subject | None:
    """The thing of this kind with this id, or alias, if the actor may see it."""
    text = text.replace("\x00", "")
    if kind in WITH_HISTORY:
        found = get_by_id_or_alias(_rows(kind), text)
        seen = found is not None and may(actor, f"connections.view_{kind}", found)
        return subject_of(kind, found) if seen else None
    of = next((one for one in declared_kinds() if one.name == kind), None)
    row = of.find(text, actor) if of else None
    if of is None or row is None:
        return None
    key = of.key(row)
    newest = RowVersion.objects.filter(kind=kind, object_id=key).order_by("-number").first()
    return Subject(kind, key, row, newest.number if newest else 0, of)


def _rows(kind: str) -> Any:
    if kind == "connection":
        return Connection.objects.listed().select_related("modified_by")
    return Profile.objects.select_related("modified_by")

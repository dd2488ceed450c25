"""The references of all connections, remembered by a process until any connection changes."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from django.db import connection as database
from django.db.models import TextField
from django.db.models.functions import Cast

from providers.core.registry import all_providers
from providers.core.schema import settings_fields

from ..change_counter import read_change_counter
from ..models import Connection
from ..references import Resolution, State, references_in, section_of
from ..section_teams import limited_sections, remembering

# Provider, setting, reference as it is written first
Use = tuple[str, str, str]


@dataclass
class ReferenceIndex:
    """The connections that use a reference, the references of a connection, and the team of each
    that has one.
    """

    users: dict[Use, list[UUID]] = field(default_factory=dict)
    of_connection: dict[UUID, list[Use]] = field(default_factory=dict)
    teams: dict[UUID, UUID] = field(default_factory=dict)


@dataclass
class NamedReference:
    """A reference, what it stands for now, and the connections that name it and for which it stands
    for this: one of a section of teams is denied to some.
    """

    resolution: Resolution
    connection_ids: set[UUID] = field(default_factory=set)


# What this process read last, under the number of the change counter before that; put in at once,
# because threads share it.
MEMORY: dict[str, tuple[int, ReferenceIndex]] = {}


def reference_index() -> ReferenceIndex:
    """The references of all connections as they are now. One query while nothing changes."""
    if database.in_atomic_block:  # what is read may be undone, and its number be used again
        return _read()
    counter = read_change_counter()
    known = MEMORY.get("last")
    if known is None or known[0] != counter:
        known = MEMORY["last"] = (counter, _read())
    return known[1]


def _read() -> ReferenceIndex:
    found = ReferenceIndex()
    named = Connection.every.order_by().alias(text=Cast("settings", TextField()))
    rows = named.filter(text__contains='"$').values_list("pk", "team", "provider_id", "settings")
    written: dict[Use, Use] = {}
    for pk, team, provider_id, settings in rows.iterator():
        if team:
            found.teams[pk] = team
        for name, _, reference in references_in(settings):
            use = (provider_id, name, reference)
            use = written.setdefault((provider_id, name, reference.lower()), use)
            found.users.setdefault(use, []).append(pk)
            found.of_connection.setdefault(pk, []).append(use)
    return found


def unresolved_references() -> list[NamedReference]:
    """Those that cannot be used now."""
    found = named_references()
    return [one for one in found if one.resolution.state != State.RESOLVED]


def named_references() -> list[NamedReference]:
    """Those of all connections. Each is resolved once, and once more where its section belongs to
    teams and connections of others name it.
    """
    secret, states = secret_settings(), dict[tuple[str, bool, bool], NamedReference]()
    index, limited, resolve = reference_index(), limited_sections(), remembering()
    for (provider_id, name, reference), users in index.users.items():
        if provider_id not in secret:
            continue  # what its settings are is unknown
        teams = limited.get(section_of(reference)) if limited else None
        for may_use, team, part in _parts(index, users, teams):
            key = (reference.lower(), name in secret[provider_id], may_use)
            if key not in states:
                states[key] = NamedReference(resolve(reference, key[1], team))
            states[key].connection_ids.update(part)
    return list(states.values())


def _parts(
    index: ReferenceIndex, users: Sequence[UUID], teams: Collection[UUID] | None
) -> Iterator[tuple[bool, UUID | None, Sequence[UUID]]]:
    """The connections that may use a section and those that may not, each with the team of one of
    them. `teams`: to which the section belongs, None for one of all.
    """
    if teams is None:
        yield True, None, users
        return
    for may_use in (True, False):
        if part := [pk for pk in users if (index.teams.get(pk) in teams) is may_use]:
            yield may_use, index.teams.get(part[0]), part


def secret_settings() -> Mapping[str, frozenset[str]]:
    """The names of the secret settings of each provider."""
    return {
        provider.id: frozenset(
            name for name, one in settings_fields(provider).items() if one.secret
        )
        for provider in all_providers()
    }


def secret_references(pks: Iterable[UUID]) -> dict[UUID, list[str]]:
    """The references that stand for secrets of these connections, of those that have any."""
    secret, of_connection = secret_settings(), reference_index().of_connection
    found = {
        pk: [one for provider_id, name, one in uses if name in secret.get(provider_id, ())]
        for pk in pks
        if (uses := of_connection.get(pk))
    }
    return {pk: references for pk, references in found.items() if references}

"""The references of all connections, remembered by a process until any connection changes."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from uuid import UUID

from django.db import connection as database
from django.db.models import TextField
from django.db.models.functions import Cast

from providers.core.registry import all_providers
from providers.core.schema import settings_fields

from .. import conf
from ..change_counter import read_change_counter
from ..models import Connection
from ..references import Resolution, State, references_in

Resolve = Callable[[str, bool], Resolution]
# Provider, setting, reference as it is written first
Use = tuple[str, str, str]


@dataclass
class ReferenceIndex:
    """The connections that use a reference, and the references of a connection."""

    users: dict[Use, list[UUID]] = field(default_factory=dict)
    of_connection: dict[UUID, list[Use]] = field(default_factory=dict)


@dataclass
class NamedReference:
    """A reference, what it stands for now, and the connections that name it."""

    resolution: Resolution
    connection_ids: set[UUID] = field(default_factory=set)


# What this process read last, under the number of the change counter before that; put in at once,
# because threads share it.
MEMORY: dict[str, tuple[int, ReferenceIndex]] = {}


def resolve_now(reference: str, is_secret: bool) -> Resolution:
    """The value that a reference has now."""
    return conf.resolver().resolve(reference, is_secret)


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
    rows = named.filter(text__contains='"$').values_list("pk", "provider_id", "settings")
    written: dict[Use, Use] = {}
    for pk, provider_id, settings in rows.iterator():
        for name, _, reference in references_in(settings):
            use = (provider_id, name, reference)
            use = written.setdefault((provider_id, name, reference.lower()), use)
            found.users.setdefault(use, []).append(pk)
            found.of_connection.setdefault(pk, []).append(use)
    return found


def unresolved_references(resolve: Resolve = resolve_now) -> list[NamedReference]:
    """Those that cannot be used now."""
    found = named_references(resolve)
    return [one for one in found if one.resolution.state != State.RESOLVED]


def named_references(resolve: Resolve = resolve_now) -> list[NamedReference]:
    """Those of all connections. Each is resolved once."""
    secret, states = secret_settings(), dict[tuple[str, bool], NamedReference]()
    for (provider_id, name, reference), users in reference_index().users.items():
        if provider_id not in secret:
            continue  # what its settings are is unknown
        key = (reference.lower(), name in secret[provider_id])
        if key not in states:
            states[key] = NamedReference(resolve(reference, key[1]))
        states[key].connection_ids.update(users)
    return list(states.values())


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

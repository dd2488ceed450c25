"""The references of all connections, remembered by a process until any connection changes."""

from collections.abc import Callable, Iterator, Mapping
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
class UnresolvedReference:
    """A reference that cannot be used, and the connections that name it."""

    resolution: Resolution
    connection_ids: set[UUID] = field(default_factory=set)


@dataclass
class _Memory:
    """What this process read last, and the number of the change counter before that."""

    counter: int = -1
    index: ReferenceIndex = field(default_factory=ReferenceIndex)


MEMORY = _Memory()


def resolve_now(reference: str, is_secret: bool) -> Resolution:
    """The value that a reference has now."""
    return conf.resolver().resolve(reference, is_secret)


def reference_index() -> ReferenceIndex:
    """The references of all connections as they are now. One query while nothing changes."""
    if database.in_atomic_block:  # what is read may be undone, and its number be used again
        return _read()
    counter = read_change_counter()
    if counter != MEMORY.counter:
        MEMORY.counter, MEMORY.index = counter, _read()
    return MEMORY.index


def _read() -> ReferenceIndex:
    found = ReferenceIndex()
    rows = Connection.objects.order_by().alias(text=Cast("settings", TextField()))
    rows = rows.filter(text__contains='"$').values_list("pk", "provider_id", "settings")
    written: dict[Use, Use] = {}
    for pk, provider_id, settings in rows.iterator():
        for name, _, reference in references_in(settings):
            use = (provider_id, name, reference)
            use = written.setdefault((provider_id, name, reference.lower()), use)
            found.users.setdefault(use, []).append(pk)
            found.of_connection.setdefault(pk, []).append(use)
    return found


def unresolved_references(resolve: Resolve = resolve_now) -> list[UnresolvedReference]:
    """Those that cannot be used now. Each reference is resolved once."""
    secret, states = secret_settings(), dict[tuple[str, bool], UnresolvedReference]()
    for (provider_id, name, reference), users in reference_index().users.items():
        if provider_id not in secret:
            continue  # what its settings are is unknown
        key = (reference.lower(), name in secret[provider_id])
        if key not in states:
            states[key] = UnresolvedReference(resolve(reference, key[1]))
        if states[key].resolution.state != State.RESOLVED:
            states[key].connection_ids.update(users)
    return [one for one in states.values() if one.connection_ids]


def secret_settings() -> Mapping[str, frozenset[str]]:
    """The names of the secret settings of each provider."""
    return {
        provider.id: frozenset(
            name for name, one in settings_fields(provider).items() if one.secret
        )
        for provider in all_providers()
    }


def secret_references(pk: UUID) -> Iterator[str]:
    """The references that stand for secrets of a connection."""
    secret = secret_settings()
    for provider_id, name, reference in reference_index().of_connection.get(pk, ()):
        if name in secret.get(provider_id, ()):
            yield reference

"""Forgetting the key that a connection does not use any more, its history included."""

from collections.abc import Mapping
from typing import Any

from django.utils import timezone
from django.views.decorators.debug import sensitive_variables

from connections.audit.services import act, record
from connections.change_counter import bump_change_counter
from connections.locks import hold, long_change, retried
from connections.models import Connection, KeyReplacement, SecretFingerprints
from connections.references import place
from connections.services import Actor, purge_versions

from .finding import OPEN_STATES

State = KeyReplacement.State


@act("replacement.purge")
def purge(replacement: KeyReplacement) -> int:
    """Forgets the other key of a replacement, whose time is over. Versions of the connection that
    still hold it lose it: returns how many did.
    """
    return forget(replacement, None)


@retried
@sensitive_variables("gone")
def forget(replacement: KeyReplacement, actor: Actor) -> int:
    """As `purge`, and recorded as the act that is under way."""
    pk, changed = replacement.connection_id, 0
    with long_change():
        hold(Connection.objects.listed(), [pk])
        held = hold(KeyReplacement.objects.all(), [replacement.pk]).get(replacement.pk)
        if held is None:
            return 0
        is_over = held.credentials_key is None and held.state not in OPEN_STATES
        if not held.is_open and held.credentials:
            gone = held.credentials["credentials"]
            changed = _purge_history(pk, gone)
        held.state = {
            State.OPEN.value: State.GIVEN_UP,
            State.WATCHING.value: State.DONE,
        }.get(held.state, held.state)
        held.credentials, held.credentials_key = None, None
        held.date_ended = held.date_ended or timezone.now()
        held.save()
        SecretFingerprints.objects.filter(pk=pk).delete()  # made anew
        if not is_over:
            record(held, actor=actor, detail={"versions": changed})
        bump_change_counter()
    return changed


@sensitive_variables()
def _purge_history(pk: Any, gone: Mapping[str, Any]) -> int:
    old = {
        place(name, key): one
        for name, value in gone.items()
        for key, one in (value.items() if isinstance(value, dict) else [("", value)])
    }
    return purge_versions(pk, lambda where, value, _: old.get(where) == value)

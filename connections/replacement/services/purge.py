"""Forgetting the key that a connection does not use any more, its history included."""

from collections.abc import Mapping
from typing import Any

from django.utils import timezone
from django.views.decorators.debug import sensitive_variables

from connections.change_counter import bump_change_counter
from connections.locks import hold, long_change, retried
from connections.models import Connection, KeyReplacement, SecretFingerprints
from connections.references import place
from connections.services import purge_versions

State = KeyReplacement.State


@retried
@sensitive_variables("gone")
def purge(replacement: KeyReplacement) -> int:
    """Forgets the other key of a replacement, which ends. Versions of the connection that still
    hold it lose it: returns how many did.
    """
    pk, changed = replacement.connection_id, 0
    with long_change():
        hold(Connection.objects.listed(), [pk])
        held = hold(KeyReplacement.objects.all(), [replacement.pk]).get(replacement.pk)
        if held is None:
            return 0
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

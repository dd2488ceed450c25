"""Forgetting the key that a connection does not use any more, its history included."""

from collections.abc import Mapping
from typing import Any

from django.utils import timezone
from django.views.decorators.debug import sensitive_variables

from connections.change_counter import bump_change_counter
from connections.credentials import Undecryptable, key_ids
from connections.locks import hold, long_change, retried
from connections.models import Connection, KeyReplacement, SecretFingerprints

State = KeyReplacement.State


@retried
@sensitive_variables("gone", "now", "row")
def purge(replacement: KeyReplacement) -> int:
    """Forgets the other key of a replacement, which ends. Versions of the connection that still
    hold it lose it: returns how many did.
    """
    pk, changed = replacement.connection_id, 0
    with long_change():
        row = hold(Connection.objects.all(), [pk]).get(pk)
        held = hold(KeyReplacement.objects.all(), [replacement.pk]).get(replacement.pk)
        if held is None:
            return 0
        if not held.is_open and held.credentials:
            gone = held.credentials["credentials"]
            now = row.credentials if row and row.credentials else {}
            changed = _purge_history(pk, gone, now)
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
def _purge_history(pk: Any, gone: Mapping[str, Any], now: Mapping[str, Any]) -> int:
    history: Any = Connection.history
    rows, changed = history.filter(id=pk, credentials__isnull=False), []
    for record in hold(rows, rows.values_list("pk", flat=True)).values():
        if isinstance(record.credentials, Undecryptable):
            continue
        left = without(record.credentials, gone, now)
        if left != record.credentials:
            record.credentials = left or None
            record.credentials_key = key_ids()[0] if left else None
            changed.append(record)
    history.bulk_update(changed, ["credentials", "credentials_key"], batch_size=200)
    return len(changed)


@sensitive_variables()
def without(
    values: Mapping[str, Any], gone: Mapping[str, Any], now: Mapping[str, Any]
) -> dict[str, Any]:
    """The values that are not `gone`, or that are in use `now` all the same; of maps entry by
    entry.
    """
    left: dict[str, Any] = {}
    for name, value in values.items():
        before, current = gone.get(name), now.get(name)
        if isinstance(value, dict):
            known = current if isinstance(current, dict) else {}
            value = without(value, before if isinstance(before, dict) else {}, known)
            if value:
                left[name] = value
        elif value != before or value == current:
            left[name] = value
    return left

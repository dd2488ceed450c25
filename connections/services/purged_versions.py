"""Secrets in versions of a connection that it does not use any more, found and taken out. The
versions stay, and say of which secrets they were purged.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.views.decorators.debug import sensitive_variables

from ..bindings import bound
from ..credentials import Misplaced, Undecryptable, decrypt, key_ids
from ..locks import hold, long_change, retried
from ..models import Connection, SecretFingerprints
from ..references import place

Is_due = Callable[[str, Any, datetime], bool]


@dataclass(frozen=True)
class Purged:
    """A secret that is not kept any more. Two are the same if they came in the same version."""

    since: int


@dataclass(frozen=True)
class Unused:
    """The secrets in a version that its connection does not use now: the value of each, since when,
    and the version in which it came.
    """

    record: Any
    values: Mapping[str, Any]
    ended: Mapping[str, datetime]
    since: Mapping[str, int]


@sensitive_variables()
def secrets_of(record: Any) -> dict[str, Any]:
    """The secrets of a version by their place, Purged for those that it keeps no more; none where
    they cannot be decrypted.
    """
    found: dict[str, Any] = {
        where: Purged(since) for where, since in (getattr(record, "purged", None) or {}).items()
    }
    credentials = getattr(record, "credentials", None)
    if isinstance(credentials, Misplaced):
        credentials = decrypt(credentials.token)
    return found | ({} if isinstance(credentials, Undecryptable) else flat(credentials or {}))


@sensitive_variables()
def flat(credentials: Mapping[str, Any]) -> dict[str, Any]:
    """Decrypted credentials by their place: `api_key`, `secrets.token`."""
    return {
        place(name, key): one
        for name, value in credentials.items()
        for key, one in (value.items() if isinstance(value, dict) else [("", value)])
    }


@sensitive_variables()
def unused_secrets(records: Sequence[Any], row: Connection | None) -> Iterator[Unused]:
    """What the versions of one connection, the oldest first, keep of secrets that it does not use.

    `row`: the connection, None for one that is gone. Nothing where its own cannot be decrypted: it
    cannot be known which are in use.
    """
    if row is not None and isinstance(row.credentials, Undecryptable):
        return
    now = flat(row.credentials or {}) if row else {}
    found = [secrets_of(record) for record in records]
    ended, since = _ends(records, found), _beginnings(records, found)
    for at, record in enumerate(records):
        old = {
            where: value
            for where, value in found[at].items()
            if not isinstance(value, Purged) and value != now.get(where)
        }
        if old:
            yield Unused(record, old, ended[at], since[at])


@sensitive_variables()
def _ends(records: Sequence[Any], found: Sequence[dict[str, Any]]) -> list[dict[str, datetime]]:
    """When each secret of each version was replaced, cleared or deleted, were it not in use."""
    ends: list[dict[str, datetime]] = [{} for _ in records]
    for at in reversed(range(len(records))):
        is_last = at + 1 == len(records)
        date = records[at if is_last else at + 1].history_date
        for where, value in found[at].items():
            goes_on = not is_last and found[at + 1].get(where) == value
            ends[at][where] = ends[at + 1][where] if goes_on else date
            if records[at].history_type == "-":
                ends[at][where] = records[at].history_date
    return ends


@sensitive_variables()
def _beginnings(records: Sequence[Any], found: Sequence[dict[str, Any]]) -> list[dict[str, int]]:
    """The version in which each secret of each version came."""
    since: list[dict[str, int]] = []
    for at, record in enumerate(records):
        since.append({})
        for where, value in found[at].items():
            if isinstance(value, Purged):
                since[at][where] = value.since
            elif at and found[at - 1].get(where) == value:
                since[at][where] = since[at - 1][where]
            else:
                since[at][where] = record.version
    return since


@sensitive_variables()
def count_unused(pk: UUID, is_due: Is_due) -> int:
    """The number of versions of a connection with secrets that are due to be purged."""
    history: Any = Connection.history
    row = Connection.every.filter(pk=pk).first()
    found = unused_secrets(list(history.filter(id=pk).order_by(*IN_ORDER)), row)
    return sum(bool(_due(one, is_due)) for one in found)


IN_ORDER = ("history_date", "history_id")


@sensitive_variables()
def _due(one: Unused, is_due: Is_due) -> list[str]:
    return [where for where, value in one.values.items() if is_due(where, value, one.ended[where])]


@retried
@sensitive_variables()
def purge_versions(pk: UUID, is_due: Is_due) -> int:
    """Takes the secrets that are due out of the versions of a connection, and says of how many.

    `is_due`: says so of a secret that the connection does not use, by its place, its value and
    since when. What it uses stays.
    """
    history: Any = Connection.history
    with long_change():
        row = hold(Connection.every.all(), [pk]).get(pk)
        rows = history.filter(id=pk)
        held = hold(rows, rows.values_list("pk", flat=True)).values()
        records = sorted(held, key=lambda one: (one.history_date, one.history_id))
        changed = []
        for one in unused_secrets(records, row):
            if due := _due(one, is_due):
                _take_out(one, due)
                changed.append(one.record)
        history.bulk_update(changed, ["credentials", "credentials_key", "purged"], batch_size=200)
        if changed:
            SecretFingerprints.objects.filter(pk=pk).delete()  # made anew
    return len(changed)


@sensitive_variables()
def _take_out(one: Unused, places: Sequence[str]) -> None:
    record, left = one.record, {}
    is_own = isinstance(record.credentials, dict)  # of what belongs elsewhere nothing is kept
    for name, value in record.credentials.items() if is_own else ():
        if not isinstance(value, dict):
            if name not in places:
                left[name] = value
        elif kept := {k: text for k, text in value.items() if place(name, k) not in places}:
            left[name] = kept
    record.credentials = bound(left, record.binding) if left else None
    record.credentials_key = key_ids()[0] if left else None
    record.purged = (record.purged or {}) | {where: one.since[where] for where in places}

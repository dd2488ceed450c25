"""Finding keys by their fingerprints. A save makes those of what it stores; what a save did not see
(another key of FERNET_KEYS, a worker of the version before) is made by a job and by whoever looks.
"""

import hmac
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.views.decorators.debug import sensitive_variables

from connections.credentials import key_ids
from connections.fingerprints import digests, fingerprints_of, store_fingerprints, texts_in
from connections.locks import retried
from connections.models import Connection, SecretFingerprints

AT_ONCE = 200


def refresh_fingerprints() -> int:
    """Makes those that are missing or old, in small parts; returns how many connections had such.
    It may be ended at any moment.
    """
    newest = next(iter(key_ids()), None)
    if newest is None:
        return 0
    history: Any = Connection.history
    gone = history.exclude(id__in=Connection.every.values("pk")).values_list("id", flat=True)
    wanted = dict.fromkeys(gone.order_by().distinct(), 0)
    wanted |= dict(Connection.every.order_by().values_list("pk", "settings_version"))
    made = {
        pk: (key, version)
        for pk, key, version in SecretFingerprints.objects.values_list(
            "pk", "key", "settings_version"
        )
    }
    due = sorted(pk for pk, version in wanted.items() if made.get(pk) != (newest, version))
    for at in range(0, len(due), AT_ONCE):
        _make(due[at : at + AT_ONCE], newest)
    SecretFingerprints.objects.filter(pk__in=made.keys() - wanted.keys()).delete()
    return len(due)


@retried
@sensitive_variables()
def _make(pks: list[UUID], newest: str) -> None:
    rows = Connection.every.in_bulk(pks)
    history: Any = Connection.history
    past: dict[UUID, set[str]] = {}
    records = history.filter(id__in=pks, credentials__isnull=False)
    for pk, credentials in records.values_list("id", "credentials").iterator():
        for _, text in texts_in(credentials):
            past.setdefault(pk, set()).add(digests(text)[newest])
    store_fingerprints(
        [fingerprints_of(pk, rows.get(pk), newest, past.get(pk, set())) for pk in pks]
    )


def matches(wanted: Mapping[str, str]) -> tuple[dict[UUID, list[str]], set[UUID]]:
    """The connections that have a secret with one of these fingerprints, with the places of it, and
    those whose history has one. Compared in constant time.
    """
    now: dict[UUID, list[str]] = {}
    before: set[UUID] = set()
    columns = ("pk", "key", "current", "past")
    for pk, key, current, past in SecretFingerprints.objects.values_list(*columns):
        digest = wanted.get(key, "")
        places = [where for where, one in current.items() if hmac.compare_digest(one, digest)]
        if places:
            now[pk] = places
        if sum(hmac.compare_digest(one, digest) for one in past):
            before.add(pk)
    return now, before


@sensitive_variables()
def same_key(connection: Connection) -> list[Connection]:
    """The other connections that have a stored secret of this one, as far as the one who looks may
    see them.
    """
    refresh_fingerprints()
    found: set[UUID] = set()
    for _, text in texts_in(connection.credentials):
        found |= matches(digests(text))[0].keys()
    return list(Connection.objects.listed().filter(pk__in=found - {connection.pk}))

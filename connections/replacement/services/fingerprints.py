"""Fingerprints of stored secrets: hashes with a key of their own, derived from FERNET_KEYS. By them
it is found which connections have the same key, and whether a leaked one is ours.

They are made anew when a connection's settings or the newest key of FERNET_KEYS have changed, by a
job and by whoever looks, so that no save has to know of them.
"""

import hmac
from collections.abc import Iterator, Mapping
from functools import lru_cache
from hashlib import sha256
from typing import Any
from uuid import UUID

from django.conf import settings
from django.views.decorators.debug import sensitive_variables

from connections.credentials import Undecryptable, key_ids
from connections.models import Connection, SecretFingerprints
from connections.references import place, unescape

AT_ONCE = 200


@lru_cache(maxsize=8)
def _keys(fernet_keys: tuple[str, ...]) -> dict[str, bytes]:
    derived = [sha256(b"switchboard fingerprints" + key.encode()).digest() for key in fernet_keys]
    return dict(zip(key_ids(), derived, strict=True))


@sensitive_variables()
def digests(secret: str) -> dict[str, str]:
    """The fingerprints of a text, by the name of the key that each is made with."""
    keys = _keys(tuple(settings.FERNET_KEYS or ()))
    return {
        name: hmac.new(key, secret.encode(errors="replace"), sha256).hexdigest()
        for name, key in keys.items()
    }


@sensitive_variables()
def texts_in(credentials: Any) -> Iterator[tuple[str, str]]:
    """Each secret text of decrypted credentials with its place: `api_key`, `secrets.token`."""
    if not credentials or isinstance(credentials, Undecryptable):
        return
    for name, value in credentials.items():
        entries = value.items() if isinstance(value, dict) else [("", value)]
        for key, text in entries:
            if isinstance(text, str) and text:
                yield place(name, key), unescape(text)


def refresh_fingerprints() -> int:
    """Makes those that are missing or old, in small parts; returns how many connections had such.
    It may be ended at any moment.
    """
    newest = next(iter(key_ids()), None)
    if newest is None:
        return 0
    history: Any = Connection.history
    gone = history.exclude(id__in=Connection.objects.values("pk")).values_list("id", flat=True)
    wanted = dict.fromkeys(gone.order_by().distinct(), 0)
    wanted |= dict(Connection.objects.order_by().values_list("pk", "settings_version"))
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


@sensitive_variables()
def _make(pks: list[UUID], newest: str) -> None:
    rows = Connection.objects.in_bulk(pks)
    history: Any = Connection.history
    past: dict[UUID, set[str]] = {}
    records = history.filter(id__in=pks, credentials__isnull=False)
    for pk, credentials in records.values_list("id", "credentials").iterator():
        for _, text in texts_in(credentials):
            past.setdefault(pk, set()).add(digests(text)[newest])
    found = []
    for pk in pks:
        row = rows.get(pk)
        current = {where: digests(one)[newest] for where, one in texts_in(row and row.credentials)}
        found.append(
            SecretFingerprints(
                connection_id=pk,
                key=newest,
                settings_version=row.settings_version if row else 0,
                current=current,
                past=sorted(past.get(pk, set()) - set(current.values())),
            )
        )
    SecretFingerprints.objects.bulk_create(
        found,
        update_conflicts=True,
        unique_fields=["connection_id"],
        update_fields=["key", "settings_version", "current", "past"],
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
    """The other connections that have a stored secret of this one."""
    refresh_fingerprints()
    found: set[UUID] = set()
    for _, text in texts_in(connection.credentials):
        found |= matches(digests(text))[0].keys()
    return list(Connection.objects.listed().filter(pk__in=found - {connection.pk}))

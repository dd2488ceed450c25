"""Fingerprints of stored secrets: hashes with a key of their own, derived from FERNET_KEYS. By them
it is found which connections have the same key, and whether a leaked one is ours.
"""

import hmac
from collections.abc import Iterator, Sequence
from functools import lru_cache
from hashlib import sha256
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import OuterRef, Subquery
from django.views.decorators.debug import sensitive_variables

from .credentials import Undecryptable, key_ids
from .models import Connection, SecretFingerprints
from .references import place, unescape


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


@sensitive_variables()
def keep_fingerprints(rows: Sequence[Any]) -> None:
    """Makes the fingerprints of connections that are about to be saved with other settings, beside
    those of what they had before.

    Leaves out what it cannot know without the whole history: `refresh_fingerprints` makes those.
    """
    newest, due = next(iter(key_ids()), None), [row for row in rows if _has_new_settings(row)]
    if newest is None or not due:
        return
    pks = [row.pk for row in due]
    was = Connection.objects.filter(pk=OuterRef("pk")).values("settings_version")
    kept = SecretFingerprints.objects.filter(pk__in=pks).annotate(was=Subquery(was))
    known = {one.pk: one for one in kept if (one.key, one.settings_version) == (newest, one.was)}
    history: Any = Connection.history
    new = {row.pk for row in due if row._state.adding}
    new -= set(history.filter(id__in=new).values_list("id", flat=True)) if new else set()
    found = []
    for row in sorted(due, key=lambda one: one.pk):
        if row.pk not in new and row.pk not in known:
            continue
        past = {*known[row.pk].past, *known[row.pk].current.values()} if row.pk in known else set()
        found.append(fingerprints_of(row.pk, row, newest, past))
    store_fingerprints(found)


def _has_new_settings(row: Any) -> bool:
    if not isinstance(row, Connection) or row.settings_version != row.version:
        return False
    is_loaded = "credentials" not in row.get_deferred_fields()
    return is_loaded and not isinstance(row.credentials, Undecryptable)


@sensitive_variables()
def fingerprints_of(
    pk: UUID, row: Connection | None, newest: str, past: set[str]
) -> SecretFingerprints:
    """The fingerprints of a connection (None for one that is gone) made with the newest key, not
    saved. `past`: of what it had before, whether it has it now or not.
    """
    current = {where: digests(one)[newest] for where, one in texts_in(row and row.credentials)}
    return SecretFingerprints(
        connection_id=pk,
        key=newest,
        settings_version=row.settings_version if row else 0,
        current=current,
        past=sorted(past - set(current.values())),
    )


def store_fingerprints(found: Sequence[SecretFingerprints]) -> None:
    """Saves fingerprints in place of those that are there, by id."""
    SecretFingerprints.objects.bulk_create(
        found,
        update_conflicts=True,
        unique_fields=["connection_id"],
        update_fields=["key", "settings_version", "current", "past"],
    )

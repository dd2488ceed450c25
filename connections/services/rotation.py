"""Re-encryption of rows and their history with the newest key, in batches, any number of times."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db import connection as database
from django.db import models

from ..audit.services import Subject, act, record, reseal
from ..credentials import Misplaced, SecretDict, decrypt, key_ids, opening_key
from ..locks import hold, long_change, retried
from ..models import Connection, KeyReplacement

BATCH = 200
UNREADABLE = "no key"

_declared: list[type[models.Model]] = []


def declare_encrypted(table: type[models.Model]) -> None:
    """Adds a table of another app, with the columns `credentials` and `credentials_key`, to what is
    counted and encrypted anew. Called when that app is ready.
    """
    if table not in _declared:
        _declared.append(table)


@dataclass(frozen=True)
class KeyReport:
    """The number of encrypted values that each key opens, newest key first; `unreadable` ones are
    opened by none.
    """

    counts: dict[str, int]
    unreadable: int

    @property
    def is_rotated(self) -> bool:
        """True if the newest key opens everything that any key opens."""
        return not any(count for count in list(self.counts.values())[1:])


def tables() -> list[type[models.Model]]:
    """Every table with an encrypted column."""
    return [Connection, Connection.history.model, KeyReplacement, *_declared]


def key_report() -> KeyReport:
    """Counts by trying to decrypt. Nothing is written."""
    found: Counter[str] = Counter()
    for table in tables():
        for _, token in stored_tokens(table):
            found[opening_key(token) or UNREADABLE] += 1
    return KeyReport({key: found[key] for key in key_ids()}, found[UNREADABLE])


@act("keys.rotate")
def rotate_credentials(told: Callable[[int, int], None] | None = None) -> int:
    """Encrypts with the newest key whatever an older one opens; leaves alone what no key opens.

    Returns how many. `told`: hears after each batch how many are through, and of how many.
    """
    newest, number, through = key_ids()[0], 0, 0
    due = [
        (
            table,
            [pk for pk, token in stored_tokens(table) if opening_key(token) not in (None, newest)],
        )
        for table in tables()
    ]
    total = sum(len(keys) for _, keys in due)
    for table, keys in due:
        for start in range(0, len(keys), BATCH):
            batch = keys[start : start + BATCH]
            number += _rotate_batch(table, batch)
            through += len(batch)
            if told:
                told(through, total)
    if number:
        record(Subject("keys", newest), actor=None, detail={"values": number})
    reseal()  # or what was done today could not be judged without the older key
    return number


@retried
def _rotate_batch(table: type[models.Model], keys: list[Any]) -> int:
    """Encrypts these rows anew, locked and read again: a save that came between stays."""
    with long_change():
        held: Any = hold(table._default_manager.all(), keys)
        rows = list(held.values())
        for row in rows:
            if isinstance(row.credentials, Misplaced):  # stays what it is
                row.credentials = decrypt(row.credentials.token)
        rows = [row for row in rows if row.credentials and type(row.credentials) is SecretDict]
        for row in rows:
            row.credentials_key = key_ids()[0]
        table._default_manager.bulk_update(rows, ["credentials", "credentials_key"])
    return len(rows)


def stored_tokens(table: type[models.Model]) -> list[tuple[Any, bytes]]:
    """Primary key and raw token of every row that has one, without decrypting."""
    meta, quote = table._meta, database.ops.quote_name
    key: Any = meta.pk
    with database.cursor() as cursor:
        columns = f"{quote(key.column)}, {quote('credentials')}"
        cursor.execute(
            f"SELECT {columns} FROM {quote(meta.db_table)} WHERE {quote('credentials')} IS NOT NULL"  # noqa: S608 names of our own
        )
        return [(key.to_python(pk), bytes(token)) for pk, token in cursor.fetchall()]

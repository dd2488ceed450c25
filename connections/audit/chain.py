"""Chains of events: each holds the digest of the one before it."""

import json
import socket
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import cache
from hashlib import sha256
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from ..models import AuditChain, AuditCheckpoint, AuditEvent
from .keys import is_sealed, sealed

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
# The columns that a digest is made of, in this order, which must never change
HASHED = (
    *("instance", "surface", "actor_kind", "actor_id", "actor_name"),
    *("token_kind", "token_id", "token_name", "address", "request_id"),
    *("action", "object_kind", "object_id", "object_name", "team_id", "team_name"),
    *("outcome", "code", "body"),
)
WIDTHS = {
    name: AuditEvent._meta.get_field(name).max_length  # type: ignore[union-attr]
    for name in HASHED
}


@cache
def instance() -> str:
    """The name of this machine, by which people tell instances apart."""
    return socket.gethostname()[:64]


def digest_of(before: str, chain: str, number: int, at: datetime, texts: list[str]) -> str:
    """The digest of one event. `before`: of the event before it. `texts`: the HASHED columns."""
    parts = [before, chain, number, (at - EPOCH) // MICROSECOND, *texts]
    return sha256(json.dumps(parts, separators=(",", ":")).encode()).hexdigest()


def start_of(chain: AuditChain) -> str:
    """What the first event of a chain follows."""
    parts = [str(chain.id), str(chain.day), chain.instance, chain.follows]
    return sha256(json.dumps(parts, separators=(",", ":")).encode()).hexdigest()


def state_of(chain: AuditChain) -> str:
    """The state of a chain as the text that its seal is made of."""
    parts = [str(chain.id), str(chain.day), chain.instance, chain.follows]
    return json.dumps([*parts, chain.length, chain.digest], separators=(",", ":"))


def append(values: Mapping[str, str]) -> AuditEvent:
    """Adds an event to a chain that nobody else holds, in the transaction of the act.

    `values`: HASHED columns by name; what is absent is empty, what is too long is cut.
    """
    texts = {name: _storable(values.get(name, ""), WIDTHS[name]) for name in HASHED}
    with transaction.atomic(savepoint=False):
        at = timezone.now()
        chain = _free_chain(at)
        number = chain.length + 1
        before = chain.digest or start_of(chain)
        digest = digest_of(before, str(chain.id), number, at, list(texts.values()))
        chain.length, chain.digest = number, digest
        chain.key, chain.seal = sealed(state_of(chain))
        event = AuditEvent(chain=chain.id, number=number, at=at, digest=digest, **texts)
        event.pk = _insert(event)
        if number > 1:  # it is there
            head = [number, digest, chain.key, chain.seal]
            _execute(SET_HEAD, [*head, _stored(AuditChain, "id", chain.pk)])
        else:
            chain.save(force_insert=True)
    return event


# Written out, since every act pays for them: Django takes three times as long to make them. All
# names in them are our own.
COLUMNS = [one for one in AuditEvent._meta.concrete_fields if not one.primary_key]
NAMES, PLACES = (", ".join(str(one.column) for one in COLUMNS), ", ".join(["%s"] * len(COLUMNS)))
TABLE, HEADS = AuditEvent._meta.db_table, AuditChain._meta.db_table
HEAD = ("id", "follows", "length", "digest", "key", "seal")
INSERT = f"INSERT INTO {TABLE} ({NAMES}) VALUES ({PLACES}) RETURNING id"  # noqa: S608 our names
FREE_HEAD = (
    f"SELECT {', '.join(HEAD)} FROM {HEADS} "  # noqa: S608 names of our own
    "WHERE day = %s AND instance = %s AND id > %s ORDER BY id LIMIT 1"
)
SET_HEAD = (
    f"UPDATE {HEADS} SET length = %s, digest = %s, "  # noqa: S608 names of our own
    "key = %s, seal = %s WHERE id = %s"
)


def _insert(event: AuditEvent) -> int:
    values = [one.get_db_prep_save(getattr(event, one.attname), connection) for one in COLUMNS]
    found: int = _execute(INSERT, values)[0]
    return found


def _execute(sql: str, values: Sequence[Any]) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return cursor.fetchone() if cursor.description else None


def _stored(model: Any, name: str, value: Any) -> Any:
    return model._meta.get_field(name).get_db_prep_save(value, connection)


def _free_chain(at: datetime) -> AuditChain:
    # elsewhere one writes at a time
    locked = connection.features.has_select_for_update_skip_locked
    sql = f"{FREE_HEAD} FOR UPDATE SKIP LOCKED" if locked else FREE_HEAD
    day, after = _stored(AuditChain, "day", at.date()), UUID(int=0)
    while found := _execute(sql, [day, instance(), _stored(AuditChain, "id", after)]):
        after = UUID(str(found[0]))
        head = dict(zip(HEAD, found, strict=True)) | {"id": after}
        chain = AuditChain(day=at.date(), instance=instance(), **head)
        # What another hand changed is not to be sealed as ours with the next event
        if is_sealed(state_of(chain), chain.key, chain.seal) or not settings.FERNET_KEYS:
            return chain
    last = AuditCheckpoint.objects.order_by("-day").values_list("digest", flat=True).first()
    return AuditChain(day=at.date(), instance=instance(), follows=last or "")


def reseal() -> int:
    """Seals the heads of days that are not signed yet with the newest key, so that an older one may
    go. What is not sealed by a key that is here stays as it is. Returns how many.
    """
    last = AuditCheckpoint.objects.order_by("-day").values_list("day", flat=True).first()
    number = 0
    for pk in AuditChain.objects.filter(day__gt=last or date.min).values_list("pk", flat=True):
        with transaction.atomic():
            chain = AuditChain.objects.select_for_update().get(pk=pk)
            key, seal = sealed(state_of(chain))
            if chain.key != key and is_sealed(state_of(chain), chain.key, chain.seal):
                chain.key, chain.seal = key, seal
                chain.save(update_fields=["key", "seal"])
                number += 1
    return number


def _storable(text: str, width: int | None) -> str:
    """A text that every database stores as it is."""
    clean = text.replace("\x00", "\ufffd").encode(errors="replace").decode()
    return clean if width is None or len(clean) <= width else f"{clean[: width - 1]}…"

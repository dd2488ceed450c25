"""The audit at scale: a million events of 90 days by 200 people and a program, how long the list
takes with any filter and any pair of filters, and what an event adds to a save.

`python -m bench.audit <events>` works on the database of DATABASE_URL.
"""

import itertools
import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

if TYPE_CHECKING:
    from connections.models import AuditEvent

DAYS, PEOPLE, ROWS, TEAMS, BATCH, SAVES = 90, 200, 5000, 20, 10_000, 300
VERBS = ("update", "test", "activate", "deactivate", "create", "delete")
KINDS = ("connection", "connection", "profile", "api_token", "person")
ROBOT = 7  # a third of all acts are those of one program, behind one address


def uuid(kind: int, number: int) -> UUID:
    """The id of a row that need not exist."""
    return UUID(int=(kind << 100) + number)


def events(number: int, now: datetime) -> Iterator["AuditEvent"]:
    """Events, the oldest first: 5 of 100 were refused, 3 name a second object."""
    chance, step = random.Random(15), timedelta(days=DAYS) / number
    for place in range(number):
        yield _event(chance, place, now - timedelta(days=DAYS) + place * step)


def _event(chance: random.Random, place: int, at: datetime) -> "AuditEvent":
    from connections.models import AuditEvent

    is_robot = chance.random() < 0.33
    who = ROBOT if is_robot else chance.randrange(PEOPLE)
    kind = "connection" if is_robot else chance.choice(KINDS)
    verb = "test" if is_robot else chance.choice(VERBS)
    row, team = int(ROWS * chance.random() ** 2), chance.randrange(2 * TEAMS)
    is_refused = chance.random() < 0.05
    return AuditEvent(
        chain=uuid(8, place // 100_000),
        number=place % 100_000 + 1,
        at=at,
        instance="bench",
        surface="api" if is_robot else "page",
        actor_kind="service_account" if is_robot else "person",
        actor_id=str(who),
        actor_name=f"user-{who}",
        token_kind="api_token" if is_robot else "",
        token_id=str(uuid(3, who)) if is_robot else "",
        token_name="deploy" if is_robot else "",
        address="192.0.2.7" if is_robot else f"10.1.{who % 16}.{who}",
        request_id=f"{place:032x}",
        action=f"{kind}.{verb}",
        object_kind=kind,
        object_id=str(uuid(1, row)),
        object_name=f"{kind}-{row}",
        team_id=str(uuid(5, team)) if team < TEAMS else "",
        team_name=f"Team {team}" if team < TEAMS else "",
        outcome="refused" if is_refused else "done",
        code="missing_right" if is_refused else "",
        body='{"changes":[["name","before","after"]]}',
        digest=f"{place:064x}",
    )


def load(number: int) -> None:
    """Inserts them, and what some of them name besides."""
    from django.db import connection
    from django.utils import timezone

    from connections.models import AuditEvent, AuditMention

    made = events(number, timezone.now())
    while batch := list(itertools.islice(made, BATCH)):
        rows = AuditEvent.objects.bulk_create(batch)
        AuditMention.objects.bulk_create(
            AuditMention(event=one, kind="profile", object_id=str(uuid(2, place % 500)))
            for place, one in enumerate(rows[::33])
        )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")

"""The audit at scale: a million events of 90 days by 200 people and a program, how long the list
takes with any filter and any pair of filters, and what an event adds to a save.

`python -m bench.audit <events>` works on the database of DATABASE_URL.
"""

import itertools
import random
import statistics
import sys
import time
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode
from uuid import UUID

if TYPE_CHECKING:
    from connections.models import AuditEvent

DAYS, PEOPLE, ROWS, TEAMS, BATCH, SAVES = 90, 200, 5000, 20, 10_000, 150
VERBS = ("update", "test", "activate", "deactivate", "create", "delete")
KINDS = ("connection", "connection", "profile", "api_token", "person")
BOUND = 150  # milliseconds that a page may take
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
    with connection.cursor() as cursor:  # as PostgreSQL does by itself after so many inserts
        cursor.execute("VACUUM ANALYZE" if connection.vendor == "postgresql" else "ANALYZE")


def filters(now: datetime) -> list[tuple[str, str]]:
    """A filter and a value of it each: of few events, of many, and of none."""
    return [
        ("actor", "12"),
        ("actor", str(ROBOT)),
        ("by", "service_account"),
        ("by", "command"),
        ("token", str(uuid(3, ROBOT))),
        ("kind", "connection"),
        ("kind", "person"),
        ("verb", "test"),
        ("verb", "delete"),
        ("action", "person.update"),
        ("object", f"connection:{uuid(1, 3)}"),
        ("outcome", "refused"),
        ("address", "10.1.3.3"),
        ("address", "10.0.0.0/8"),
        ("address", "192.0.2.7"),
        ("team", str(uuid(5, 3))),
        ("team", "none"),
        ("request", f"{703710:032x}"),
        ("q", "user-13"),
        ("q", "nobody-at-all"),
        ("from", f"{now - timedelta(days=1):%Y-%m-%d}"),
        ("to", f"{now - timedelta(days=80):%Y-%m-%d}"),
    ]


def measure_pages() -> None:
    """Prints how long the list takes in this process with no filter, each, and each two."""
    from django.utils import timezone

    from .in_process import signed_in

    client, single = signed_in(), filters(timezone.now())
    pairs = [dict(two) for two in itertools.combinations(single, 2) if two[0][0] != two[1][0]]
    cases: list[Mapping[str, str]] = [{}, *(dict([one]) for one in single), *pairs]
    found = []
    for case in cases:
        address, best = f"/audit/?{urlencode(case)}", 10.0**9
        for _ in range(3):
            started = time.perf_counter()
            response = client.get(address)
            best = min(best, (time.perf_counter() - started) * 1000)
            assert response.status_code == 200, address
        is_part = b"events since" in response.content
        found.append((best, ", ".join(f"{k}={v}" for k, v in case.items()) or "no filter", is_part))
    for best, name, is_part in (found[0], *sorted(found[1:], reverse=True)[:8]):
        print(f"{name[:78]:<80}{best:>8,.0f} ms{'  goes on' if is_part else ''}", flush=True)
    times = [one[0] for one in found]
    over = sum(one > BOUND for one in times)
    words = f"all {len(times)} filters and pairs: median, most"
    print(f"{words:<80}{statistics.median(times):>8,.0f} ms{max(times):>8,.0f} ms")
    print(f"{f'of them more than {BOUND} ms':<80}{over:>8}")


def measure_saves() -> None:
    """Prints what the event of a save adds to it: both ways by turns, on the same row."""
    from connections import services
    from connections.services import connections as module

    from .rows import SECRET

    made = services.create_connection(
        "openai",
        actor=None,
        alias=f"bench-{time.time_ns()}",
        name="0",
        settings={"api_key": SECRET},
    ).row
    browser, path = _caller(), f"/api/v1/connections/{made.pk}"

    def by_the_api(name: str) -> None:
        answer = browser.patch(path, {"name": name}, content_type="application/json")
        if answer.status_code != 200:
            raise RuntimeError(answer.content.decode())

    def by_the_service(name: str) -> None:
        services.update_connection(made, actor=None, name=name)

    own: dict[str, Any] = {"record": module.record, "changes_of": module.changes_of}
    without: dict[str, Any] = {"record": lambda *_a, **_k: None, "changes_of": lambda *_a: []}
    for words, save in (("the service alone", by_the_service), ("by the API", by_the_api)):
        took: dict[bool, list[float]] = {True: [], False: []}
        for number in range(2 * SAVES):
            has_event = number % 2 == 0
            for name, value in (own if has_event else without).items():
                setattr(module, name, value)
            started = time.perf_counter()
            save(f"Name {number} {words}")
            took[has_event].append((time.perf_counter() - started) * 1000)
        for name, value in own.items():
            setattr(module, name, value)
        with_event, bare = (statistics.median(took[one]) for one in (True, False))
        text = f"a save ({words}) without its event, with it, ratio"
        print(f"{text:<60}{bare:>8.2f} ms{with_event:>8.2f} ms{with_event / bare:>8.2f}")


def _caller() -> Any:
    """A client with the token of an administrator."""
    from django.contrib.auth.models import User
    from django.test import Client

    from connections.services import Scope, create_token

    person = User.objects.get_or_create(username="saver", defaults={"is_superuser": True})[0]
    token = create_token("bench", user=person, actor=person, scopes=[Scope.CONNECTIONS_WRITE])[1]
    return Client(SERVER_NAME="localhost", headers={"Authorization": f"Bearer {token}"})


def main() -> None:
    """Makes tables and rows where they are missing, then measures."""
    import django

    django.setup()
    from django.core.management import call_command

    from connections.models import AuditEvent

    call_command("migrate", verbosity=0)
    if not AuditEvent.objects.filter(instance="bench").exists():
        started = time.perf_counter()
        load(int(sys.argv[1]))
        print(f"{int(sys.argv[1]):,} events in {time.perf_counter() - started:.0f} s")
    measure_saves()
    measure_pages()


if __name__ == "__main__":
    main()

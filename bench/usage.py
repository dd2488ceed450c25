"""Usage at scale: a million requests of 30 days by 200 users to 40 profiles, and how long each page
and address that shows them takes.

`python -m bench.usage <requests>` works on the database of DATABASE_URL.
"""

import itertools
import random
import sys
import time
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

if TYPE_CHECKING:
    from django.test import Client

DAYS, USERS, PROFILES, CONNECTIONS, BATCH = 30, 200, 40, 20, 10_000
MODELS = ("gpt-4o", "gpt-4o-mini", "claude-sonnet", "claude-haiku", "gemini-flash")
PROVIDERS = ("openai", "openai", "anthropic", "anthropic", "google")
CODES = ("rate_limited", "timeout", "unauthorized", "error", "quota", "bad_request")
PERIODS = {"24 h": "24h", "7 d": "7d", "30 d": "30d"}
BREAKDOWNS = ("provider", "model", "profile", "connection", "user")
RECORDED = 6000

Request = tuple[dict[str, Any], list[dict[str, Any]]]  # with its attempts


def uuid(kind: int, number: int) -> UUID:
    """The id of a row that need not exist."""
    return UUID(int=(kind << 100) + number)


def requests(number: int, now: datetime) -> Iterator[Request]:
    """Requests, the oldest first: 4 of 100 fail, 2 hang up, 3 are answered by a
    fallback.
    """
    chance = random.Random(15)
    step = timedelta(days=DAYS) / number
    for place in range(number):
        at = now - timedelta(days=DAYS) + place * step
        key = UUID(
            int=(int(at.timestamp() * 1000) << 80) | (7 << 76) | (2 << 62) | chance.getrandbits(62)
        )
        yield _request(chance, at, key)


def _request(chance: random.Random, at: datetime, key: UUID) -> Request:
    user, profile, luck = chance.randrange(USERS), chance.randrange(PROFILES), chance.random()
    latency = int(chance.lognormvariate(6.5, 0.9)) + 20
    is_stream, is_fallback = chance.random() < 0.5, 0.06 <= luck < 0.09
    outcome = chance.choice(CODES) if luck < 0.04 else "client_closed" if luck < 0.06 else "ok"
    route = [profile, (profile + 1) % PROFILES][: 2 if is_fallback else 1]
    first = int(latency * chance.uniform(0.05, 0.5)) if is_stream and outcome == "ok" else None
    attempts = [
        _attempt(key, at, position, one, "timeout" if one != route[-1] else outcome)
        for position, one in enumerate(route)
    ]
    answered = route[-1] if outcome == "ok" else None
    return {
        **_target(route[-1]),
        "key": key,
        "request_id": key.hex,
        "started_at": at,
        "endpoint": "v1",
        "capability": "Chat",
        "profile_id": uuid(1, profile),
        "profile_alias": f"profile-{profile}",
        "answered_profile_id": None if answered is None else uuid(1, answered),
        "answered_profile_alias": "" if answered is None else f"profile-{answered}",
        "user_id": user,
        "user_name": f"user-{user}",
        "token_id": uuid(3, user),
        "token_name": f"Token of user-{user}",
        "is_stream": is_stream,
        "attempts": len(route),
        "input_tokens": chance.randrange(20, 8000),
        "output_tokens": chance.randrange(1, 1500),
        **dict.fromkeys(("cached_tokens", "cache_write_tokens", "reasoning_tokens")),
        "is_estimated": False,
        "latency_ms": latency,
        "first_chunk_ms": first,
        "outcome": outcome,
        "prompt": "",
        "answer": "",
    }, attempts


def _attempt(key: UUID, at: datetime, position: int, profile: int, outcome: str) -> dict[str, Any]:
    return {
        **_target(profile),
        "record_key": key,
        "position": position,
        "started_at": at,
        "profile_id": uuid(1, profile),
        "profile_alias": f"profile-{profile}",
        "outcome": "failed" if outcome in CODES else outcome,
        "code": outcome if outcome in CODES else "",
        "status": None,
        "error": "",
        "latency_ms": 500,
        "first_chunk_ms": None,
        "retries": 0,
        "is_cooling": False,
    }


def _target(profile: int) -> dict[str, Any]:
    number = profile % CONNECTIONS
    kind = number % len(MODELS)
    return {
        "connection_id": uuid(2, number),
        "connection_alias": f"connection-{number}",
        "connection_version": 1,
        "provider_id": PROVIDERS[kind],
        "model": MODELS[kind],
    }


def load(number: int) -> None:
    """Inserts them as the recorder does, and counts them into the totals."""
    from django.db import connection
    from django.utils import timezone

    from gateway.usage.counting import count_all
    from gateway.usage.scoped_counting import count_scopes

    made = requests(number, timezone.now())
    while batch := list(itertools.islice(made, BATCH)):
        write(batch)
    count_all()
    count_scopes()
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def write(batch: Sequence[Request]) -> None:
    """Inserts requests as the recorder does."""
    from django.db import transaction

    from gateway.usage.rows import ATTEMPTS, RECORDS

    with transaction.atomic():
        RECORDS.insert([record for record, _ in batch])
        ATTEMPTS.insert([one for _, attempts in batch for one in attempts])


def measure_recorder() -> None:
    """Prints the CPU of this process for a record: to write it, and to count it into the totals."""
    from django.utils import timezone

    from gateway.core.keys import new_key
    from gateway.usage.counting import count_all

    count_all()
    made = list(itertools.islice(requests(10**6, timezone.now()), RECORDED))
    for record, attempts in made:
        record |= {"key": new_key(), "started_at": timezone.now()}
        for one in attempts:
            one |= {"record_key": record["key"], "started_at": record["started_at"]}
    started = time.process_time()
    for place in range(0, RECORDED, 50):
        write(made[place : place + 50])
    written = time.process_time()
    count_all()
    for name, seconds in (
        ("a record, written", written - started),
        ("a record, counted", time.process_time() - written),
    ):
        print(f"{name:<50}{seconds / RECORDED * 1e6:>10,.0f} µs of CPU", flush=True)


def addresses(now: datetime) -> dict[str, str]:
    """The pages and the addresses of the API, by name."""
    found = {"dashboard": "/"}
    found |= {f"usage, {name}": f"/usage/?period={period}" for name, period in PERIODS.items()}
    month = f"from={now - timedelta(days=DAYS):%Y-%m-%dT%H:%M}Z&to={now:%Y-%m-%dT%H:%M}Z"
    paths = {
        "summary": "summary?",
        "time series": "time-series?",
        "time series, Kolkata": "time-series?timeZone=Asia/Kolkata&",
        **{f"by {one}": f"by-{one}?" for one in BREAKDOWNS},
        "records": "records?take=50&",
    }
    found |= {
        f"API, 30 d, {name}": f"/api/v1/analytics/usage-{path}{month}"
        for name, path in paths.items()
    }
    filters = {
        "failed": "outcome=failed",
        "a code": "outcome=timeout",
        "fallback": "attempts=fallback",
        "profile": "profile=profile-7",
        "connection": "connection=connection-7",
        "token": f"token={uuid(3, 7)}",
        "failed of a profile": "profile=profile-7&outcome=failed",
        "user": "user=user-7",
        "provider": "provider=openai",
        "model": "model=gpt-4o",
        "profile and connection": "profile=profile-7&connection=connection-7",
        "profile and model": "profile=profile-7&model=claude-sonnet",
        "profile and user": "profile=profile-7&user=user-7",
        "profile and a code": "profile=profile-7&outcome=timeout",
        "connection and user": "connection=connection-7&user=user-7",
        "token and profile": f"token={uuid(3, 7)}&profile=profile-7",
        "provider and model": "provider=openai&model=gpt-4o",
        "provider and a code": "provider=openai&outcome=timeout",
        "model and user": "model=gpt-4o&user=user-7",
        "provider, model and a code": "provider=openai&model=gpt-4o&outcome=timeout",
        "provider, model and user": "provider=openai&model=gpt-4o&user=user-7",
    }
    under = {
        "profile": "profile=profile-7",
        "provider": "provider=openai",
        "model": "model=gpt-4o",
        "user": "user=user-7",
        "a code": "outcome=timeout",
    }
    found |= {
        f"API, 30 d, {name}, by {one}": f"/api/v1/analytics/usage-by-{one}?{query}&{month}"
        for name, query in under.items()
        for one in BREAKDOWNS
    }
    found |= {
        f"usage, 30 d, filtered: {name}": f"/usage/?period=30d&{query}"
        for name, query in filters.items()
    }
    far = f"behind={now - timedelta(days=DAYS / 2):%Y-%m-%dT%H:%M:%SZ}~0"
    listed = {"newest": "", "far behind": far, **filters, "none fits": "outcome=no-such-code"}
    return found | {
        f"list of requests, 30 d: {name}": f"/usage/requests/?period=30d&{query}"
        for name, query in listed.items()
    }


def of_a_team(now: datetime) -> dict[str, str]:
    """What is asked as a member of a team."""
    found = addresses(now)
    parts = ("dashboard", "usage, 24", "usage, 7", "usage, 30 d", "summary", "series", "d, by ")
    return {
        f"team: {name}": path
        for name, path in found.items()
        if any(part in name for part in parts) and "records" not in name
    }


def join_a_team() -> "Client":
    """A browser of a member of a team that has every other profile, on connections of its own and
    of all; another team has the rest.
    """
    from django.contrib.auth.models import User
    from django.test import Client

    from connections.models import Connection, Membership, Profile, Role, Team

    teams = [Team.objects.get_or_create(name=f"Team {one}")[0] for one in "AB"]
    for number in range(CONNECTIONS):
        alias = f"connection-{number}"
        Connection.objects.get_or_create(
            pk=uuid(2, number),
            defaults={
                "alias": alias,
                "name": alias,
                "provider_id": PROVIDERS[number % len(PROVIDERS)],
                "team": teams[number % 2] if number >= 4 else None,
            },
        )
    for number in range(PROFILES):
        alias = f"profile-{number}"
        Profile.objects.get_or_create(
            pk=uuid(1, number),
            defaults={
                "alias": alias,
                "name": alias,
                "capability": "Chat",
                "connection_id": uuid(2, number % CONNECTIONS),
                "model": MODELS[number % CONNECTIONS % len(MODELS)],
                "team": teams[number % 2],
            },
        )
    user, _ = User.objects.get_or_create(username="bench-member")
    Membership.objects.get_or_create(team=teams[0], user=user, role=Role.OPERATOR)
    client = Client(headers={"host": "localhost"})
    client.force_login(user)
    return client


def main() -> None:
    """Makes tables and rows where they are missing, then measures."""
    import django

    django.setup()
    from django.core.management import call_command
    from django.utils import timezone

    from gateway.models import UsageRecord

    from .in_process import signed_in
    from .page_costs import measure

    call_command("migrate", verbosity=0)
    if not UsageRecord.objects.exists():
        started = time.perf_counter()
        load(int(sys.argv[1]))
        print(f"{int(sys.argv[1]):,} requests in {time.perf_counter() - started:.0f} s")
    measure(signed_in(), addresses(timezone.now()))
    measure(join_a_team(), of_a_team(timezone.now()))
    measure_recorder()


if __name__ == "__main__":
    main()

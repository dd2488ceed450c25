"""The rows of bench.instances, on the database that DATABASE_URL names: `python -m
bench.instances_rows <question> ...` prints the answer as JSON.
"""

import json
import sys
from itertools import pairwise
from typing import Any

from .rows import serve_from


def prepare(fast: str, slow: str, a_minute: str, a_day: str) -> dict[str, str]:
    """Tables, connections to the stubs at these ports, and tokens by their names."""
    from django.contrib.auth.models import User
    from django.core.management import call_command

    from connections import services

    call_command("migrate", verbosity=0)
    serve_from(int(fast), "bench")
    serve_from(int(slow), "bench-slow")
    services.create_connection("echo", actor=None, name="Quiet", alias="quiet")
    user = User.objects.create(username="bench", is_superuser=True)
    wanted: dict[str, dict[str, Any]] = {
        "free": {"scopes": ["gateway:use"]},
        "minute": {"scopes": ["gateway:use"], "requests_per_minute": int(a_minute)},
        "day": {"scopes": ["gateway:use"], "tokens_per_day": int(a_day)},
        "admin": {"scopes": ["admin"]},
    }
    return {
        name: services.create_token(name, user=user, actor=None, **more)[1]
        for name, more in wanted.items()
    }


def fill(number: str) -> str:
    """So many connections with profiles. Returns the cookie of an administrator."""
    from . import rows
    from .in_process import signed_in

    rows.fill(0, int(number))
    return str(signed_in().cookies["sessionid"].value)


def tokens() -> int:
    """The tokens of services that the token `day` has used, as recorded."""
    from django.db.models import F, Sum

    from gateway.models import UsageRecord

    used = UsageRecord.objects.filter(token_name="day", outcome="ok")
    return int(used.aggregate(n=Sum(F("input_tokens") + F("output_tokens")))["n"] or 0)


def usage() -> tuple[int, int, dict[str, float]]:
    """Requests to the fast stub that are recorded as answered, those in totals, and the bytes of a
    row of each table with its indexes.
    """
    from django.db import connection
    from django.db.models import Sum

    from gateway.models import UsageAttempt, UsageRecord, UsageTotal
    from gateway.usage.counting import count_all

    count_all()
    recorded = UsageRecord.objects.filter(outcome="ok", profile_alias="bench").count()
    of_profile = UsageTotal.objects.filter(dimension="profile", minutes=1440, name="bench")
    total = of_profile.filter(kind="ok").aggregate(n=Sum("requests"))["n"] or 0
    sizes = {}
    for name, model in (("record", UsageRecord), ("attempt", UsageAttempt), ("total", UsageTotal)):
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_total_relation_size(%s)", [model._meta.db_table])
            sizes[name] = cursor.fetchone()[0] / max(1, model._default_manager.count())
    return recorded, total, sizes


def connections() -> dict[str, int]:
    """Connections to PostgreSQL by what opened them."""
    from django.db import connection

    query = "query LIKE 'LISTEN%%'"
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT count(*) FILTER (WHERE {query}), count(*) FILTER (WHERE NOT {query}) "
            "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        listening, others = cursor.fetchone()
    return {"listening": listening, "of the pooler": others}


def holder() -> str:
    """Who runs what is due."""
    from connections.models import ScheduleLease

    return str(ScheduleLease.objects.values_list("holder", flat=True).first() or "")


def checks() -> tuple[int, float]:
    """Checks of the quiet connection, and the least seconds between two."""
    from connections.models import ConnectionCheck

    found = ConnectionCheck.objects.filter(connection__alias="quiet").order_by("checked_at")
    times = list(found.values_list("checked_at", flat=True))
    return len(times), min(((b - a).total_seconds() for a, b in pairwise(times)), default=0)


if __name__ == "__main__":
    import django

    django.setup()
    print(json.dumps(globals()[sys.argv[1]](*sys.argv[2:])))

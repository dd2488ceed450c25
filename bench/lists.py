"""Dashboard, faults and the list of connections with 10,000 rows: one in ten fails, then all.

`python -m bench.lists 10000`, on the database that DATABASE_URL names.
"""

import sys
from datetime import timedelta
from typing import TYPE_CHECKING

from .page_costs import cost_of, measure
from .rows import call_all, fill, prepare

if TYPE_CHECKING:
    from django.test import Client

PAGES = {"dashboard": "/", "attention": "/attention/"}
LIST = {
    "list": "/connections/",
    "list, page 300": "/connections/?page=300",
    "list by health": "/connections/?sort=health",
    "list by use": "/connections/?sort=-used",
    "list by last change": "/connections/?sort=-modified",
    "list by provider": "/connections/?sort=provider",
    "list, failing": "/connections/?health=failed",
    "list, of a tag": "/connections/?tag=prod",
    "list, found by one word": "/connections/?q=host-777.example",
    "list, found by two words": "/connections/?q=Connection+0777",
    "profiles": "/profiles/",
    "profiles by health": "/profiles/?sort=health",
    "API, attention": "/api/v1/attention?take=50",
    "API, connections": "/api/v1/connections?take=50",
}


def use_some(number: int) -> None:
    """The totals of the last seven days, of so many connections. PostgreSQL looks at them at once,
    as it does within a minute by itself: it chose a plan of seconds for a table it took for empty.
    """
    from django.db import connection
    from django.utils import timezone

    from gateway.models import UsageTotal
    from gateway.usage.buckets import DAY, begin

    today, day = begin(timezone.now(), DAY), 24 * 60
    UsageTotal.objects.bulk_create(
        [
            UsageTotal(
                dimension="connection",
                minutes=day,
                start=today - timedelta(days=days),
                name=f"connection-{one}",
                kind="ok",
                is_several=False,
                is_fallback=False,
                requests=one % 97 + days,
                attempts=one,
                input_tokens=one,
                output_tokens=one,
                latency_ms=one,
            )
            for one in range(number)
            for days in range(7)
        ],
        batch_size=500,
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def fail_all() -> None:
    """A service refuses the key of every connection."""
    from django.utils import timezone

    from connections.models import ConnectionTraffic

    now = timezone.now()
    ConnectionTraffic.objects.update(
        recent="+" * 9 + "-",
        failed_at=now,
        failing_since=now,
        failures=1,
        code="unauthorized",
        message="It does not accept the credentials.",
        is_of_account=True,
        is_failing=True,
    )


def recover_all() -> None:
    """All work again, as their next answered calls say."""
    from django.utils import timezone

    from connections.models import ConnectionTraffic

    ConnectionTraffic.objects.update(
        recent="", failing_since=None, failures=0, is_failing=False, answered_at=timezone.now()
    )


def first_look(client: "Client") -> None:
    """Prints what the first look at the faults costs after a change: they are ranked again."""
    from gateway.attention.ranking import MEMORY

    MEMORY.clear()
    found = cost_of(client, "/attention/")
    name = "attention, the first look after a change"
    print(f"  {name:<52}{found.cpu * 1000:>8,.0f}{found.wall * 1000:>18,.0f}", flush=True)


def main() -> None:
    """Fills where nothing is, then measures."""
    many = int(sys.argv[1])
    prepare(many, "admin")
    from connections.models import Connection, ConnectionTraffic
    from gateway.models import UsageTotal

    from .in_process import signed_in

    fill(Connection.objects.count(), many)
    ConnectionTraffic.objects.all().delete()
    call_all()
    if not UsageTotal.objects.exists():
        use_some(1000)
    client = signed_in()
    print(f"{many:,} connections, one in ten of the active fails")
    measure(client, PAGES | LIST)
    first_look(client)
    fail_all()
    print(f"{many:,} connections, all that are active fail")
    measure(client, PAGES)
    first_look(client)
    recover_all()
    print("all work again")
    measure(client, PAGES)
    first_look(client)


if __name__ == "__main__":
    main()

"""The rows that are measured.

`python -m bench.rows` makes those of the gateway in a process of its own.
"""

import sys

SECRET = "sk-bench-0123456789abcdef0123456789abcdef"


def fill(start: int, stop: int) -> None:
    """10,000 connections and 20,000 profiles; every second connection has a reference, every one a
    literal secret.
    """
    from connections.models import Connection, Profile

    rows = [
        Connection(
            alias=f"connection-{number}",
            name=f"Connection {number:05}",
            provider_id="openai",
            settings={
                "organization": "$OpenAI:Organization",
                "base_url": f"https://host-{number}.example.com/v1",
            },
            credentials={"api_key": f"{SECRET}-{number}"},
            credentials_key=newest_key(),
            tags=["prod"] if number % 2 else ["test", "eu"],
            is_active=number % 5 != 0,
        )
        for number in range(start, stop)
    ]
    Connection.objects.bulk_create(rows, batch_size=500)
    Profile.objects.bulk_create(
        [
            Profile(
                alias=f"profile-{number}",
                name=f"Profile {number:05}",
                capability="Chat",
                model="gpt-4o-mini",
                connection=rows[number // 2 - start],
            )
            for number in range(2 * start, 2 * stop)
        ],
        batch_size=500,
    )


def call_all() -> None:
    """Every connection was called today; of one in ten a service refuses the key."""
    from django.utils import timezone

    from connections.models import Connection, ConnectionTraffic

    now, rows = timezone.now(), []
    for number, pk in enumerate(Connection.objects.order_by("pk").values_list("pk", flat=True)):
        row = ConnectionTraffic(connection_id=pk, model="gpt-4o-mini", version=1, recent="+" * 9)
        row.answered_at = now
        if number % 10 == 0:
            row.recent, row.failed_at, row.failing_since, row.failures = "+" * 9 + "-", now, now, 1
            row.code, row.message = "unauthorized", "It does not accept the credentials."
            row.is_of_account = row.is_failing = True
        rows.append(row)
    ConnectionTraffic.objects.bulk_create(rows, batch_size=500)


def newest_key() -> str:
    """The name of the key that encrypts."""
    from connections.credentials import key_ids

    return key_ids()[0]


def prepare(connections: int, scope: str) -> list[str]:
    """Loads Django, makes tables and rows where they are missing, and two tokens with this scope:
    without limits, and with limits that are counted and never reached.
    """
    import django

    django.setup()
    from django.contrib.auth.models import User
    from django.core.management import call_command
    from django.db import connection

    from connections import services
    from connections.models import Connection

    call_command("migrate", verbosity=0)
    if not Connection.objects.exists():
        fill(0, connections)
    user = User.objects.get_or_create(username="bench", is_superuser=True)[0]
    limits = {"requests_per_minute": 10**6, "tokens_per_day": 2 * 10**9}
    tokens = [
        services.create_token(name, user=user, actor=None, scopes=[scope], **more)[1]
        for name, more in (("bench", {}), ("bench-limited", limits))
    ]
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    connection.close()
    return tokens


def serve_from(port: int, alias: str) -> None:
    """A profile that is answered by the stub on this port."""
    from connections import services

    settings = {"base_url": f"http://127.0.0.1:{port}/v1", "api_key": SECRET}
    saved = services.create_connection(
        "openai-compatible", actor=None, name=alias, alias=alias, settings=settings
    )
    services.create_profile(
        saved.row, actor=None, capability="Chat", name=alias, alias=alias, model="stub"
    )


# connections, then the ports of a fast and of a slow stub; prints the tokens
if __name__ == "__main__":
    tokens = prepare(int(sys.argv[1]), "gateway:use")
    serve_from(int(sys.argv[2]), "bench")
    serve_from(int(sys.argv[3]), "bench-slow")
    print(*tokens)

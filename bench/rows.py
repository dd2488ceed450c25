"""The rows that are measured."""

SECRET = "sk-bench-0123456789abcdef0123456789abcdef"


def fill(start: int, stop: int) -> None:
    """10,000 connections and 20,000 profiles; every second connection has a reference, every one a literal secret."""
    from connections.models import Connection, Profile

    rows = [
        Connection(
            alias=f"connection-{number}",
            name=f"Connection {number:05}",
            provider_id="openai",
            settings={"organization": "$OpenAI:Organization", "base_url": f"https://host-{number}.example.com/v1"},
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


def newest_key() -> str:
    """The name of the key that encrypts."""
    from connections.credentials import key_ids

    return key_ids()[0]

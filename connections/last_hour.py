"""The requests of the last hour. Whatever uses profiles keeps them, and declares how they are read
when Django starts.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Asked:
    """Requests to a profile that came to a connection, with a token; None for what there was
    not.
    """

    number: int
    profile_id: UUID | None = None
    connection_id: UUID | None = None
    token_id: UUID | None = None


Read = Callable[[], Iterable[Asked]]
_declared: dict[str, Read] = {}


def declare(name: str, read: Read) -> None:
    """Adds a reader of requests. Called when an app is ready; one of the same name is replaced."""
    _declared[name] = read


def last_hour() -> list[Asked]:
    """The requests of the last hour, from every reader."""
    return [one for read in _declared.values() for one in read()]

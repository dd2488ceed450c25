"""What every source of references has in common: its protocol, its error, how a file is read."""

from pathlib import Path
from typing import Protocol

LARGEST_VALUE = 64 * 1024  # bytes of one value in a file


class SourceError(Exception):
    """A source that is set up cannot be read. `str()` names it and the cure, never a value."""


class Source(Protocol):
    """A source, as the resolver needs it."""

    name: str  # for people: "environment"

    def lookup(self, key: tuple[str, ...]) -> str | None:
        """The value, or None when this source does not have the key. Raises SourceError."""
        ...

    def sections(self) -> frozenset[str]:
        """The sections, lower case, that this source sets aside for references just by holding
        them. Raises SourceError.
        """
        ...


def read_value(path: Path, what: str) -> str:
    """The content of a small text file without surrounding blanks.

    Raises SourceError that calls the file `what`.
    """
    try:
        data = path.read_bytes()[: LARGEST_VALUE + 1]
        if len(data) > LARGEST_VALUE:
            raise SourceError(f"Of {what} is more than 64 KB, which is no setting.")
        return data.decode().strip()
    except OSError as error:
        raise SourceError(
            f"Cannot read {what} ({error.strerror}). Check that it exists and may be read."
        ) from error
    except UnicodeDecodeError:
        raise SourceError(f"Cannot read {what}: it is not UTF-8 text.") from None

"""The protocol of every source of references, its faults, and how a file is read."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from django.utils.functional import Promise
from django.utils.translation import gettext, gettext_noop

LARGEST_VALUE = 64 * 1024  # bytes of one value in a file


class Fault(StrEnum):
    """The reason why a source could not be asked."""

    BROKEN = "error"  # what it holds cannot be read: a file that is gone, a secret of another form
    DENIED = "denied"  # it knows who asks, and does not allow it
    AWAY = "away"  # it does not answer
    SIGN_IN_FAILED = "sign_in_failed"  # it does not accept who asks


class SourceError(Exception):
    """A source that is set up cannot be read. `str()` names it and the cure, never a value.

    `values` fill the sentence. It is translated for whoever reads it: a worker keeps the error of a
    store for all of its requests.
    """

    def __init__(self, sentence: str, fault: Fault = Fault.BROKEN, **values: object) -> None:
        super().__init__(sentence)
        self.sentence, self.fault, self.values = sentence, fault, values

    def __str__(self) -> str:
        text = gettext(self.sentence)
        return text % self.values if self.values else text


@dataclass(frozen=True)
class Outage:
    """A store that does not answer, as a worker knows it: since when, and what that means."""

    name: str
    since: datetime
    message: str


@dataclass(frozen=True)
class Dated:
    """What a store holds at a place, and when that ends as the store says; None for never."""

    content: Any = field(repr=False)
    ends_at: datetime | None


class Source(Protocol):
    """A source, as the resolver needs it."""

    @property
    def name(self) -> str:
        """For people: "environment"."""
        ...

    def holds(self, section: str) -> bool:
        """True if what it has of this section, in lower case, was set aside for references just
        by being there. Raises SourceError.
        """
        ...

    def lookup(self, key: tuple[str, ...]) -> str | None:
        """The value, or None when this source does not have the key. Raises SourceError."""
        ...


@runtime_checkable
class ListsNames(Protocol):
    """A source that can say cheaply which keys it has."""

    def names(self) -> Iterable[tuple[str, ...]]:
        """The keys, never a value. Raises SourceError."""
        ...


class Store(Protocol):
    """A secret store, as `KeptStore` needs it. Each question asks it anew.

    `depth`: how many segments of a key name what is read at once: 1 for stores in which a section
    is one secret, None for those that keep one value per name.
    """

    name: str
    depth: int | None
    cure: str | Promise  # completes "X is not set.": where to put a value

    def read(self, place: tuple[str, ...]) -> Any:
        """What is kept there: a mapping, or a text; None for nothing. Dated, where the store tells
        its end with it. Raises SourceError.
        """
        ...

    def reach(self) -> None:
        """Raises SourceError when it does not answer. Signs in nowhere and reads no secret."""
        ...


def read_value(path: Path, what: str | Promise) -> str:
    """The content of a small text file without surrounding blanks.

    Raises SourceError that calls the file `what`.
    """
    try:
        data = path.read_bytes()[: LARGEST_VALUE + 1]
        if len(data) > LARGEST_VALUE:
            raise SourceError(
                gettext_noop("Of %(what)s is more than 64 KB, which is no setting."), what=what
            )
        return data.decode("utf-8-sig").strip()
    except OSError as error:
        raise SourceError(
            gettext_noop(
                "Cannot read %(what)s (%(reason)s). Check that it exists and may be read."
            ),
            what=what,
            reason=error.strerror,
        ) from error
    except UnicodeDecodeError:
        raise SourceError(
            gettext_noop("Cannot read %(what)s: it is not UTF-8 text."), what=what
        ) from None


def as_mapping(content: Any, what: str | Promise) -> Mapping[str, Any]:
    """The content of a secret that holds a section. Raises SourceError that calls it `what`."""
    if not isinstance(content, Mapping):
        text = gettext_noop("%(what)s is not a JSON object of keys and values. Write it as one.")
        raise SourceError(text, what=what)
    return content

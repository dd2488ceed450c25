"""A secret store as a source: what it answered is kept for a while, one thread asks for all, and
the last value stands in for a store that does not answer.
"""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from django.utils.translation import gettext, gettext_noop

from .base import Dated, Fault, Outage, SourceError, Store
from .settings import descend, text

FRESH = 30.0  # seconds in which a store is not asked again for what it answered
PAUSE = 1.0  # seconds until a store that is away, or refused to sign us in, is asked again
LOOK_EVERY = 5.0  # seconds between two looks whether a store is there
LOOK_FOR = 0.3  # seconds
PATIENCE = 30.0  # seconds that a thread waits for another one's question

logger = logging.getLogger(__name__)
Place = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer of a store, when it was asked for, and when it ends as the store says."""

    content: Any = field(repr=False)
    asked_at: float
    ends_at: datetime | None = None


class KeptStore:
    """A source that asks a store, at most once in FRESH seconds for each place that it has.

    Nothing negative is kept: what is missing, denied or not signed in is asked for again.
    `stale`: seconds for which an answer is used on while the store is away.
    """

    def __init__(
        self, store: Store, stale: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.store, self._stale, self._clock = store, stale, clock
        self._kept: dict[Place, Kept] = {}
        self._flights: dict[Place, Future[Any]] = {}
        self._lock = threading.Lock()
        self._failed: tuple[float, SourceError] | None = None  # when it failed as a whole, and how
        self._since: datetime | None = None
        self._asking_behind = False
        self._looked_at = float("-inf")

    @property
    def name(self) -> str:
        """The store's name for people."""
        return self.store.name

    @property
    def outage(self) -> Outage | None:
        """The outage of the store as far as this worker knows, None while it answers."""
        since = self._since
        if since is None:
            return None
        minutes = self._stale / 60
        text = gettext(
            "%(name)s does not answer since %(time)s UTC. Its last values are used for %(minutes)s "
            "minutes after they were read."
        )
        text %= {
            "name": self.name,
            "time": f"{since:%Y-%m-%d %H:%M:%S}",
            "minutes": f"{minutes:g}",
        }
        return Outage(self.name, since, text)

    @property
    def age(self) -> float | None:
        """The seconds since the oldest kept answer was asked for, None where nothing is kept."""
        asked = [one.asked_at for one in list(self._kept.values())]
        return self._clock() - min(asked) if asked else None

    @property
    def ends(self) -> Mapping[str, datetime]:
        """What it needs that ends one day, by its name for people."""
        return getattr(self.store, "ends", {})

    def holds(self, section: str) -> bool:  # noqa: ARG002 whoever gave us a store set it all aside
        """True: the whole store, below its prefix, was given to Switchboard."""
        return True

    def lookup(self, key: tuple[str, ...]) -> str | None:
        """The value, from what is kept while that is fresh. Raises SourceError."""
        place = key if self.store.depth is None else key[: self.store.depth]
        rest = tuple(segment.lower() for segment in key[len(place) :])
        kept = self._kept.get(place)
        if kept is not None:
            age = self._clock() - kept.asked_at
            if age < FRESH and (value := text(descend(kept.content, rest))) is not None:
                return value
            if self._since is not None and age < FRESH + self._stale:
                self._ask_behind(place)
                return self._value(kept.content, rest)
        return self._value(self._ask(place, kept), rest)

    def _value(self, content: Any, rest: Place) -> str | None:
        """The value in it. What an old answer lacks may be there by now: that is an outage, or
        another source would be asked instead.
        """
        value = text(descend(content, rest))
        if value is None and (outage := self.outage):
            raise SourceError(outage.message, Fault.AWAY)
        return value

    def asked_at(self, key: tuple[str, ...]) -> float | None:
        """When the store was asked for what is kept of this key, by the clock."""
        kept = self._kept_of(key)
        return kept.asked_at if kept else None

    def ends_at(self, key: tuple[str, ...]) -> datetime | None:
        """When the store will not hold this key any more, or what it holds ends, as it says."""
        kept = self._kept_of(key)
        return kept.ends_at if kept else None

    def _kept_of(self, key: tuple[str, ...]) -> Kept | None:
        return self._kept.get(key if self.store.depth is None else key[: self.store.depth])

    def look(self) -> None:
        """Asks whether the store is there, in a thread and at most once in LOOK_EVERY seconds, and
        waits a moment for the answer, which `outage` then knows.
        """
        with self._lock:
            if self._clock() - self._looked_at < LOOK_EVERY:
                return
            self._looked_at = self._clock()

        def ask() -> None:
            try:
                self.store.reach()
            except SourceError as error:
                self._note_failure(error)
            else:
                self._note_answer()

        thread = threading.Thread(target=ask, name=f"looking for {self.name}", daemon=True)
        thread.start()
        thread.join(LOOK_FOR)

    def _ask_behind(self, place: Place) -> None:
        """Asks a store that is away in a thread, so that no request waits for it."""
        with self._lock:
            if self._asking_behind or self._failure() is not None:
                return
            self._asking_behind = True

        def ask() -> None:
            with suppress(SourceError):
                self._ask(place, self._kept.get(place))
            self._asking_behind = False

        threading.Thread(target=ask, name=f"asking {self.name}", daemon=True).start()

    def _ask(self, place: Place, seen: Kept | None) -> Any:
        """What the store holds there. Whoever comes while it is asked waits for the answer."""
        with self._lock:
            kept = self._kept.get(place)
            if kept is not None and kept is not seen:
                return kept.content  # it was asked while we came
            flight = self._flights.get(place)
            is_mine = flight is None
            if flight is None:
                flight = self._flights[place] = Future()
        if is_mine:
            outcome: Any = None
            try:
                outcome = self._read(place)
            finally:
                with self._lock:
                    del self._flights[place]
                flight.set_result(outcome)
        else:
            outcome = flight.result(PATIENCE)
        if isinstance(outcome, SourceError):
            raise SourceError(outcome.sentence, outcome.fault, **outcome.values)
        return outcome

    def _read(self, place: Place) -> Any:
        """The store's answer, or the error that stands for it."""
        error, began = self._failure(), self._clock()
        if error is None:
            try:
                content = self.store.read(place)
            except SourceError as raised:
                error = raised
                self._note_failure(error)
            except Exception as raised:  # noqa: BLE001 a client's own; its text may hold a value
                error = SourceError(
                    gettext_noop("%(name)s failed (%(reason)s)."),
                    Fault.AWAY,
                    name=self.name,
                    reason=type(raised).__name__,
                )
                self._note_failure(error)
            else:
                self._note_answer()
                dated = content if isinstance(content, Dated) else Dated(content, None)
                return self._keep(place, dated, began)
        kept, since = self._kept.get(place), self._since
        if error.fault != Fault.AWAY:
            self._kept.pop(place, None)
        elif kept is not None and began < kept.asked_at + FRESH + self._stale:
            return kept.content
        elif since is not None:
            text = gettext_noop("%(error)s Away since %(time)s UTC.")
            return SourceError(text, error.fault, error=error, time=f"{since:%Y-%m-%d %H:%M:%S}")
        return error

    def _keep(self, place: Place, dated: Dated, asked_at: float) -> Any:
        oldest = asked_at - FRESH - self._stale
        for other, kept in [*self._kept.items()]:
            if kept.asked_at < oldest:
                self._kept.pop(other, None)
        if dated.content is None:
            self._kept.pop(place, None)
        else:
            self._kept[place] = Kept(dated.content, asked_at, dated.ends_at)
        return dated.content

    def _failure(self) -> SourceError | None:
        """The failure of the whole store that is too young to ask again."""
        failed = self._failed
        return failed[1] if failed and self._clock() - failed[0] < PAUSE else None

    def _note_failure(self, error: SourceError) -> None:
        is_of_all = error.fault in (Fault.AWAY, Fault.SIGN_IN_FAILED)
        self._failed = (self._clock(), error) if is_of_all else None
        if error.fault != Fault.AWAY:
            self._note_back()
            return
        with self._lock:
            if self._since is not None:
                return
            self._since = datetime.now(UTC)
        until = datetime.now(UTC) + timedelta(seconds=self._stale)
        logger.error(
            "%s is away since %s UTC. What was read of it is used until %s UTC at the latest.",
            self.name,
            f"{self._since:%Y-%m-%d %H:%M:%S}",
            f"{until:%H:%M:%S}",
        )

    def _note_answer(self) -> None:
        self._failed = None
        self._note_back()

    def _note_back(self) -> None:
        with self._lock:
            since, self._since = self._since, None
        if since is not None:
            logger.warning("%s is back, away since %s UTC.", self.name, f"{since:%H:%M:%S}")

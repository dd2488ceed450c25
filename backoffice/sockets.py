"""The open sockets of one worker, and their bounds: how long a client may take to send a request or
to read an answer, and how many sockets may wait for their client.

A socket whose whole request has arrived is not waited for: an answer may take as long as it takes.
"""

import logging
import time
from collections import Counter
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from connections.telemetry import metrics
from connections.telemetry.declared import SOCKETS_CLOSED

# A socket has waited long once this many sweeps have seen it. Not seconds: in a burst the worker
# itself may be too busy to read what has been sent, and it reads between two sweeps.
LONG = 2
LOG_EVERY = 60.0  # seconds between two lines about the same kind of closing

logger = logging.getLogger(__name__)


class Phase(Enum):
    """Something that a client may still have to do.

    HEAD: send the head of a request. BODY: send the rest of it. IDLE: ask again, or not. NONE: the
    whole request is here.
    """

    HEAD = "head"
    BODY = "body"
    IDLE = "idle"
    NONE = "none"


class Reason(Enum):
    """Why a socket is closed. The value completes the sentence of the log."""

    SILENT = "sent nothing in time (HEAD_TIMEOUT)"
    HEAD = "did not finish the head of a request in time (HEAD_TIMEOUT)"
    BODY = "did not finish the body of a request in time (BODY_TIMEOUT)"
    UNREAD = "did not read their answer in time (SEND_TIMEOUT)"
    CLIENT = "waited without a whole request, too many from one address (SOCKETS_PER_CLIENT)"
    ROOM = "waited for their client while the worker was full (SOCKETS_PER_WORKER, ulimit -n)"
    STOPPED = "waited without a request while the worker ended"
    FULL = "were refused with 503, because the worker was full (SOCKETS_PER_WORKER, ulimit -n)"


@dataclass(frozen=True)
class Bounds:
    """Seconds for a head, for a body and for reading a piece of an answer; the number of sockets
    of one client that wait for the rest of a request, 0 for any; the number of all sockets.
    """

    head: float
    body: float
    send: float
    per_client: int
    total: int


class Socket(Protocol):
    """The part of a connection that is looked at here. Times are those of time.monotonic()."""

    client: str
    phase: Phase
    since: float
    unread_since: float | None

    def end(self, reason: Reason) -> None:
        """Closes it."""

    def is_held_back(self) -> bool:
        """True while the client is kept from sending."""

    def is_silent(self) -> bool:
        """True if the client has not sent a single byte."""


# Client -> its sockets, the one that waits longest first, with the number of sweeps before it came.
Waiting = dict[str, dict[Socket, int]]


class OpenSockets:
    """Every open socket of a worker."""

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds
        self._open: set[Socket] = set()
        self._unread: set[Socket] = set()
        self._half_open: Waiting = {}
        self._idle: Waiting = {}
        self._sweeps = 0
        self._closed: Counter[Reason] = Counter()
        self._told: dict[Reason, float] = {}

    def __len__(self) -> int:
        return len(self._open)

    def add(self, socket: Socket) -> None:
        """Takes a new socket. In a full worker one that waits has to go for it. It is ended itself
        when every other one is at work.
        """
        self._open.add(socket)
        self.place(socket)
        while len(self._open) > self._bounds.total:
            oldest = self._most_dispensable(socket)
            self._end(oldest, Reason.FULL if oldest is socket else Reason.ROOM)

    def place(self, socket: Socket) -> None:
        """Notes the phase of a socket."""
        if socket not in self._open:
            return
        places = self._idle if socket.phase is Phase.IDLE else self._half_open
        if socket.phase is not Phase.NONE and socket in places.get(socket.client, ()):
            return  # it goes on waiting
        self._take_out(socket)
        if socket.phase is not Phase.NONE:
            places.setdefault(socket.client, {})[socket] = self._sweeps

    def place_unread(self, socket: Socket) -> None:
        """Notes whether a client is behind with reading its answer."""
        if socket.unread_since is None:
            self._unread.discard(socket)
        elif socket in self._open:
            self._unread.add(socket)

    def remove(self, socket: Socket) -> None:
        """Forgets a socket that is closed."""
        self._open.discard(socket)
        self._unread.discard(socket)
        self._take_out(socket)

    def sweep(self) -> None:
        """Ends every socket whose time is over and those of a client that are too many, and says
        what was closed. To be called by the event loop, each half second or so.
        """
        self._sweeps += 1
        now = time.monotonic()
        for client in [*self._half_open] if self._bounds.per_client else ():
            self._sweep_client(client)
        for socket in [one for mine in self._half_open.values() for one in mine]:
            is_head = socket.phase is Phase.HEAD
            if now - socket.since > (self._bounds.head if is_head else self._bounds.body):
                if socket.is_held_back():
                    socket.since = now
                elif is_head:
                    self._end(socket, Reason.SILENT if socket.is_silent() else Reason.HEAD)
                else:
                    self._end(socket, Reason.BODY)
        for socket in list(self._unread):
            if socket.unread_since is not None and now - socket.unread_since > self._bounds.send:
                self._end(socket, Reason.UNREAD)
        self._tell(now)

    def end_quiet(self, seconds: float) -> None:
        """Ends every socket that has asked nothing for so long, for a worker that ends."""
        until = time.monotonic() - seconds
        places = (*self._idle.values(), *self._half_open.values())
        for socket in [one for mine in places for one in mine]:
            is_waited_for = socket.phase is not Phase.IDLE and not socket.is_silent()
            if not is_waited_for and socket.since <= until:
                self._end(socket, Reason.STOPPED)

    def _sweep_client(self, client: str) -> None:
        mine = self._half_open[client]
        # without an address it is a proxy's, on a Unix socket
        while client and len(mine) > self._bounds.per_client and self._has_waited(mine):
            self._end(next(iter(mine)), Reason.CLIENT)

    def _has_waited(self, mine: dict[Socket, int]) -> bool:
        """True if the first of these sockets has waited long."""
        return self._sweeps - next(iter(mine.values())) > LONG

    def _most_dispensable(self, newest: Socket) -> Socket:
        """The socket that goes when there are too many: one of the client with most of those that
        wait, and of these the oldest that is half open, else idle; `newest` where no other waits.
        """

        def waiting(client: str) -> int:
            return len(self._half_open.get(client, ())) + len(self._idle.get(client, ()))

        # the newest counts for its client, but has had no time to send anything
        client = max({*self._half_open, *self._idle}, key=waiting, default=newest.client)
        half_open = self._half_open.get(client, {})
        oldest = next(iter(half_open), newest)
        if oldest is not newest and self._has_waited(half_open):
            return oldest
        return next(iter(self._idle.get(client, ())), oldest)

    def _take_out(self, socket: Socket) -> None:
        for places in (self._half_open, self._idle):
            mine = places.get(socket.client)
            if mine is not None:
                mine.pop(socket, None)
                if not mine:
                    del places[socket.client]

    def _end(self, socket: Socket, reason: Reason) -> None:
        self.remove(socket)
        self._closed[reason] += 1
        metrics.add(SOCKETS_CLOSED, (reason.name.lower(),))
        socket.end(reason)

    def _tell(self, now: float) -> None:
        for reason, number in list(self._closed.items()):
            if now - self._told.get(reason, float("-inf")) >= LOG_EVERY:
                self._told[reason] = now
                del self._closed[reason]
                # a browser opens sockets that it may never use
                is_usual = reason in (Reason.SILENT, Reason.STOPPED)
                level = logging.INFO if is_usual else logging.WARNING
                logger.log(level, "Closed %s sockets: they %s.", number, reason.value)

"""Takes connections so that all workers share them.

asyncio and uvloop take as many as wait in the queue at once (asyncio/selector_events.py,
_accept_connection; libuv, uv__server_io). Sixteen clients that connect in one moment would all be
served by the worker that woke first, on one CPU, as long as they keep their connections.
"""

import asyncio
import errno
import socket
import ssl
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

REST = 0.001  # seconds
MEMORY = 1.0  # seconds
NO_ROOM_REST = 1.0  # seconds, where there are no descriptors left
NO_ROOM = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
SHARE = 8
MOST_WAITING = 2048  # gunicorn's backlog


class Listener:
    """Takes connections from a listening socket, in the place of asyncio's Server: one in a turn of
    the loop, and one more for each SHARE that are open, of which `count_open` tells the number.

    When it has more than it had within MEMORY, it leaves the queue to the other workers for REST.
    Clients that connect anew for each request make no worker rest. `handshake`: the seconds that a
    client may take for one of TLS.
    """

    def __init__(
        self,
        protocol: Callable[[], asyncio.BaseProtocol],
        listening: socket.socket,
        tls: ssl.SSLContext | None,
        handshake: float,
        count_open: Callable[[], int],
    ) -> None:
        self._protocol, self.listening = protocol, listening
        self._tls: dict[str, Any] = (
            {"ssl": tls, "ssl_handshake_timeout": handshake} if tls is not None else {}
        )
        self._count_open = count_open
        self._loop = asyncio.get_running_loop()
        self._beginning: set[asyncio.Task[object]] = set()
        self._most, self._most_at = 0, float("-inf")
        self._is_closed = False
        listening.setblocking(False)
        self._listen()

    def close(self) -> None:
        """Takes who waits already, then no more, and gives the socket up: the port closes when the
        last process has. What was taken goes on.
        """
        if self._is_closed:
            return
        self._is_closed = True
        self._loop.remove_reader(self.listening)
        with suppress(OSError):  # nobody waits any more; whoever does when it closes is reset
            for _ in range(MOST_WAITING):
                self._begin(self.listening.accept()[0])
        self.listening.close()

    async def wait_closed(self) -> None:
        """Returns at once."""

    def _listen(self) -> None:
        if not self._is_closed:
            self._loop.add_reader(self.listening, self._take)

    def _rest(self, seconds: float) -> None:
        self._loop.remove_reader(self.listening)
        self._loop.call_later(seconds, self._listen)

    def _take(self) -> None:
        before = self._open()
        try:
            for _ in range(1 + before // SHARE):
                connection, _address = self.listening.accept()
                self._begin(connection)
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):
            pass  # another worker was faster, or the client has gone
        except OSError as error:
            if error.errno not in NO_ROOM:
                raise
            self._rest(NO_ROOM_REST)
            return
        if self._has_more_than(before):
            self._rest(REST)

    def _open(self) -> int:
        return self._count_open() + len(self._beginning)

    def _has_more_than(self, before: int) -> bool:
        now, found = self._loop.time(), self._open()
        if now - self._most_at > MEMORY:
            self._most, self._most_at = before, now
        if found <= self._most:
            return False
        self._most, self._most_at = found, now
        return True

    def _begin(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        if connection.family != socket.AF_UNIX:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        beginning = self._loop.connect_accepted_socket(self._protocol, connection, **self._tls)
        task = self._loop.create_task(self._begun(beginning))
        self._beginning.add(task)
        task.add_done_callback(self._beginning.discard)

    async def _begun(self, beginning: Coroutine[Any, Any, object]) -> None:
        with suppress(OSError):  # the client has gone, or speaks no TLS
            await beginning

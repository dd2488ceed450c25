"""How often an SDK sends a request again within one call, and what it must not send again.

SDKs repeat inside and tell nobody; they repeat too what a service has read before the connection
broke, which would be billed twice. Both guarded transports note here what they send.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

import httpx2

# What breaks after a service may have read the request.
AFTER_SENDING = (httpx2.ReadTimeout, httpx2.ReadError, httpx2.RemoteProtocolError)

Key = tuple[str, str, int]


@dataclass
class SentRequests:
    """The requests of one call. `retries`: how many were sent again after a failure."""

    retries: int = 0
    _failed: set[Key] = field(default_factory=set)
    _lost: dict[Key, Exception] = field(default_factory=dict)

    def begin(self, key: Key) -> None:
        """Counts a request. Raises as before for one that the service may have read."""
        if key in self._lost:
            raise self._lost[key]
        if key in self._failed:
            self._failed.discard(key)
            self.retries += 1

    def fail(self, key: Key) -> None:
        """Notes that the service refused it, or was not reached."""
        self._failed.add(key)

    def lose(self, key: Key, error: Exception) -> None:
        """Notes that its answer was lost."""
        self._lost[key] = error


_sent: ContextVar[SentRequests | None] = ContextVar("sent", default=None)


@contextmanager
def counting_retries() -> Iterator[SentRequests]:
    """Counts what is sent inside of the block, also by the tasks and threads that it starts."""
    found = SentRequests()
    token = _sent.set(found)
    try:
        yield found
    finally:
        _sent.reset(token)


@contextmanager
def noted(request: httpx2.Request) -> Iterator["Noted"]:
    """Notes one request where somebody counts; `Noted.answered` notes its answer.

    Raises what the block raises.
    """
    sent = _sent.get()
    one = Noted(sent, _key(request)) if sent is not None else Noted(None, ("", "", 0))
    if sent is None:
        yield one
        return
    sent.begin(one.key)
    try:
        yield one
    except AFTER_SENDING as error:
        sent.lose(one.key, error)
        raise
    except Exception:
        sent.fail(one.key)
        raise


def _key(request: httpx2.Request) -> Key:
    try:
        body = hash(request.content)
    except httpx2.RequestNotRead:
        body = 0
    return request.method, str(request.url), body


@dataclass(frozen=True)
class Noted:
    """A request that is noted, where somebody counts."""

    sent: SentRequests | None
    key: Key

    def answered(self, response: httpx2.Response) -> httpx2.Response:
        """Notes an answer. A refusal may be asked again; what breaks later was read."""
        if self.sent is not None:
            if response.is_error:
                self.sent.fail(self.key)
            elif isinstance(response.stream, httpx2.AsyncByteStream):
                response.stream = _AsyncWatched(response.stream, self)
            elif isinstance(response.stream, httpx2.SyncByteStream):
                response.stream = _Watched(response.stream, self)
        return response

    def lose(self, error: Exception) -> None:
        """Notes that the answer broke off."""
        if self.sent is not None:
            self.sent.lose(self.key, error)


class _AsyncWatched(httpx2.AsyncByteStream):
    def __init__(self, stream: httpx2.AsyncByteStream, noted: Noted) -> None:
        self._stream, self._noted = stream, noted

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for piece in self._stream:
                yield piece
        except AFTER_SENDING as error:
            self._noted.lose(error)
            raise

    async def aclose(self) -> None:
        await self._stream.aclose()


class _Watched(httpx2.SyncByteStream):
    def __init__(self, stream: httpx2.SyncByteStream, noted: Noted) -> None:
        self._stream, self._noted = stream, noted

    def __iter__(self) -> Iterator[bytes]:
        try:
            yield from self._stream
        except AFTER_SENDING as error:
            self._noted.lose(error)
            raise

    def close(self) -> None:
        self._stream.close()

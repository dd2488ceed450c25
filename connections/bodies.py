"""Bodies of requests: their limits, and reading that stops there.

JSON has at most DATA_UPLOAD_MAX_MEMORY_SIZE, an uploaded file UPLOAD_MAX_BYTES, a call to a model
GATEWAY_MAX_BODY. Behind Django `BoundedStream` and `BoundedUploadHandler` hold them, in front of it
`BoundedBody`.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from io import BytesIO
from typing import Any, Protocol

from django.conf import settings
from django.core.files.uploadedfile import InMemoryUploadedFile
from django.core.files.uploadhandler import FileUploadHandler

BESIDE_A_FILE = 1024 * 1024  # bytes, for the other fields of its form
LONGEST_DROP, MOST_DROPPED = 10.0, 256 * 1024 * 1024  # seconds, bytes

Message = dict[str, Any]


class Readable(Protocol):
    """A request of Django, or its stream."""

    def read(self, size: int = -1, /) -> bytes: ...


def form_limit() -> int:
    """The bytes of a form with a file."""
    return int(settings.UPLOAD_MAX_BYTES) + BESIDE_A_FILE


def at_most(what: str, limit: int) -> str:
    """`A package has at most 10 MB`: the sentence of every refusal, without its end."""
    return f"{what} has at most {limit // 1024 // 1024} MB"


class BoundedStream:
    """A stream that gives no more than the limit, whatever Content-Length says."""

    def __init__(self, stream: Readable, limit: int, too_large: Exception) -> None:
        self._stream, self._left, self._too_large = stream, limit, too_large

    def read(self, size: int = -1) -> bytes:
        """At most `size` bytes, all for -1. Raises `too_large`."""
        data = self._stream.read(self._left + 1 if size < 0 else min(size, self._left + 1))
        self._left -= len(data)
        if self._left < 0:
            raise self._too_large
        return data


class BoundedUploadHandler(FileUploadHandler):
    """Keeps a file in memory.

    A file over UPLOAD_MAX_BYTES is counted and dropped, so that its form can say so: `file.size`
    tells.
    """

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super().new_file(*args, **kwargs)
        self._kept, self._size = BytesIO(), 0

    def receive_data_chunk(self, raw_data: bytes, _start: int) -> None:
        self._size += len(raw_data)
        if self._size <= settings.UPLOAD_MAX_BYTES:
            self._kept.write(raw_data)
        else:
            self._kept = BytesIO()

    def file_complete(self, _file_size: int) -> InMemoryUploadedFile:
        self._kept.seek(0)
        return InMemoryUploadedFile(
            self._kept,
            self.field_name,
            self.file_name or "",
            self.content_type,
            self._size,
            self.charset,
            self.content_type_extra,
        )


class BoundedBody:
    """The body of an ASGI request, counted while it is received.

    A body that turns out too large looks as if the client had gone; `is_too_large` tells.
    """

    def __init__(
        self,
        receive: Callable[[], Awaitable[Message]],
        headers: Mapping[bytes, bytes],
        limit: int,
    ) -> None:
        self._receive, self._headers, self._limit = receive, headers, limit
        self._size, self.is_too_large = 0, False

    async def refuse_announced(self) -> bool:
        """True if Content-Length says that the body is too large; then it is dropped."""
        length = self._headers.get(b"content-length", b"")
        self.is_too_large = length.isdigit() and int(length[:20]) > self._limit
        # a client that waits for a 100 (Continue) has sent nothing yet
        if self.is_too_large and b"expect" not in self._headers:
            await self._drop()
        return self.is_too_large

    async def receive(self) -> Message:
        """The next message, or a disconnect in place of what is too much."""
        message = await self._receive()
        self._size += len(message.get("body", b""))
        if self._size <= self._limit:
            return message
        self.is_too_large = True
        if message.get("more_body"):
            await self._drop()
        return {"type": "http.disconnect"}

    async def _drop(self) -> None:
        """Takes the rest within bounds: most clients read no answer before they have sent all."""
        dropped = 0
        with suppress(TimeoutError):
            async with asyncio.timeout(LONGEST_DROP):
                while dropped < MOST_DROPPED and (message := await self._receive()).get(
                    "more_body"
                ):
                    dropped += len(message.get("body", b""))

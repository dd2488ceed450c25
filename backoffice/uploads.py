"""How much a request may bring: bodies are refused while they arrive, files are kept in memory up
to a limit.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import suppress
from io import BytesIO
from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import InMemoryUploadedFile
from django.core.files.uploadhandler import FileUploadHandler
from django.template.loader import render_to_string

from connections.api.problems import CONTENT_TYPE, problem

from .middleware import POLICY

BESIDE_A_FILE = 1024 * 1024  # bytes, for the other fields of its form
LONGEST_DROP, MOST_DROPPED = 10.0, 256 * 1024 * 1024  # seconds, bytes

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[dict[str, Any], Receive, Any], Awaitable[None]]


class BoundedUploadHandler(FileUploadHandler):
    """Keeps a file in memory.

    What is over UPLOAD_MAX_BYTES is counted and dropped, so that its form can say so: `file.size`
    tells.
    """

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super().new_file(*args, **kwargs)
        self._kept, self._size = BytesIO(), 0

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        self._size += len(raw_data)
        if self._size <= settings.UPLOAD_MAX_BYTES:
            self._kept.write(raw_data)
        else:
            self._kept = BytesIO()

    def file_complete(self, file_size: int) -> InMemoryUploadedFile:
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


class BoundedBodies:
    """Stands before Django, which writes a body to disk until it ends: one that no page and no
    address would take is refused first.
    """

    def __init__(self, application: Application) -> None:
        self._application = application

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._application(scope, receive, send)
            return
        body = _Body(receive, settings.UPLOAD_MAX_BYTES + BESIDE_A_FILE)
        if body.is_announced_too_large(dict(scope["headers"])):
            await body.drop(scope)
        else:
            await self._application(scope, body.receive, send)
        if body.is_too_large:
            await _refuse(scope["path"], send)


class _Body:
    """A body that is counted while it is read.

    To who reads one that is too large it looks as if the client had gone.
    """

    def __init__(self, receive: Receive, most: int) -> None:
        self._receive, self._most, self._size, self.is_too_large = receive, most, 0, False

    def is_announced_too_large(self, headers: dict[bytes, bytes]) -> bool:
        length = headers.get(b"content-length", b"")
        self.is_too_large = length.isdigit() and int(length[:20]) > self._most
        return self.is_too_large

    async def receive(self) -> Message:
        message = await self._receive()
        self._size += len(message.get("body", b""))
        if self._size <= self._most:
            return message
        self.is_too_large = True
        if message.get("more_body"):
            await self._drop()
        return {"type": "http.disconnect"}

    async def drop(self, scope: dict[str, Any]) -> None:
        """Takes a body that is announced; who waits for a 100 (Continue) has sent nothing yet."""
        if b"expect" not in dict(scope["headers"]):
            await self._drop()

    async def _drop(self) -> None:
        """Takes the rest within bounds: most clients read no answer before they have sent all."""
        dropped = 0
        with suppress(TimeoutError):
            async with asyncio.timeout(LONGEST_DROP):
                while dropped < MOST_DROPPED and (message := await self._receive()).get(
                    "more_body"
                ):
                    dropped += len(message.get("body", b""))


async def _refuse(path: str, send: Send) -> None:
    detail = (
        f"That is too large. A file has at most {settings.UPLOAD_MAX_BYTES // 1024 // 1024} MB "
        "here."
    )
    if path.startswith(tuple(f"/{prefix}/" for prefix in ["api", *settings.API_EXTRA_PREFIXES])):
        kind, text = CONTENT_TYPE, json.dumps(problem(413, detail, "too_large", path))
    else:
        kind, text = "text/html; charset=utf-8", render_to_string("413.html", {"detail": detail})
    headers = [
        (b"content-type", kind.encode()),
        (b"content-security-policy", POLICY.encode()),
        (b"cache-control", b"no-store"),
    ]
    headers.append((b"connection", b"close"))
    await send(
        {
            "type": "http.response.start",
            "status": 413,
            "headers": [*headers, (b"content-length", b"%d" % len(text.encode()))],
        }
    )
    await send({"type": "http.response.body", "body": text.encode()})

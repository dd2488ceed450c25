"""Files that are made while they are sent."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

from asgiref.sync import sync_to_async
from django.http import StreamingHttpResponse


def streamed(
    request: Any, parts: Iterator[str], name: str, media_type: str
) -> StreamingHttpResponse:
    """The parts as a file of this name. `request`: Django's, or that of the API around it."""
    return StreamingHttpResponse(
        _in_thread(parts) if hasattr(request, "scope") else parts,  # only ASGI's has one
        content_type=f"{media_type}; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


async def _in_thread(parts: Iterator[str]) -> AsyncIterator[str]:
    """The parts, each made in the request's thread. Django would gather all parts of an ordinary
    iterator before it sends the first.
    """
    while (part := await sync_to_async(lambda: next(parts, None))()) is not None:
        yield part

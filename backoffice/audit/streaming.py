"""Files that are made while they are sent."""

from collections.abc import AsyncIterator, Iterator

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, StreamingHttpResponse


def streamed(
    request: HttpRequest, parts: Iterator[str], name: str, media_type: str
) -> StreamingHttpResponse:
    """The parts as a file of this name."""
    return StreamingHttpResponse(
        _in_thread(parts) if isinstance(request, ASGIRequest) else parts,
        content_type=f"{media_type}; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


async def _in_thread(parts: Iterator[str]) -> AsyncIterator[str]:
    """The parts, each made in the request's thread. Django would gather all parts of an ordinary
    iterator before it sends the first.
    """
    while (part := await sync_to_async(lambda: next(parts, None))()) is not None:
        yield part

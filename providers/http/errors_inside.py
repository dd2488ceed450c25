"""Errors that a service answers with status 200."""

import httpx2

from ..core.error_bodies import error_in
from ..core.errors import from_error_body
from ..core.texts import parse_json


async def refuse_error_inside(response: httpx2.Response) -> None:
    """Raises ProviderError for an answer of status 200 whose JSON is an error. A stream is not
    read: its errors are events.
    """
    kind = response.headers.get("content-type", "").partition(";")[0]
    if response.status_code != 200 or kind.strip().lower() != "application/json":
        return
    data = await response.aread()
    if b'"error"' not in data:
        return
    try:
        error = error_in(parse_json(data))
    except ValueError:
        return
    if error is not None:
        raise from_error_body(error, response.url.netloc.decode())

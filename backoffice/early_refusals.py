"""Requests that the HTTP server refuses by itself, and those that name a whole URL as a proxy gets
it.
"""

from http import HTTPStatus
from typing import Any
from urllib.parse import unquote_to_bytes

from django.conf import settings
from pydantic_core import to_json

from connections.api.problem_bodies import CONTENT_TYPE, problem

LONGEST_PATH = 1000  # characters that a refusal repeats
CODES = {
    400: "invalid_http",
    408: "request_timeout",
    414: "uri_too_long",
    426: "upgrade_required",
    431: "header_too_large",
    500: "error",
    501: "not_implemented",
    503: "no_room",
}


def path_so_far(parser: Any) -> str:
    """The path of a request that gunicorn's parser could not read to its end, empty where it has
    not come so far.
    """
    target = getattr(parser, "path", None)
    if not target:  # the first line is too long; its beginning waits in gunicorn 27's buffer
        line = bytes(getattr(parser, "_buffer", b"")[: 2 * LONGEST_PATH])
        target = next(iter(line.split(b" ")[1:2]), b"")
    return target.partition(b"?")[0].decode(errors="replace")[:LONGEST_PATH]


def body_of(status: int, message: str, path: str, code: str = "") -> tuple[str, bytes]:
    """Content type and body: a problem below the management API, OpenAI's shape elsewhere, since
    clients of the gateway read that, and nobody else reads it.
    """
    code = code or CODES.get(status, "error")
    prefixes = ("api", *settings.API_EXTRA_PREFIXES)
    if path.startswith(tuple(f"/{prefix}/" for prefix in prefixes)):
        return CONTENT_TYPE, to_json(problem(status, message, code, path))
    kind = "server_error" if status >= 500 else "invalid_request_error"
    error = {"message": message, "type": kind, "param": None, "code": code}
    return "application/json", to_json({"error": error})


def head_of(status: int, headers: tuple[tuple[str, str], ...]) -> bytes:
    """The head of a refusal, after which the connection is closed."""
    lines = "".join(f"{name}: {value}\r\n" for name, value in (*headers, ("Connection", "close")))
    return f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n{lines}\r\n".encode("latin-1")


def in_origin_form(scope: dict[str, Any]) -> dict[str, Any]:
    """The scope of a request for a whole URL as one for its path. Its host takes the place of the
    header's: www.rfc-editor.org/rfc/rfc9112#section-3.2.2.
    """
    _, is_url, rest = scope["raw_path"].partition(b"://")
    if not is_url:  # OPTIONS *
        return scope
    authority, _, path = rest.partition(b"/")
    headers = [(name, value) for name, value in scope["headers"] if name != b"host"]
    return {
        **scope,
        "path": unquote_to_bytes(b"/" + path).decode(errors="replace"),
        "raw_path": b"/" + path,
        "headers": [(b"host", authority.rpartition(b"@")[2]), *headers],
    }

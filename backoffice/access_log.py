"""The line that gunicorn writes for a request, left out where a usage record says it better."""

from typing import Any

from gunicorn.glogging import Logger  # type: ignore[import-untyped]

from .logs import redact

ADDRESSES = (
    "r",
    "U",
    "q",
    "f",
)  # gunicorn's letters for the request's line, path and query, and where it came from


class AccessLog(Logger):  # type: ignore[misc]
    """gunicorn's own, without credentials in addresses, and without the answers of `/v1`: each of
    those has its usage record, and a line is a fifth of such a request's time. Nor has it those of
    `/health/`, which somebody asks every few seconds.
    """

    def access(self, resp: Any, req: Any, environ: dict[str, Any], request_time: Any) -> None:
        """One line; refusals of `/v1` have one too.

        A client that hung up is no 500: the status is the one that BoundedProtocol knows.
        """
        resp.status = environ.get("switchboard.status", resp.status)
        if not is_left_out(resp.status, environ["PATH_INFO"]):
            super().access(resp, req, environ, request_time)

    def atoms(
        self, resp: Any, req: Any, environ: dict[str, Any], request_time: Any
    ) -> dict[str, Any]:
        """The parts that a line is made of, by gunicorn's letters."""
        found: dict[str, Any] = super().atoms(resp, req, environ, request_time)
        return found | {name: redact(found[name]) for name in ADDRESSES if found.get(name)}


def is_left_out(status: int, path: str) -> bool:
    """True for an answer that has no line: a usage record says it better, or nobody reads it."""
    return path.startswith("/health/") or (status < 400 and path.startswith("/v1/"))

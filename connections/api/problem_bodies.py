"""The body of an RFC 9457 problem, for whoever refuses a request before Django is asked."""

from http import HTTPStatus
from typing import Any

CONTENT_TYPE = "application/problem+json"
ERRORS = "/docs/errors/"  # where this server explains each code: backoffice/documents/
MALFORMED = "The header Authorization is not Bearer and one token. Send it as Bearer sb_..."


def problem(
    status: int, detail: str, code: str, instance: str = "", **extra: Any
) -> dict[str, Any]:
    """The body of a problem."""
    return {
        "type": f"{ERRORS}#{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "instance": instance,
        "code": code,
        **extra,
    }

"""The body of an RFC 9457 problem, for whoever refuses a request before Django is asked."""

from http import HTTPStatus
from typing import Any

CONTENT_TYPE = "application/problem+json"
# Sections of RFC 7231. A status that it does not define has RFC 9457's own "about:blank".
TYPES = {
    400: "https://tools.ietf.org/html/rfc7231#section-6.5.1",
    403: "https://tools.ietf.org/html/rfc7231#section-6.5.3",
    404: "https://tools.ietf.org/html/rfc7231#section-6.5.4",
    405: "https://tools.ietf.org/html/rfc7231#section-6.5.5",
    406: "https://tools.ietf.org/html/rfc7231#section-6.5.6",
    409: "https://tools.ietf.org/html/rfc7231#section-6.5.8",
    413: "https://tools.ietf.org/html/rfc7231#section-6.5.11",
    415: "https://tools.ietf.org/html/rfc7231#section-6.5.13",
    500: "https://tools.ietf.org/html/rfc7231#section-6.6.1",
    502: "https://tools.ietf.org/html/rfc7231#section-6.6.3",
}


def problem(
    status: int, detail: str, code: str, instance: str = "", **extra: Any
) -> dict[str, Any]:
    """The body of a problem."""
    return {
        "type": TYPES.get(status, "about:blank"),
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "instance": instance,
        "code": code,
        **extra,
    }

"""Every error is an RFC 9457 problem: type, title, status, detail, instance, and `errors` with a
pointer to each field.
"""

import logging
from collections.abc import Iterator
from http import HTTPStatus
from math import ceil
from typing import Any

from django.core.exceptions import (
    ObjectDoesNotExist,
    PermissionDenied,
    RequestDataTooBig,
    SuspiciousOperation,
)
from django.http import Http404, HttpRequest, JsonResponse
from django.http.multipartparser import MultiPartParserError
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import set_rollback

from providers.core.errors import ProviderError

from .. import services
from ..packages import services as package_services
from ..packages.api.serializers import package_items
from .camelcase import camel

CONTENT_TYPE = "application/problem+json"
# The contract names the sections of RFC 7231; what that RFC does not define is named by RFC 9457's
# own "about:blank".
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

logger = logging.getLogger(__name__)


class PreconditionFailed(exceptions.APIException):
    """412."""

    status_code = 412
    default_code = "stale"
    default_detail = (
        "If-Match does not name the current version. Get it again, and repeat the change on it."
    )


def problem(
    status: int, detail: str, code: str, instance: str = "", **extra: Any
) -> dict[str, Any]:
    """The body of a problem."""
    title = HTTPStatus(status).phrase
    return {
        "type": TYPES.get(status, "about:blank"),
        "title": title,
        "status": status,
        "detail": detail,
        "instance": instance,
        "code": code,
        **extra,
    }


def problem_response(request: HttpRequest, status: int, detail: str, code: str) -> JsonResponse:
    """A problem for what never reached a view of the API: unknown paths."""
    return JsonResponse(
        problem(status, detail, code, request.path), status=status, content_type=CONTENT_TYPE
    )


def problem_handler(error: Exception, context: dict[str, Any]) -> Response:
    """DRF's exception handler: whatever went wrong, as a problem.

    Texts of libraries never leave.
    """
    set_rollback()
    status, detail, code, extra, headers = _translate(error)
    if status == 500:
        logger.exception("The API failed", exc_info=error)
    body = problem(status, detail, code, context["request"].path, **extra)
    return Response(body, status=status, headers=headers, content_type=CONTENT_TYPE)


Translated = tuple[int, str, str, dict[str, Any], dict[str, str]]


def _translate(error: Exception) -> Translated:
    match error:
        case services.Invalid():
            return _invalid(error)
        case services.InUse():
            return (
                409,
                str(error),
                "in_use",
                {"dependents": [_dependent(one) for one in error.dependents]},
                {},
            )
        case services.Stale():
            return 412, str(error), "stale", {}, {}
        case package_services.PackageError():
            return 413 if error.code == "too_large" else 400, error.message, error.code, {}, {}
        case package_services.PackageConflict():
            return 409, str(error), "package_conflict", {"items": package_items(error.plan)}, {}
        case services.Throttled():
            return 429, str(error), "throttled", {}, {"Retry-After": str(error.seconds)}
        case services.Unusable():
            return 409, error.message, error.code, {}, {}
        case ProviderError():
            return 502, error.message, error.code, {}, {}
        case Http404() | ObjectDoesNotExist():
            return 404, "There is nothing of this id or alias.", "not_found", {}, {}
        case PermissionDenied():
            return 403, str(error) or "You may not do this.", "permission_denied", {}, {}
        case RequestDataTooBig():
            return 413, "A request body has at most 1 MB.", "too_large", {}, {}
        case exceptions.ParseError():
            return 400, "The body is not valid JSON.", "parse_error", {}, {}
        case SuspiciousOperation() | MultiPartParserError():
            return 400, "The request makes no sense.", "bad_request", {}, {}
        case exceptions.ValidationError():
            errors = [
                {"pointer": pointer, "code": one.code, "detail": str(one)}
                for pointer, one in _flat(error.detail)
            ]
            said = "; ".join(
                f"{one['pointer'][1:] or 'body'}: {one['detail']}" for one in errors[:5]
            )
            return 400, f"The request is not valid. {said}", "invalid", {"errors": errors}, {}
        case exceptions.APIException():
            return error.status_code, str(error.detail), str(error.get_codes()), {}, _headers(error)
    return 500, "This is a fault of ours. Nothing was changed; the log says more.", "error", {}, {}


def _invalid(error: services.Invalid) -> Translated:
    errors = [
        {"pointer": pointer(one.field), "code": one.code, "detail": one.message}
        for one in error.errors
    ]
    status = 409 if all(one.code == "unique" for one in error.errors) else 400
    return (
        status,
        " ".join(one.message for one in error.errors),
        error.errors[0].code,
        {"errors": errors},
        {},
    )


def pointer(field: str) -> str:
    """`settings.api_key` -> `/settings/apiKey`; a key of a map stays as it is:
    `settings.configs.a_b` -> `/settings/configs/a_b`.
    """
    names, key = field.split(".", 2)[:2], field.split(".", 2)[2:]
    escaped = [one.replace("~", "~0").replace("/", "~1") for one in key]  # RFC 6901, section 3
    return "".join(f"/{part}" for part in [*map(camel, names), *escaped])


def _flat(detail: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(detail, dict):
        for name, inner in detail.items():
            yield from _flat(inner, path if name == "non_field_errors" else f"{path}/{name}")
    elif isinstance(detail, list):
        for position, inner in enumerate(detail):
            yield from _flat(inner, path if isinstance(inner, str) else f"{path}/{position}")
    else:
        yield path, detail


def _headers(error: exceptions.APIException) -> dict[str, str]:
    headers = {"WWW-Authenticate": getattr(error, "auth_header", None)}
    if isinstance(error, exceptions.Throttled):
        headers["Retry-After"] = str(max(1, ceil(getattr(error, "wait", None) or 0)))
    return {name: value for name, value in headers.items() if value is not None}


def _dependent(row: Any) -> dict[str, str]:
    kind = type(row).__name__
    named = {"id": str(row.pk), "type": kind[:1].lower() + kind[1:]}
    return named | {name: getattr(row, name) for name in ("alias", "name") if hasattr(row, name)}

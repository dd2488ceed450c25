"""Every error is an RFC 9457 problem: type, title, status, detail, instance, and `errors` with a
pointer to each field.
"""

import logging
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from math import ceil
from typing import Any

from django.core.exceptions import (
    ObjectDoesNotExist,
    PermissionDenied,
    RequestDataTooBig,
    SuspiciousOperation,
)
from django.db import DatabaseError, InterfaceError
from django.http import Http404, HttpRequest, JsonResponse
from django.http.multipartparser import MultiPartParserError
from drf_spectacular.utils import extend_schema_field
from rest_framework import exceptions, serializers
from rest_framework.response import Response
from rest_framework.views import set_rollback

from providers.core.errors import ProviderError

from .. import services
from ..outages import database_outage, log_outage
from .camelcase import camel, decapitalized
from .codes import listed
from .problem_bodies import CONTENT_TYPE, problem

Member = serializers.Field[Any, Any, Any, Any]

logger = logging.getLogger(__name__)


class PreconditionFailed(exceptions.APIException):
    """412."""

    status_code = 412
    default_code = "stale"
    default_detail = (
        "If-Match does not name the current version. Get it again, and repeat the change on it."
    )


def problem_response(request: HttpRequest, status: int, detail: str, code: str) -> JsonResponse:
    """A problem for a request that never reached a view of the API."""
    return JsonResponse(
        problem(status, detail, code, request.path), status=status, content_type=CONTENT_TYPE
    )


@dataclass(frozen=True)
class Problem:
    """The answer to an exception. `members`: those beside the ones that every problem has."""

    status: int
    detail: str
    code: str
    members: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)


@extend_schema_field({"$ref": "#/components/schemas/ErrorCode"})
class CodeField(serializers.CharField):
    """A code of errors.yaml."""


class FieldProblemSerializer(serializers.Serializer[Any]):
    """The reason why one field is refused."""

    pointer = serializers.CharField(
        help_text=(
            "JSON pointer (RFC 6901) into the body, or the query parameter's name after a slash."
        )
    )
    code = CodeField()
    detail = serializers.CharField()


class DependentSerializer(serializers.Serializer[Any]):
    """A row that still needs the one that was to be deleted."""

    id = serializers.CharField()
    type = serializers.CharField()
    alias = serializers.CharField(required=False)
    name = serializers.CharField(required=False)


class ProblemSerializer(serializers.Serializer[Any]):
    """RFC 9457."""

    type = serializers.CharField(
        help_text="The address on this server that explains the code, with its cause and its cure."
    )
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    instance = serializers.CharField()
    code = CodeField()
    errors = FieldProblemSerializer(many=True, required=False)  # type: ignore[assignment]
    dependents = DependentSerializer(many=True, required=False)
    permission = serializers.CharField(required=False, help_text="The right that is missing.")
    roles = serializers.ListField(
        child=serializers.CharField(), required=False, help_text="The roles that hold it."
    )

    def get_fields(self) -> dict[str, Any]:
        return super().get_fields() | deepcopy(_registered_members)


def problem_handler(error: Exception, context: dict[str, Any]) -> Response:
    """DRF's exception handler: an exception as a problem.

    Texts of libraries are never shown: they may repeat what was sent.
    """
    set_rollback()
    found = next(_problems[one] for one in type(error).__mro__ if one in _problems)(error)
    if found.status == 500:
        logger.exception("The API failed", exc_info=error)
    path = context["request"].path
    body = problem(found.status, found.detail, found.code, path, **found.members)
    response = Response(body, status=found.status, headers=found.headers, content_type=CONTENT_TYPE)
    # Django's mark against a line for each answer of 500 or more: an outage has its own
    response._has_been_logged = database_outage(error) is not None  # type: ignore[attr-defined]  # noqa: SLF001
    return response


def register_problem(
    error: type[Exception], make: Callable[[Any], Problem], **members: Member
) -> None:
    """Let `make` answer this exception and its subclasses.

    `members`: describe, for the OpenAPI document, those beside the ones that every problem has.
    """
    _problems[error] = make
    _registered_members.update(members)


def _invalid(error: services.Invalid) -> Problem:
    errors = [
        {"pointer": pointer(one.field), "code": listed(one.code), "detail": one.message}
        for one in error.errors
    ]
    status, code = 400, "invalid"
    if all(one.code == "unique" for one in error.errors):
        status, code = 409, "unique"
    detail = " ".join(dict.fromkeys(one.message for one in error.errors))
    return Problem(status, detail, code, {"errors": errors})


def _in_use(error: services.InUse) -> Problem:
    dependents = [
        {"id": str(row.pk), "type": decapitalized(type(row).__name__)}
        | {name: getattr(row, name) for name in ("alias", "name") if hasattr(row, name)}
        for row in error.dependents
    ]
    return Problem(409, str(error), "in_use", {"dependents": dependents})


def _missing_right(error: services.MissingRight) -> Problem:
    members = {
        "permission": error.permissions[0],
        "roles": services.roles_that_hold(error.permissions),
    }
    return Problem(403, str(error), "permission_denied", members)


def _not_valid(error: exceptions.ValidationError) -> Problem:
    errors = [
        {"pointer": pointer, "code": listed(one.code), "detail": str(one)}
        for pointer, one in _flat(error.detail)
    ]
    said = "; ".join(f"{one['pointer'][1:] or 'body'}: {one['detail']}" for one in errors[:5])
    return Problem(400, f"The request is not valid. {said}", "invalid", {"errors": errors})


# Where what Django REST framework says has no cure
DETAILS: dict[type[Exception], str] = {
    exceptions.NotAuthenticated: (
        "Nobody is signed in. Send Authorization: Bearer and a token of the page Tokens."
    ),
    exceptions.MethodNotAllowed: (
        "This address does not take this method. The header Allow names those that it takes."
    ),
    exceptions.NotAcceptable: "This address does not answer in what Accept asks for. Ask for */*.",
    exceptions.UnsupportedMediaType: (
        "This address does not read such a body. Send JSON, as Content-Type: application/json."
    ),
}


def _of_rest_framework(error: exceptions.APIException) -> Problem:
    headers = {"WWW-Authenticate": getattr(error, "auth_header", None)}
    if isinstance(error, exceptions.Throttled):
        headers["Retry-After"] = str(max(1, ceil(getattr(error, "wait", None) or 0)))
    given = {name: value for name, value in headers.items() if value is not None}
    code = listed(str(error.get_codes()))
    detail = DETAILS.get(type(error), str(error.detail))
    return Problem(error.status_code, detail, code, headers=given)


def _of_database(error: Exception) -> Problem:
    outage = database_outage(error)
    if outage is None:
        return FAULT
    log_outage(outage)
    return Problem(outage.status, outage.detail, outage.code, headers=outage.headers)


NOT_FOUND = Problem(
    404,
    "There is nothing of this id or alias that you may see. The list has what there is.",
    "not_found",
)
NO_SENSE = Problem(400, "The request makes no sense.", "bad_request")
FAULT = Problem(500, "This is a fault of ours. Nothing was changed; the log says more.", "error")
# By exception; the nearest class among an exception's own and its bases decides.
_problems: dict[type[BaseException], Callable[[Any], Problem]] = {
    services.Invalid: _invalid,
    services.InUse: _in_use,
    services.NotUndone: lambda error: Problem(409, str(error), "not_undone"),
    services.Stale: lambda error: Problem(412, str(error), "stale"),
    services.Throttled: lambda error: Problem(
        429, str(error), "throttled", headers={"Retry-After": str(error.seconds)}
    ),
    services.Unusable: lambda error: Problem(409, error.message, error.code),
    DatabaseError: _of_database,
    InterfaceError: _of_database,
    ProviderError: lambda error: Problem(502, error.message, error.code),
    Http404: lambda _: NOT_FOUND,
    ObjectDoesNotExist: lambda _: NOT_FOUND,
    services.MissingRight: _missing_right,
    PermissionDenied: lambda error: Problem(
        403, str(error) or "You may not do this.", "permission_denied"
    ),
    RequestDataTooBig: lambda _: Problem(413, "A request body has at most 1 MB.", "too_large"),
    SuspiciousOperation: lambda _: NO_SENSE,
    MultiPartParserError: lambda _: NO_SENSE,
    exceptions.ParseError: lambda _: Problem(
        400, "The body is not a JSON object. Send one, in UTF-8.", "parse_error"
    ),
    exceptions.ValidationError: _not_valid,
    exceptions.APIException: _of_rest_framework,
    Exception: lambda _: FAULT,
}
_registered_members: dict[str, Member] = {}


def pointer(field: str) -> str:
    """`settings.api_key` -> `/settings/apiKey`; a key of a map stays as it is:
    `settings.configs.a_b` -> `/settings/configs/a_b`.
    """
    if not field:
        return ""  # the whole body
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

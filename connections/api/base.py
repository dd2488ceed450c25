"""The base of every view of the API: access, rows by id or alias, ETag and If-Match."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest
from drf_spectacular.utils import OpenApiParameter
from rest_framework.exceptions import ParseError, ValidationError
from rest_framework.generics import GenericAPIView
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer

from ..catalog import confirm_types
from ..former_aliases import actor_name, former_alias
from ..lookup import get_by_id_or_alias, parse_id
from ..models import VersionedModel
from .pagination import refuse_unknown
from .parsers import MergePatchParser
from .problems import PreconditionFailed
from .sentences import NOT_AN_ID

Access = dict[str, tuple[str, str]]


class ApiView(GenericAPIView[Any]):
    """Base of every view. `access`: method -> (scopes a token needs, permission its user needs)."""

    access: ClassVar[Access] = {}
    # of a list: what may be in its query; None where nobody looks
    query_parameters: ClassVar[Sequence[OpenApiParameter] | None] = None
    http_method_names: ClassVar[list[str]] = ["get", "post", "put", "patch", "delete", "head"]  # type: ignore[misc]
    filter_backends: ClassVar[list[Any]] = []  # type: ignore[misc]

    def initialize_request(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Request:
        # Whatever `charset` names: some of the encodings that Python knows are not for text.
        request.encoding = "utf-8"
        # DRF ignores a body without Content-Length. The parsers bound what they read themselves.
        if "Transfer-Encoding" in request.headers:
            request.META.setdefault("CONTENT_LENGTH", "-1")
        return super().initialize_request(request, *args, **kwargs)

    def get_parsers(self) -> list[BaseParser]:
        parsers: list[BaseParser] = super().get_parsers()
        is_patch = self.request is not None and self.request.method == "PATCH"
        return [*parsers, MergePatchParser()] if is_patch else parsers

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if self.query_parameters is not None and request.method in ("GET", "HEAD"):
            refuse_unknown(request.query_params, self.query_parameters)
        confirm_types()

    def find(self, rows: QuerySet[Any], id_or_alias: str) -> Any:
        """The row with this id, alias or former alias, whose use is noted. Raises Http404."""
        return find(rows, id_or_alias, actor_name(self.request.user))

    def body(self, request: Request) -> Any:
        """The body as the serializers know it. A contract of another system translates here."""
        return request.data

    def valid(self, serializer: type[BaseSerializer[Any]], request: Request) -> dict[str, Any]:
        """The valid body, by the names that services use. Raises ValidationError, ParseError."""
        checked = serializer(data=self.body(request))
        if request.stream is None:
            # DRF reads a missing body as an empty object, which would clear what it does not name.
            raise ParseError
        checked.is_valid(raise_exception=True)
        return dict(checked.validated_data)


def created(request: Request, row: VersionedModel, body: Any, levels: int = 0) -> Response:
    """201 with the row and its address. `levels`: how many levels below the list was called."""
    response = Response(body, status=201)
    response["Location"] = f"{'/'.join(request.path.split('/')[: -levels or None])}/{row.pk}"
    return tagged(response, row)


def find(rows: QuerySet[Any], id_or_alias: str, by: str) -> Any:
    """The row with this id, or with this alias or former alias in any letter case. `by`: who asks,
    to be noted with a former alias. Raises Http404.
    """
    row = get_by_id_or_alias(rows, id_or_alias, by)
    if row is None:
        raise Http404
    return row


def refuse_mismatch(request: Request, row: Any) -> int | None:
    """The version that If-Match demands, None without that header. `row`: whatever has a version.

    Raises PreconditionFailed when the row has another.
    """
    header = request.headers.get("If-Match")
    if header is None or header.strip() == "*":
        return None
    if str(row.version) not in re.findall(r'(?:^|,)\s*"([^"]*)"', header):
        raise PreconditionFailed
    return int(row.version)


def tagged(response: Response, row: VersionedModel) -> Response:
    """The answer with the row's version as its ETag."""
    response["ETag"] = f'"{row.version}"'
    return response


def exists(rows: QuerySet[Any], alias: str, query: Mapping[str, str]) -> bool:
    """True if a row, other than that of `excludeId`, has this alias or former alias in any letter
    case.

    Raises ValidationError when `excludeId` is not an id.
    """
    pk = parse_id(query.get("excludeId", ""))
    if pk is None and "excludeId" in query:
        raise ValidationError({"excludeId": [NOT_AN_ID]}, "invalid")
    found: QuerySet[Model] = rows.filter(alias=alias.replace("\x00", "").lower())
    if (found.exclude(pk=pk) if pk else found).exists():
        return True
    former = former_alias(rows.model, alias)
    return former is not None and former.row_id != pk

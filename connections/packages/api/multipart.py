"""multipart/form-data with a bound of its own, also for bodies that do not tell their length."""

from typing import IO, Any, cast

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http.multipartparser import MultiPartParserError
from django.utils.datastructures import MultiValueDict
from rest_framework.exceptions import APIException, ParseError
from rest_framework.parsers import DataAndFiles, MultiPartParser

from connections.api.parsers import PayloadTooLarge
from connections.bodies import BoundedStream, at_most, form_limit

INVALID_FORM = "The body is not valid multipart/form-data, or names a field twice."


class InvalidForm(APIException):
    """400: the body cannot be read as a form."""

    status_code = 400
    default_code = "parse_error"
    default_detail = INVALID_FORM


def too_large() -> PayloadTooLarge:
    """A 413 that names the limit."""
    return PayloadTooLarge(f"{at_most('A package', settings.UPLOAD_MAX_BYTES)}.")


class LimitedMultiPartParser(MultiPartParser):
    """multipart/form-data"""

    def parse(
        self, stream: Any, media_type: str | None = None, parser_context: Any = None
    ) -> "DataAndFiles[Any, Any]":
        most = form_limit()
        meta = parser_context["request"].META
        # A body without a length (ApiView.initialize_request), which Django would not read.
        if meta["CONTENT_LENGTH"] == "-1":
            meta["CONTENT_LENGTH"] = str(most)
        try:
            bounded = cast("IO[bytes]", BoundedStream(stream, most, too_large()))
            found = super().parse(bounded, media_type, parser_context)
        except RequestDataTooBig:
            raise too_large() from None
        except (ParseError, MultiPartParserError, ValueError):
            raise InvalidForm from None
        refuse_doubles(found.data, found.files)
        return found


def refuse_doubles(*named: Any) -> None:
    """Raises InvalidForm for a field that is there twice: it is not clear which one counts."""
    if any(
        len(values) > 1
        for part in named
        if isinstance(part, MultiValueDict)
        for _, values in part.lists()
    ):
        raise InvalidForm

"""Request bodies: JSON of at most 1 MB, without NaN; for PATCH also under the name of a merge
patch.
"""

import json
from typing import IO, Any

from django.conf import settings
from rest_framework.exceptions import APIException, ParseError
from rest_framework.parsers import JSONParser
from rest_framework.utils.json import strict_constant


class PayloadTooLarge(APIException):
    """413."""

    status_code = 413
    default_code = "too_large"
    default_detail = "A request body has at most 1 MB."


class LimitedStream:
    """A stream that refuses to give more than the limit, whatever Content-Length says."""

    def __init__(self, stream: IO[bytes], limit: int) -> None:
        self._stream, self._left = stream, limit

    def read(self, size: int = -1) -> bytes:
        """At most `size` bytes, all for -1. Raises PayloadTooLarge."""
        data = self._stream.read(self._left + 1 if size < 0 else min(size, self._left + 1))
        self._left -= len(data)
        if self._left < 0:
            raise PayloadTooLarge
        return data


class LimitedJSONParser(JSONParser):
    """application/json"""

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        data = LimitedStream(stream, settings.DATA_UPLOAD_MAX_MEMORY_SIZE or 0).read()
        try:
            # in UTF-8, whatever `charset` says: among Python's names for encodings are some that
            # unpack
            parsed = json.loads(
                data.decode(), parse_constant=strict_constant, object_pairs_hook=_unique
            )
            json.dumps(parsed, ensure_ascii=False, allow_nan=False).encode()
        except (
            ValueError,
            RecursionError,
        ):  # also: half of a surrogate pair, which no database stores; 1e999; too deep
            raise ParseError from None
        return parsed


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object. Raises ValueError for a name that stands there twice: which one is meant?"""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError
    return found


class MergePatchParser(LimitedJSONParser):
    """RFC 7396."""

    media_type = "application/merge-patch+json"

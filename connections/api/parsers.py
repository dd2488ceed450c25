"""Request bodies: a JSON object of at most 1 MB, without NaN; for PATCH also under the name of a
merge patch.
"""

import json
from typing import Any

from django.conf import settings
from rest_framework.exceptions import APIException, ParseError
from rest_framework.parsers import JSONParser
from rest_framework.utils.json import strict_constant

from ..bodies import BoundedStream


class PayloadTooLarge(APIException):
    """413."""

    status_code = 413
    default_code = "too_large"
    default_detail = "A request body has at most 1 MB."


class LimitedJSONParser(JSONParser):
    """application/json"""

    def parse(
        self, stream: Any, _media_type: str | None = None, _parser_context: Any = None
    ) -> Any:
        limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE or 0
        data = BoundedStream(stream, limit, PayloadTooLarge()).read()
        try:
            # UTF-8, whatever `charset` says: some of the encodings that Python knows unpack data.
            parsed = json.loads(
                data.decode(), parse_constant=strict_constant, object_pairs_hook=_unique
            )
            # Fails for half of a surrogate pair, which databases cannot store, and for 1e999.
            json.dumps(parsed, ensure_ascii=False, allow_nan=False).encode()
        except (ValueError, RecursionError):
            raise ParseError from None
        if not isinstance(parsed, dict):
            raise ParseError
        return parsed


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object. Raises ValueError for a name that is there twice: it is not clear which counts."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError
    return found


class MergePatchParser(LimitedJSONParser):
    """RFC 7396."""

    media_type = "application/merge-patch+json"

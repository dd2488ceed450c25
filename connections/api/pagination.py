"""Lists: `take` with `after` or `skip` in, `{total, items, next}` out. Values that make no sense
are refused.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response

from .camelcase import no_such
from .cursors import Cursors

TAKE, MOST, FARTHEST = 100, 1000, 2**31 - 1
PLAIN = {"type": "string", "pattern": r"^[^\x00]*$"}
PAGE = [
    OpenApiParameter(
        "skip",
        {"type": "integer", "minimum": 0, "maximum": FARTHEST, "default": 0},
        description=(
            "How many to leave out. What is made or deleted between two requests moves all rows "
            "behind it, so that some are missing or come twice: use `after` to read a whole list."
        ),
    ),
    OpenApiParameter(
        "after",
        PLAIN,
        description=(
            "The `next` of the page before: the list goes on behind its last row, with the same "
            "order, and without `skip`. No row is missing or comes twice, whatever is made or "
            "deleted meanwhile, unless what the list is ordered by changes. The date of creation "
            "never does."
        ),
    ),
    OpenApiParameter(
        "take",
        {"type": "integer", "minimum": 1, "maximum": MOST, "default": TAKE},
        description="How many at most.",
    ),
]


def whole_number(query: Mapping[str, str], name: str, default: int, low: int, high: int) -> int:
    """A whole number from the query. Raises ValidationError at its name."""
    text = query.get(name, str(default))
    if not (text.isascii() and text.isdigit()) or len(text) > 10 or not low <= int(text) <= high:
        raise serializers.ValidationError(
            {name: [f"Send a whole number from {low} to {high}."]}, "invalid"
        )
    return int(text)


def one_of(query: Mapping[str, str], name: str, allowed: Sequence[str]) -> str:
    """One of the allowed words in any case, empty when it is absent.

    Raises ValidationError at its name.
    """
    text = query.get(name, "")
    found = next((word for word in allowed if word.lower() == text.lower()), None)
    if name in query and found is None:
        raise serializers.ValidationError(
            {name: [f"Send one of: {', '.join(allowed)}."]}, "invalid"
        )
    return found or ""


def plain_text(query: Mapping[str, str], name: str) -> str:
    """Text from the query.

    Raises ValidationError for a null character, which PostgreSQL cannot look for.
    """
    text = query.get(name, "")
    if "\x00" in text:
        raise serializers.ValidationError(
            {name: ["A null character cannot be looked for. Take it out."]}, "invalid"
        )
    return text


def refuse_unknown(query: Mapping[str, str], known: Iterable[OpenApiParameter]) -> None:
    """Raises ValidationError for a parameter that a list does not have: a mistyped filter would
    answer everything.
    """
    names = [one.name for one in known]
    unknown = {
        name[:100]: [no_such("parameter", name[:100], names)] for name in query if name not in names
    }
    if unknown:
        raise serializers.ValidationError(unknown, "unknown_parameter")


class SkipTakePagination(BasePagination):
    """`take` (100, at most 1000) rows behind those of `skip` (0), or behind the row of `after`."""

    def paginate_queryset(
        self,
        queryset: Any,
        request: Request,
        view: Any = None,  # noqa: ARG002 DRF gives it by name
    ) -> list[Any]:
        query = request.query_params
        skip = whole_number(query, "skip", 0, 0, FARTHEST)
        take = whole_number(query, "take", TAKE, 1, MOST)
        after = plain_text(query, "after") if "after" in query else None
        if after is not None and skip:
            raise serializers.ValidationError(
                {"after": ["Give after or skip, not both."]}, "invalid"
            )
        self.total = queryset.count()
        pages = Cursors(queryset)
        rows = list((pages.rows if after is None else pages.behind(after))[skip : skip + take + 1])
        self.next = pages.cursor_of(rows[take - 1]) if len(rows) > take else None
        return rows[:take]

    def get_paginated_response(self, data: Any) -> Response:
        more = {"next": self.next} if self.next else {}
        return Response({"total": self.total, "items": data, **more})

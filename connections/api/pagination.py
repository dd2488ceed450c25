"""Lists: `skip` and `take` in, `{total, items}` out. Values that make no sense are refused."""

from collections.abc import Mapping, Sequence
from typing import Any

from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response

TAKE, MOST, FARTHEST = 100, 1000, 2**31 - 1
PAGE = [
    OpenApiParameter(
        "skip",
        {"type": "integer", "minimum": 0, "maximum": FARTHEST, "default": 0},
        description="How many to leave out.",
    ),
    OpenApiParameter(
        "take",
        {"type": "integer", "minimum": 1, "maximum": MOST, "default": TAKE},
        description="How many at most.",
    ),
]
PLAIN = {"type": "string", "pattern": r"^[^\x00]*$"}


def whole_number(query: Mapping[str, str], name: str, default: int, low: int, high: int) -> int:
    """A whole number from the query. Raises ValidationError at its name."""
    text = query.get(name, str(default))
    if not (text.isascii() and text.isdigit()) or len(text) > 10 or not low <= int(text) <= high:
        raise serializers.ValidationError(
            {name: [f"A whole number from {low} to {high}."]}, "invalid"
        )
    return int(text)


def one_of(query: Mapping[str, str], name: str, allowed: Sequence[str]) -> str:
    """One of the allowed words in any case, empty when it is absent.

    Raises ValidationError at its name.
    """
    text = query.get(name, "")
    found = next((word for word in allowed if word.lower() == text.lower()), None)
    if name in query and found is None:
        raise serializers.ValidationError({name: [f"One of {', '.join(allowed)}."]}, "invalid")
    return found or ""


def plain_text(query: Mapping[str, str], name: str) -> str:
    """Text from the query.

    Raises ValidationError for a null character, which PostgreSQL cannot look for.
    """
    text = query.get(name, "")
    if "\x00" in text:
        raise serializers.ValidationError(
            {name: ["A null character cannot be looked for."]}, "invalid"
        )
    return text


class SkipTakePagination(BasePagination):
    """`skip` (0) and `take` (100, at most 1000)."""

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any]:  # noqa: ARG002 DRF gives it by name
        skip = whole_number(request.query_params, "skip", 0, 0, FARTHEST)
        take = whole_number(request.query_params, "take", TAKE, 1, MOST)
        self.total = queryset.count()
        return list(queryset[skip : skip + take])

    def get_paginated_response(self, data: Any) -> Response:
        return Response({"total": self.total, "items": data})

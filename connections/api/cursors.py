"""Cursors: the place in an ordered list behind one of its rows, as a text that only we can make."""

from datetime import datetime
from typing import Any

from django.core import signing
from django.db.models import Expression, F, Model, OrderBy, Q, QuerySet
from rest_framework.serializers import ValidationError


class Cursors:
    """The cursors of a list, which must be ordered by values that are never null and together
    belong to one row alone.

    A cursor holds these values of its row. It is signed, and for this list in this order only.
    """

    def __init__(self, rows: QuerySet[Any]) -> None:
        order = [_ordering(one) for one in rows.query.order_by]
        self._names = [f"cursor_{position}" for position in range(len(order))]
        self._descending = [one.descending for one in order]
        self._salt = f"{rows.model._meta.label} {rows.query.order_by!r}"
        values = dict(zip(self._names, (one.expression for one in order), strict=True))
        self.rows = rows.annotate(**values)

    def cursor_of(self, row: Model) -> str:
        """The cursor of a row of `rows`."""
        values = [getattr(row, name) for name in self._names]
        return signing.dumps([_as_json(value) for value in values], salt=self._salt)

    def behind(self, cursor: str) -> QuerySet[Any]:
        """The rows behind that of a cursor, whether it is still there or not.

        Raises ValidationError at `after` for a text that is not a cursor of this list.
        """
        try:
            values = signing.loads(cursor, salt=self._salt)
        except signing.BadSignature:
            text = "This is not a cursor of this list in this order. Begin again without after."
            raise ValidationError({"after": [text]}, "bad_cursor") from None
        condition, equal = Q(), Q()
        for name, is_descending, value in zip(self._names, self._descending, values, strict=True):
            behind = Q(**{f"{name}__{'lt' if is_descending else 'gt'}": value})
            condition |= equal & behind
            equal &= Q(**{name: value})
        # implied by the rest, and what lets a database begin in the middle of an index
        first = f"{self._names[0]}__{'lte' if self._descending[0] else 'gte'}"
        found: QuerySet[Any] = self.rows.filter(condition, **{first: values[0]})
        return found


def _ordering(one: Any) -> OrderBy:
    """What a queryset is ordered by: an ordering, an expression, or the name of a column."""
    if isinstance(one, OrderBy):
        return one
    if isinstance(one, Expression | F):
        return OrderBy(one)
    return OrderBy(F(one.removeprefix("-")), descending=one.startswith("-"))


def _as_json(value: Any) -> str | int:
    """A value for JSON, from which a column's own type reads it back. Flags are numbers."""
    if isinstance(value, datetime):
        return value.isoformat()
    return value if isinstance(value, int) else str(value)

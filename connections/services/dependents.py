"""What stands in the way of a deletion, told as far as whoever looks may see it."""

from collections.abc import Sequence
from typing import Any

from ..errors import InUse
from ..models import DefaultProfile


def seen_and_others(rows: Sequence[Any]) -> tuple[list[Any], int]:
    """Those of these rows that whoever looks may see, and the number of the rest."""
    shown = [one for one in rows if isinstance(one, DefaultProfile) or not one.team_id]
    doubtful = [one for one in rows if one not in shown]
    if doubtful:
        keys = [one.pk for one in doubtful]
        found = type(doubtful[0]).objects.filter(pk__in=keys).values_list("pk", flat=True)
        seen = set(found)
        shown = [one for one in rows if one in shown or one.pk in seen]
    return shown, len(rows) - len(shown)


def in_use(rows: Sequence[Any]) -> InUse:
    """The refusal to delete what these rows need."""
    seen, others = seen_and_others(rows)
    return InUse(seen, others=others)

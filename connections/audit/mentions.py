"""Whether events are found at the further objects that they name."""

import json
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any

from django.db import transaction

from ..models import AuditEvent, AuditMention

CHUNK = 5000


def wrong_mentions() -> Iterator[int]:
    """The ids of events whose further objects are not those of the rows by which they are found."""
    events = AuditEvent.objects.filter(body__contains='"others"').order_by("pk")
    rows = AuditMention.objects.order_by("event_id").values_list("event_id", "kind", "object_id")
    found = groupby(rows.iterator(CHUNK), key=lambda one: one[0])
    said = _said(events.values_list("pk", "body").iterator(CHUNK))
    for pk, is_same in _merged(said, found):
        # Both were not read at the same moment, and events are written meanwhile
        if not is_same and not _is_found_at_all(pk):
            yield pk


def _said(rows: Iterable[tuple[int, str]]) -> Iterator[tuple[int, set[tuple[str, str]]]]:
    for pk, body in rows:
        if objects := _others(body):
            yield pk, objects


def _others(body: str) -> set[tuple[str, str]]:
    """The further objects that an event names; none where it was changed, as its digest tells."""
    try:
        others = json.loads(body)["others"]
        return {(str(kind), str(key)) for kind, key, _name in others if key}
    except (ValueError, KeyError, TypeError):
        return set()


def _is_found_at_all(pk: int) -> bool:
    with transaction.atomic():
        said = AuditEvent.objects.filter(pk=pk).values_list("body", flat=True).first() or ""
        rows = AuditMention.objects.filter(event_id=pk).values_list("kind", "object_id")
        return _others(said) == {*rows}


def _merged(said: Iterator[Any], found: Iterator[Any]) -> Iterator[tuple[int, bool]]:
    """Each event of either, in order, and whether both say the same of it."""
    one, other = next(said, None), next(found, None)
    while one or other:
        if one and (other is None or one[0] < other[0]):
            yield one[0], False
            one = next(said, None)
        elif other and (one is None or other[0] < one[0]):
            yield other[0], False
            other = next(found, None)
        elif one and other:
            yield one[0], one[1] == {(kind, key) for _pk, kind, key in other[1]}
            one, other = next(said, None), next(found, None)

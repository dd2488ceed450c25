"""Events as files: JSON Lines and CSV. An export is an act itself."""

import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

from django.db import close_old_connections, connection
from django.utils import timezone

from connections.audit.services import Told, batches, record, told, wanted
from gateway.usage.csv_export import csv_cell

from .documents import document_of

COLUMNS = (
    *("id", "at", "action", "text", "outcome", "code", "surface", "instance"),
    *("actorKind", "actorId", "actorName", "tokenKind", "tokenId", "tokenName"),
    *("address", "requestId", "objectKind", "objectId", "objectName"),
    *("teamId", "teamName", "changes", "others", "detail", "chain", "number", "digest"),
)


def export(filters: Mapping[str, str], kind: str, *, actor: Any) -> tuple[str, str, Iterator[str]]:
    """The name, the media type and the parts of a file with all events that the filters leave,
    newest first. `kind`: of FORMATS. It leaves an event.

    Raises BadFilter.
    """
    wanted(filters)
    given = {name: text for name, text in filters.items() if text.strip()}
    media_type, made = FORMATS[kind]
    detail = {"format": kind, "filters": given}
    record(actor=actor, action="audit.export", detail=detail)
    name = f"audit-{timezone.now():%Y-%m-%d}.{kind}"
    return name, media_type, made(told(rows) for rows in _without_connection(batches(given)))


def _without_connection(rows: Iterator[Any]) -> Iterator[Any]:
    """The batches. No database connection is held while a slow client reads one."""
    for batch in rows:
        if not connection.in_atomic_block:
            close_old_connections()
        yield batch


def _json_lines(batches: Iterator[Sequence[Told]]) -> Iterator[str]:
    for lines in batches:
        yield "".join(json.dumps(document_of(one), ensure_ascii=False) + "\n" for one in lines)


def _csv(batches: Iterator[Sequence[Told]]) -> Iterator[str]:
    rows = ([_cells(document_of(one)) for one in lines] for lines in batches)
    heads: list[list[Any]] = [[*COLUMNS]]
    for batch in chain([heads], rows):
        out = io.StringIO()
        csv.writer(out).writerows([csv_cell(value) for value in row] for row in batch)
        yield out.getvalue()


def _cells(document: Mapping[str, Any]) -> list[Any]:
    return [
        json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict) else value
        for value in (document[name] for name in COLUMNS)
    ]


Made = Callable[[Iterator[Sequence[Told]]], Iterator[str]]
FORMATS: dict[str, tuple[str, Made]] = {
    "jsonl": ("application/jsonl", _json_lines),
    "csv": ("text/csv", _csv),
}

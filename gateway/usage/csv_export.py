"""Usage records as CSV, for spreadsheets and scripts. Without the texts of prompts and answers."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import chain
from typing import Any

COLUMNS = (
    "started_at",
    "endpoint",
    "capability",
    "profile_alias",
    "profile_id",
    "connection_alias",
    "connection_id",
    "connection_version",
    "provider_id",
    "model",
    "user_name",
    "token_name",
    "token_id",
    "is_stream",
    "attempts",
    "input_tokens",
    "output_tokens",
    "latency_ms",
    "first_chunk_ms",
    "outcome",
    "request_id",
    "answered_profile_alias",
    "answered_profile_id",
    "is_fallback",
    "cached_tokens",
    "cache_write_tokens",
    "reasoning_tokens",
    "is_estimated",
)
# Texts that begin so are formulas: https://owasp.org/www-community/attacks/CSV_Injection
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def csv_parts(batches: Iterable[Sequence[Sequence[Any]]]) -> Iterator[str]:
    """The file in parts: the names of the columns, then a part for each batch of rows, which have
    the values of COLUMNS.
    """
    for rows in chain([[COLUMNS]], batches):
        out = io.StringIO()
        csv.writer(out).writerows([csv_cell(value) for value in row] for row in rows)
        yield out.getvalue()


def csv_cell(value: Any) -> str:
    """A value as text: a time in UTC, an empty text for None, and an apostrophe before what a
    spreadsheet would take for a formula.
    """
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    text = str(value)
    return f"'{text}" if text.startswith(FORMULA) else text

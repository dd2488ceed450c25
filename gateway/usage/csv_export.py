"""Usage records as CSV, for spreadsheets and scripts. Without the texts of prompts and answers."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

COLUMNS = (
    *(
        "started_at",
        "endpoint",
        "capability",
        "profile_alias",
        "profile_id",
        "connection_alias",
        "connection_id",
        "connection_version",
    ),
    *(
        "provider_id",
        "model",
        "user_name",
        "token_name",
        "token_id",
        "is_stream",
        "attempts",
        "input_tokens",
        "output_tokens",
    ),
    *("latency_ms", "first_chunk_ms", "outcome"),
)
FORMULA = (
    "=",
    "+",
    "-",
    "@",
    "\t",
    "\r",
    "\n",
)  # https://owasp.org/www-community/attacks/CSV_Injection


def csv_parts(batches: Iterable[Sequence[Sequence[Any]]]) -> Iterator[str]:
    """The text, in pieces: the names of the columns, then a piece for each batch of values of
    COLUMNS.
    """
    yield _text([COLUMNS])
    for batch in batches:
        yield _text([_cell(value) for value in values] for values in batch)


def _text(rows: Iterable[Iterable[Any]]) -> str:
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    return out.getvalue()


def _cell(value: Any) -> str:
    """As text: times in UTC, nothing for None, and nothing that a spreadsheet takes for a
    formula.
    """
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    text = str(value)
    return f"'{text}" if text.startswith(FORMULA) else text

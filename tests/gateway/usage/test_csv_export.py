"""Usage records as CSV."""

import csv
import io
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from gateway.usage.csv_export import COLUMNS, csv_parts


def cells(*values: Any) -> list[str]:
    """A row of these values, read back."""
    return list(csv.reader(io.StringIO("".join(csv_parts([[values]])), newline="")))[1]


# what a spreadsheet takes for a formula: https://owasp.org/www-community/attacks/CSV_Injection
@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n"])
def test_nothing_is_a_formula(start: str):
    assert cells(f"{start}1+1") == [f"'{start}1+1"]


def test_other_text_stays_as_it_is():
    assert cells("a=1", 'say "hi", please', "two\nlines") == [
        "a=1",
        'say "hi", please',
        "two\nlines",
    ]


def test_times_are_in_utc_and_none_is_nothing():
    noon = datetime(2026, 1, 1, 12, tzinfo=timezone(timedelta(hours=2)))
    assert cells(noon, datetime(2026, 1, 1, tzinfo=UTC), None, True, 0) == [
        "2026-01-01T10:00:00.000Z",
        "2026-01-01T00:00:00.000Z",
        "",
        "True",
        "0",
    ]


def test_the_names_of_the_columns_come_first():
    assert "".join(csv_parts([])) == ",".join(COLUMNS) + "\r\n"

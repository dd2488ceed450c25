"""What commands print: tables for people, JSON for programs."""

import json
from argparse import SUPPRESS, ArgumentParser
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand

Row = Mapping[str, Any]


def add_output(parser: ArgumentParser) -> None:
    """Adds --output."""
    parser.add_argument(
        "--output",
        choices=("text", "json"),
        default="text",
        help="text for people, which is the default, or json for programs",
    )
    parser.add_argument("--json", action="store_const", const="json", dest="output", help=SUPPRESS)


def print_rows(
    command: BaseCommand, rows: Sequence[Row], options: Mapping[str, Any], columns: Sequence[str]
) -> None:
    """Prints the rows as JSON with all they have, or as a table with a head and these columns."""
    if options["output"] == "json":
        print_json(command, rows)
    elif not rows:
        command.stderr.write("There are none.", style_func=str)
    else:
        lines = [[_cell(row[one]) for one in columns] for row in rows]
        heads = [one.replace("_", " ").upper() for one in columns]
        widths = [max(map(len, column)) for column in zip(heads, *lines, strict=True)]
        for line in (heads, *lines):
            cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
            command.stdout.write("  ".join(cells).rstrip())


def print_json(command: BaseCommand, found: Any) -> None:
    """Prints anything as JSON, indented."""
    command.stdout.write(json.dumps(found, indent=2, default=str))


def moment(when: datetime | None) -> str | None:
    """A moment in UTC to the second, as ISO 8601 has it; None stays None."""
    return when.isoformat(timespec="seconds") if when else None


def _cell(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ",".join(map(str, value)) or "-"
    return "-" if value in (None, "") else str(value)

"""Modules and functions stay short enough to be read at once."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("backoffice", "connections", "gateway", "providers", "tools")
LINES_OF_A_MODULE, LINES_OF_A_FUNCTION = 300, 40


def modules() -> Iterator[tuple[str, str]]:
    """The modules of the product with their text."""
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*.py")):
            if "migrations" not in path.parts:
                yield str(path.relative_to(ROOT)), path.read_text(encoding="utf-8")


def too_long(name: str, text: str) -> Iterator[str]:
    """What of a module has more lines than it may have."""
    if (lines := len(text.splitlines())) > LINES_OF_A_MODULE:
        yield f"{name}: {lines} lines"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > LINES_OF_A_FUNCTION:
                yield f"{name}: {node.name} has {lines} lines"


def test_no_module_and_no_function_is_too_long():
    assert [one for name, text in modules() for one in too_long(name, text)] == []


def test_what_is_too_long_is_named():
    long = "def long():\n" + "    pass\n" * 40
    assert list(too_long("a.py", long)) == ["a.py: long has 41 lines"]
    assert list(too_long("a.py", "pass\n" * 301)) == ["a.py: 301 lines"]

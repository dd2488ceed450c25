"""Several instances serve one installation: nothing a request leaves behind is on one machine."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = ("backoffice", "gateway", "connections", "providers")
WRITES = {"write_text", "write_bytes", "mkstemp", "mkdtemp", "NamedTemporaryFile", "TemporaryFile"}
WRITES |= {"TemporaryDirectory", "SpooledTemporaryFile", "default_storage", "FileSystemStorage"}
# Who writes files all the same, and why no later request needs them.
ALLOWED = {
    "backoffice/backup/file.py": "a backup, by a command",
    "backoffice/backup/staging.py": "a database of the meantime, by a command",
    "backoffice/catalogues.py": "translations, at the start",
    "backoffice/checks.py": "asks whether a disk has room, and is gone at once",
    "backoffice/first_keys.py": "keys of a new installation, at the start",
    "backoffice/static_files.py": "static files, at the start",
    "providers/http/tls.py": "handed to ssl at once",
}


def written_in(text: str) -> set[str]:
    """The names in a module that write files, and `open` for anything but reading."""
    return {name for node in ast.walk(ast.parse(text)) for name in _writing(node)}


def _writing(node: ast.AST) -> Iterator[str]:
    name = getattr(node, "attr", None) or getattr(node, "id", None)
    if isinstance(name, str) and name in WRITES:
        yield name
    if isinstance(node, ast.Call) and _name(node.func) == "open":
        words = [*node.args, *(one.value for one in node.keywords if one.arg == "mode")]
        modes = [one.value for one in words if isinstance(one, ast.Constant)]
        if any(isinstance(one, str) and len(one) < 4 and set(one) & set("wax+") for one in modes):
            yield "open"


def _name(function: ast.expr) -> str:
    return str(getattr(function, "attr", None) or getattr(function, "id", ""))


def test_no_request_leaves_a_file_for_a_later_one():
    found = {
        str(path.relative_to(ROOT))
        for room in ROOMS
        for path in (ROOT / room).rglob("*.py")
        # commands write where whoever calls them says
        if "management" not in path.parts and written_in(path.read_text())
    }
    assert found == {*ALLOWED}


@pytest.mark.parametrize(
    "text",
    ["Path('a').write_text('b')", "open('one.txt', 'wb')", "Path('a').open(mode='w')", "mkstemp()"],
)
def test_such_a_file_is_seen(text: str):
    assert written_in(text)


def test_reading_one_is_not_taken_for_it():
    assert not written_in("open('one.txt', 'rb'); Path('one.txt').read_text()")

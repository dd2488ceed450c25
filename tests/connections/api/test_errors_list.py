"""errors.yaml lists every code that the API's errors can have, and nothing else."""

import ast
from collections.abc import Iterator
from pathlib import Path

from rest_framework import exceptions

from connections.api.codes import error_codes, error_groups, listed
from connections.outages import AWAY, BUSY, FULL, READ_ONLY
from providers.core.errors import CODES

ROOT = Path(__file__).resolve().parents[3]
ROOMS = ("backoffice", "connections", "gateway")
# where the code stands among the arguments of what refuses
PLACES = {
    "ErrorDetail": 1,
    "FieldError": 1,
    "GatewayError": 1,
    "PackageError": 0,
    "Problem": 2,
    "Unusable": 0,
    "ValidationError": 1,
    "invalid": 0,
    "problem": 2,
    "problem_response": 3,
    "refuse": 1,
}
SURFACES = ("forms", "management", "promptflow", "signin", "audit", "oidc", "notices/services")


def literals(tree: ast.Module) -> Iterator[str]:
    """The codes that calls in a module name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            place = PLACES.get(name, len(node.args))
            code = node.args[place] if place < len(node.args) else None
            if isinstance(code, ast.Constant) and isinstance(code.value, str):
                yield code.value
        elif isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "default_code":
            yield ast.literal_eval(node.value)


def test_every_code_in_the_code_is_listed():
    for room in ROOMS:
        for path in (ROOT / room).rglob("*.py"):
            if not any(f"/{one}" in path.as_posix() for one in SURFACES):
                lacking = {*literals(ast.parse(path.read_text()))} - error_codes()
                assert not {one for one in lacking if one.isidentifier()}, path


def test_codes_of_providers_databases_and_libraries_are_listed():
    outages = {one.code for one in (AWAY, BUSY, FULL, READ_ONLY)}
    library = {
        one.default_code
        for one in vars(exceptions).values()
        if isinstance(one, type) and issubclass(one, exceptions.APIException)
    }
    assert CODES | outages | library <= error_codes()


def test_a_code_that_somebody_else_made_up_is_invalid():
    assert (listed("not_found"), listed("of_a_library")) == ("not_found", "invalid")


def test_every_code_has_cause_example_and_cure():
    for group in error_groups():
        for code, one in group["codes"].items():
            assert all(one[name].strip() for name in ("cause", "example", "cure")), code
            assert group.get("fields") or all(400 <= status < 600 for status in one["status"]), code

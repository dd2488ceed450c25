"""The rules of the house that a machine can read."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).parents[1]
TRACKED = [
    ROOT / name
    for name in subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split("\n")
    if name
]
PRODUCT = [
    file
    for room in ("backoffice", "gateway", "connections", "providers", "switchboard")
    for file in sorted((ROOT / room).rglob("*.py"))
]
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))


def named(file: Path) -> str:
    return str(file.relative_to(ROOT))


def tree(file: Path) -> ast.Module:
    return ast.parse(file.read_text(), named(file))


def functions(file: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    yield from (
        node
        for node in ast.walk(tree(file))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )


def test_imports_go_down():
    code = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
    assert "0 broken" in done.stdout


SERVICES = [
    file
    for file in PRODUCT
    if "services" in file.relative_to(ROOT).parts[:-1]
    or (
        named(file).startswith("connections/")
        and file.stem in ("selectors", "listing", "runtime", "display", "change_counter", "catalog")
    )
]


def test_no_service_takes_a_request():
    for file in SERVICES:
        found = {
            name.arg
            for one in functions(file)
            for name in ast.walk(one.args)
            if isinstance(name, ast.arg)
        }
        words = {node.id for node in ast.walk(tree(file)) if isinstance(node, ast.Name)}
        assert not {"request", "HttpRequest"} & (found | words), named(file)


# save() of the model keeps credentials_key true; rows are brought up with their secrets.
MAY_READ_CREDENTIALS = {
    "backoffice/people/oidc/staying.py",  # refresh tokens, for the provider
    "backoffice/people/signin/factors.py",
    "connections/models/connections.py",
    "connections/models/bound.py",  # judges them when they are read
    "connections/models/key_replacement.py",
    "connections/type_versions.py",
    "connections/runtime.py",  # loads them for use
    "connections/display.py",  # masks them
    "connections/destinations.py",  # an address may be among them
    "connections/fingerprints.py",  # hashes them
}


def test_only_services_read_the_credentials_of_rows():
    reading = {
        named(file)
        for file in PRODUCT
        for node in ast.walk(tree(file))
        if isinstance(node, ast.Attribute)
        and node.attr == "credentials"
        and not {"services", "migrations"} & set(file.relative_to(ROOT).parts)
    }
    assert reading <= MAY_READ_CREDENTIALS


def test_providers_know_no_django_and_import_no_sdk_at_the_top():
    sdks = {"django", "openai", "anthropic", "google", "boto3", "botocore", "azure"}
    found = {
        (named(file), name.split(".")[0])
        for file in (ROOT / "providers").rglob("*.py")
        for node in tree(file).body
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if not node.level
            else []
        )
    }
    assert {one for one in found if one[1] in sdks} == set()


def test_every_module_at_the_top_of_providers_is_a_provider():
    from providers.core.registry import all_providers

    homes = {one.__module__ for one in all_providers()}
    modules = {f"providers.{file.stem}" for file in (ROOT / "providers").glob("[!_]*.py")}
    assert modules - homes == set()


def test_nothing_imports_the_module_of_a_provider():
    """Whoever needs a provider asks the registry for it."""
    names = {f"providers.{file.stem}" for file in (ROOT / "providers").glob("[!_]*.py")}
    graph = grimp.build_graph("providers", "connections", "gateway", "backoffice", cache_dir=None)
    assert [name for name in names if graph.find_modules_that_directly_import(name)] == []


def test_no_other_list_names_the_providers():
    from providers.core.registry import all_providers

    distinct = {one.id for one in all_providers()} & {
        "azure-openai",
        "microsoft-foundry",
        "openai-compatible",
        "ollama",
        "amazon",
        "mistral",
    }
    # the Python client runs without the server; tests/switchboard/test_types.py holds its
    # declarations to the server's. promptflow's own types are known here, not by the providers.
    free = ("providers", "switchboard")
    files = [
        file
        for file in [*PRODUCT, *TEMPLATES]
        if file.relative_to(ROOT).parts[0] not in free
        and named(file) != "connections/promptflow/format/types.py"
    ]
    assert [
        (named(file), one)
        for file in files
        for one in distinct
        if re.search(rf"[\"']{one}[\"']", file.read_text())
    ] == []


COMMANDS = [
    file.stem for file in PRODUCT if file.parent.name == "commands" and file.stem != "__init__"
]


def test_every_command_is_tested():
    tests = "".join(
        file.read_text() for file in (ROOT / "tests").rglob("test_*.py") if file != Path(__file__)
    )
    assert [command for command in COMMANDS if f'"{command}"' not in tests] == []


def test_no_template_has_inline_style_or_script():
    for template in TEMPLATES:
        text = re.sub(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}", "", template.read_text())
        assert not re.findall(
            r"<style\b|<script(?![^>]*\bsrc=)|\sstyle\s*=|\son[a-z]+\s*=|\shx-on|javascript:",
            text,
            re.IGNORECASE,
        ), named(template)


LOADS_FROM_ELSEWHERE = r"(?:src|href)\s*=\s*[\"'](?:https?:)?//"
SWITCHES_ESCAPING_OFF = r"\|\s*safe\b|autoescape\s+off|\|\s*safeseq"


@pytest.mark.parametrize("pattern", [LOADS_FROM_ELSEWHERE, SWITCHES_ESCAPING_OFF])
def test_no_template_loads_from_another_host_or_switches_escaping_off(pattern: str):
    assert [named(one) for one in TEMPLATES if re.search(pattern, one.read_text())] == []


def test_every_form_that_posts_carries_a_token():
    without = [
        named(template)
        for template in TEMPLATES
        for form in re.findall(r"<form\b.*?</form>", template.read_text(), re.DOTALL)
        if 'method="post"' in form and "csrf_token" not in form
    ]
    assert without == []


BINARY = {".png", ".ico", ".woff2", ".sqlite3"}
# Spelled apart, so that this file does not find itself.
HOSTS = re.compile(
    "|".join(
        ["python" + "hosted", "py" + r"pi\.org", "npm" + "js", "yarn" + "pkg", "--index-" + "url"]
    )
)
MACHINE_PATHS = re.compile(
    "|".join(
        [
            "/" + "work/",
            "/" + r"home/[a-z]+/",
            "/" + "root/",
            "/" + r"Users/[A-Za-z]+/",
            r"[A-Z]:\\" + "Users",
        ]
    )
)


def texts() -> Iterator[tuple[str, str]]:
    """Every tracked text file that is still there."""
    for file in TRACKED:
        if file.suffix not in BINARY and file.is_file():
            yield named(file), file.read_text(errors="replace")


def test_no_tracked_file_names_a_package_registry():
    assert [(name, found[0]) for name, text in texts() if (found := HOSTS.search(text))] == []


def test_no_tracked_file_has_a_path_of_one_machine():
    assert [
        (name, found[0]) for name, text in texts() if (found := MACHINE_PATHS.search(text))
    ] == []


def test_no_tracked_file_is_a_secret_or_a_database():
    names = {named(file) for file in TRACKED}
    assert not {
        name for name in names if re.search(r"(^|/)\.env$|\.sqlite3$|(^|/)uv\.lock$|\.pem$", name)
    }
    assert (ROOT / ".gitignore").read_text().count(".env")


def test_the_test_tree_has_no_skips():
    skipping = re.compile(
        r"pytest\." + r"(skip|xfail|importorskip)|mark\." + r"(skip|skipif|xfail)"
    )
    assert [
        named(file) for file in (ROOT / "tests").rglob("*.py") if skipping.search(file.read_text())
    ] == []

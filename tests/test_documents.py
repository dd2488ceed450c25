"""The documents for people who change the code are true: examples run, paths exist."""

import asyncio
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from providers.core.base import Model, Provider
from providers.core.errors import ProviderError
from providers.core.registry import registered
from providers.core.results import FinishReason, Usage
from providers.core.schema import settings_fields

from .httpserver import Answer, HttpServer
from .providers.samples import sample
from .providers.streams import asked, request, streamed
from .upstreams import aimock_program

ROOT = Path(__file__).parents[1]
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text()
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md"]
DOCUMENTS += sorted((ROOT / "docs").rglob("*.md"))

# CONTRIBUTING prints them whole: file -> text.
EXAMPLES = dict(
    re.findall(
        r"^This is all of `providers/(\w+\.py)`[^`]*```python\n(.*?)```",
        CONTRIBUTING,
        re.MULTILINE | re.DOTALL,
    )
)


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the tree with the worked examples among the providers."""
    copy = tmp_path_factory.mktemp("copy")
    for folder in ("backoffice", "gateway", "connections", "providers", "tests"):
        shutil.copytree(ROOT / folder, copy / folder)  # with the bytecode that is there
    shutil.copy(ROOT / "pyproject.toml", copy)
    for name, text in EXAMPLES.items():
        (copy / "providers" / name).write_text(text)
    return copy


def run(copy: Path, *arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=copy,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_two_examples_are_printed():
    assert [*EXAMPLES] == ["acme.py", "lumen.py"]


@pytest.mark.parametrize("how", [["check"], ["format", "--check"]], ids=["check", "format"])
def test_the_examples_pass_ruff_as_printed(copy: Path, how: list[str]):
    done = run(copy, "ruff", *how, "--no-cache", *(f"providers/{name}" for name in EXAMPLES))
    assert done.returncode == 0, done.stdout


def test_the_examples_keep_what_every_provider_promises(copy: Path):
    contracts = [f"tests/providers/test_{name}contract.py" for name in ("", "chat_")]
    ids = [name.removesuffix(".py") for name in EXAMPLES]
    chosen = ["-k", " or ".join(ids)]
    aimock = str(aimock_program())
    done = run(
        copy, "pytest", "-n0", "-rp", "-pno:cacheprovider", *contracts, *chosen, AIMOCK=aimock
    )
    assert done.returncode == 0, done.stdout
    passed = re.findall(r"^PASSED (\S+)::\S+\[(.*)\]", done.stdout, re.MULTILINE)
    found = {(file, one) for file, which in passed for one in ids if one in which.split("-")}
    assert found == {(file, one) for file in contracts for one in ids}


# The second example, asked over HTTP


@pytest.fixture
def lumen(copy: Path) -> Iterator[type[Provider[Any]]]:
    spec = importlib.util.spec_from_file_location("providers.lumen", copy / "providers/lumen.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    with registered(module.Lumen):
        yield module.Lumen


ANSWER = {"text": "Fine, thanks.", "cut": False, "tokens_in": 11, "tokens_out": 9}
CATALOG = {"models": [{"key": "lumen-1", "title": "Lumen 1"}]}


@pytest.fixture
def server() -> Iterator[HttpServer]:
    answers = {"/v2/answers": Answer(body=ANSWER), "/v2/catalog": Answer(body=CATALOG)}
    with HttpServer(answers, default=Answer(404)) as running:
        yield running


def test_a_choice_of_the_example_has_its_labels(lumen: type[Provider[Any]]):
    choices = settings_fields(lumen)["queue"].choices
    assert choices == (
        ("shared", "Shared, without a promise"),
        ("reserved", "Reserved, billed by the hour"),
    )


def test_the_example_lists_its_models(lumen: type[Provider[Any]], server: HttpServer):
    models = sample(lumen, server.url).list_models()
    assert models == [Model("lumen-1", "Lumen 1", frozenset(lumen.capabilities))]


def test_the_example_answers_a_chat(lumen: type[Provider[Any]], server: HttpServer):
    made = sample(lumen, server.url, queue="reserved")
    answer = asyncio.run(asked(made, request("How are you?", temperature=0.5)))
    assert (answer.content, answer.finish_reason) == ("Fine, thanks.", FinishReason.STOP)
    assert answer.usage == Usage(11, 9)
    sent = server.requests[0]
    assert json.loads(sent.body) == {
        "model": "made-up",
        "lines": [{"speaker": "guest", "text": "How are you?"}],
        "warmth": 0.5,
    }
    assert sent.values("X-Api-Key") == ["good-key"] and sent.values("Lumen-Queue") == ["reserved"]


def test_a_stream_of_the_example_is_its_answer_in_one_piece(
    lumen: type[Provider[Any]], server: HttpServer
):
    chunks = asyncio.run(streamed(sample(lumen, server.url), request()))
    assert [(one.content, one.usage) for one in chunks] == [("Fine, thanks.", Usage(11, 9))]


def test_an_answer_that_lacks_something_is_a_bad_response(
    lumen: type[Provider[Any]], server: HttpServer
):
    server.answers["/v2/answers"] = Answer(body={"text": "Fine, thanks."})
    with pytest.raises(ProviderError) as caught:
        asyncio.run(asked(sample(lumen, server.url), request()))
    assert caught.value.code == "bad_response"


# Paths

ENDINGS = "py|md|html|yaml|yml|toml|css|js|json|txt|in|sqlite3"
PATH = re.compile(rf"\.?[\w-]+(/[\w.-]+)*(/|/[\w.-]+\.({ENDINGS}))")
AT_THE_TOP = re.compile(
    r"[A-Z]+\.md|pyproject\.toml|package(-lock)?\.json|requirements[\w-]*\.(in|txt)"
)
# What is made when it is needed, and the examples, which a test puts there.
NOT_IN_THE_TREE = {f"providers/{name}" for name in EXAMPLES}


def paths_in(text: str) -> Iterator[str]:
    """What stands in backticks, or is linked to, and looks like a file of the repository."""
    quoted = re.findall(r"(?<!`)`([^`\n]+)`(?!`)", text)
    linked = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text)
    for one in quoted:
        if PATH.fullmatch(one) or AT_THE_TOP.fullmatch(one):
            yield one
    yield from linked


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda file: file.name)
def test_every_path_that_a_document_names_exists(document: Path):
    places = (ROOT, document.parent)
    assert [
        one
        for one in paths_in(document.read_text())
        if one not in NOT_IN_THE_TREE and not any((place / one).exists() for place in places)
    ] == []


def test_a_path_that_does_not_exist_is_found():
    text = "See `connections/no_such.py`, `connections/gone/`, `GONE.md` and [this](docs/gone.md)."
    assert [*paths_in(text)] == [
        "connections/no_such.py",
        "connections/gone/",
        "GONE.md",
        "docs/gone.md",
    ]


def test_the_places_of_a_column_are_those_that_its_tests_name():
    page = (ROOT / "docs/changes.md").read_text()
    section = page.partition("a column on Connection\n")[2].partition("\n## ")[0]
    tests = (ROOT / "tests/connections/test_columns.py").read_text()
    places = [re.findall(r"^\d\. `?([\w./]+)", one, re.MULTILINE) for one in (section, tests)]
    assert places[0] == places[1] and 0 < len(places[0]) <= 8


def test_the_house_shows_every_folder():
    shown = {Path(one) for one in re.findall(r"^([a-z/]+/)(?: |$)", CONTRIBUTING, re.MULTILINE)}
    tracked = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    folders = {Path(one).parts[0] for one in tracked if "/" in one and not one.startswith(".")}
    assert {str(one) for one in shown if len(one.parts) == 1} == folders
    assert [str(one) for one in shown if not (ROOT / one).is_dir()] == []


# Links


def slugs(document: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", document.read_text(), re.MULTILINE)
    plain = [re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", one).lower() for one in headings]
    return {re.sub(r"[^\w\- ]", "", one).replace(" ", "-") for one in plain}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda one: one.name)
def test_every_link_leads_to_a_heading_that_is_there(document: Path):
    text = re.sub(r"```.*?```", "", document.read_text(), flags=re.DOTALL)
    links = [one.partition("#") for one in re.findall(r"\]\(([^)\s:]+)\)", text)]
    pages = [(document.parent / path if path else document, anchor) for path, _, anchor in links]
    assert [
        f"{page.name}#{anchor}"
        for page, anchor in pages
        if not page.exists() or (anchor and page.suffix == ".md" and anchor not in slugs(page))
    ] == []


def test_every_page_is_in_the_index():
    index = (ROOT / "docs" / "index.md").read_text()
    pages = {one.name for one in (ROOT / "docs").glob("*.md")} - {"index.md"}
    assert {one for one in pages if f"]({one})" not in index} == set()

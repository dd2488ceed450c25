"""Code generators read docs/openapi.yaml without a warning, what they write compiles strictly, and
each client passes one journey against a running server. `make test-clients` installs them.
"""

import json
import os
import shutil
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.connections.api.serving import Served, serving

ROOT = Path(__file__).resolve().parents[2]
HERE, PLACE = ROOT / "tests" / "clients", ROOT / ".venv-clients"
DOCUMENT = ROOT / "docs" / "openapi.yaml"
PROGRAMS = f"{PLACE / 'bin'}:{PLACE / 'node_modules' / '.bin'}:{os.environ['PATH']}"
# what openapi-python-client writes whatever the document is, and httpx types otherwise
MYPY = "[mypy]\nstrict = True\n\n[mypy-client.client]\nignore_errors = True\n"
EXAMPLES = (
    *("createConnection", "getConnectionByIdOrAlias", "updateConnection", "patchConnection"),
    *("createProfile", "getProfileByIdOrAlias", "updateProfile", "patchProfile"),
    *("completeChat", "completeChatByProfile", "streamChat", "streamChatByProfile"),
    *("generateEmbeddings", "generateEmbeddingsByProfile"),
    *("createChatCompletion", "createEmbedding", "listModels", "retrieveModel"),
)
DEFAULTS = {"defaultChatProfileId": "content-writer", "defaultEmbeddingProfileId": "search"}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("clients")) as served:
        yield served


def run(*command: object, cwd: Path = ROOT) -> str:
    """What a program writes. It fails the test where it does not end with 0."""
    done = subprocess.run(
        [str(one) for one in command],
        cwd=cwd,
        env=os.environ | {"PATH": PROGRAMS, "NO_COLOR": "1"},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    if done.returncode:
        pytest.fail(done.stdout[-4000:], pytrace=False)  # without the command, which has a token
    return done.stdout


def test_openapi_python_client(served: Served, tmp_path: Path):
    generate = ["openapi-python-client", "generate", "--meta", "none", "--fail-on-warning"]
    said = run(*generate, "--path", DOCUMENT, "--output-path", "client", cwd=tmp_path)
    assert "WARNING" not in said.upper()
    shutil.copy(HERE / "journey.py", tmp_path)
    (tmp_path / "mypy.ini").write_text(MYPY)
    run("mypy", "client", "journey.py", cwd=tmp_path)
    run(PLACE / "bin" / "python", "journey.py", served.url, served.token, cwd=tmp_path)


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which both TypeScript clients are written and compiled."""
    folder = tmp_path_factory.mktemp("typescript")
    (folder / "node_modules").symlink_to(PLACE / "node_modules")
    (folder / "package.json").write_text('{"type": "module"}')
    for name in ("tsconfig.json", "fetch.ts", "heyapi.ts", "openapi-ts.config.mjs"):
        shutil.copy(HERE / name, folder)
    shutil.copy(DOCUMENT, folder)
    said = run("openapi-typescript", "openapi.yaml", "-o", "schema.d.ts", cwd=folder)
    said += run("openapi-ts", cwd=folder)
    assert "warn" not in said.lower()
    run("tsc", "-p", ".", cwd=folder)
    return folder


@pytest.mark.parametrize("name", ["fetch", "heyapi"])
def test_typescript(name: str, served: Served, compiled: Path):
    run("node", f"out/{name}.js", served.url, served.token, cwd=compiled)


def test_redocly_finds_nothing():
    said = run("redocly", "lint", "--format", "json", DOCUMENT)
    found = json.JSONDecoder().raw_decode(said, said.index("{"))[0]
    assert found["problems"] == []


def test_spectral_finds_nothing():
    run("spectral", "lint", "--fail-severity", "hint", DOCUMENT)


def test_examples_of_requests_run_on_an_empty_installation(served: Served):
    """One after the other, as the document has them: what one makes, the next names."""
    for rows in ("profiles", "connections"):
        for one in served.ask("GET", f"/{rows}")["items"]:
            asked(served, "DELETE", f"/api/v1/{rows}/{one['id']}", None)
    document = yaml.safe_load(DOCUMENT.read_text())
    found = {
        operation["operationId"]: (path, method, operation)
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
    }
    for name in EXAMPLES:
        path, method, operation = found[name]
        for one in operation.get("parameters", ()):
            path = path.replace(f"{{{one['name']}}}", str(one.get("example")))
        content = operation.get("requestBody", {}).get("content", {})
        for example in content.get("application/json", {}).get("examples", {"": {}}).values():
            assert asked(served, method, path, example.get("value")) < 300, (name, example)
        if name == "createProfile":  # the examples of chats that name none ask the default
            chosen = [served.ask("GET", f"/profiles/{one}")["id"] for one in DEFAULTS.values()]
            served.ask("PUT", "/settings", dict(zip(DEFAULTS, chosen, strict=True)))


def asked(served: Served, method: str, path: str, body: Any) -> int:
    """The status of an answer."""
    headers = {"Authorization": f"Bearer {served.token}", "Content-Type": "application/json"}
    content = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(served.url + path, content, headers, method=method.upper())
    try:
        with urllib.request.urlopen(request) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        print(error.read().decode())
        return error.code

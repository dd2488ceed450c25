"""What comes from others is known: the gates of `make lint` bite, and nothing runs at start-up."""

import importlib.util
import json
import re
import site
import subprocess
from pathlib import Path

import pytest

from tools import audit, sbom, secret_strings, weaknesses

# What may run code whenever Python starts, and why.
AT_START_UP = {
    "_virtualenv.pth": "a venv that virtualenv or uv made: keeps distutils inside of it",
    "distutils-precedence.pth": "setuptools: lets an import of distutils find its own copy",
}
# Put together here, so that this file holds none.
KEY = "AKIA" + "QY7ZK3M5N2WX8RTV"
WORD = "pass" + "word"


def starts(folder: Path) -> set[str]:
    """The files of a folder of packages whose lines Python runs when it starts."""
    return {
        path.name
        for path in folder.glob("*.pth")
        if re.search(r"^import[ \t]", path.read_text(errors="replace"), re.MULTILINE)
    } | {
        path.name for name in ("sitecustomize", "usercustomize") for path in folder.glob(f"{name}*")
    }


def test_no_package_runs_code_at_start_up_that_is_not_on_the_list():
    folders = [Path(folder) for folder in site.getsitepackages()]
    assert {name for folder in folders for name in starts(folder)} <= AT_START_UP.keys()
    for name in ("sitecustomize", "usercustomize"):  # a folder of the machine may have one
        found = importlib.util.find_spec(name)
        assert found is None or not any(str(one) in (found.origin or "") for one in folders)


def test_code_at_start_up_is_seen(tmp_path: Path):
    (tmp_path / "paths.pth").write_text("/somewhere\n")
    (tmp_path / "harmful.pth").write_text("/somewhere\nimport os; os.getcwd()\n")
    (tmp_path / "usercustomize.py").touch()
    assert starts(tmp_path) == {"harmful.pth", "usercustomize.py"}


def test_the_list_of_parts_is_that_of_the_lock_and_tells_no_address():
    text = sbom.FILE.read_text()
    found = json.loads(text)
    assert sorted(sbom.named(found)) == sorted(sbom.needed())
    assert re.findall(r'"https?://[^"]*"', text) == [f'"{found["$schema"]}"']
    assert not {"serialNumber", "timestamp"} & {*found, *found["metadata"]}


def test_a_list_of_parts_with_another_version_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    older = tmp_path / "docs" / "sbom.cdx.json"
    older.parent.mkdir()
    older.write_text(
        re.sub("pkg:pypi/django@[0-9.]+", "pkg:pypi/django@1.0", sbom.FILE.read_text())
    )
    monkeypatch.setattr(sbom, "FILE", older)
    monkeypatch.setattr(sbom, "ROOT", tmp_path)
    with pytest.raises(SystemExit, match=r"run make sbom: pkg:pypi/django@1\.0, pkg:pypi/django@"):
        sbom.main(["--check"])


SKIPPED = {"name": "django", "skip_reason": "Dependency not found"}
KNOWN = {"id": "CVE-1", "fix_versions": ["9"]}


@pytest.mark.parametrize(
    ("python", "npm", "code", "told"),
    [
        (
            [{"name": "django", "version": "1", "vulns": []}],
            {"vulnerabilities": {}},
            0,
            "looked up",
        ),
        (
            [{"name": "django", "version": "1", "vulns": [KNOWN]}],
            {"vulnerabilities": {}},
            1,
            "requirements.txt: django 1 has CVE-1, mended in 9",
        ),
        (
            [SKIPPED],
            {"vulnerabilities": {}},
            3,
            "requirements.txt: no advisory data could be had: 1 of 1 packages were not looked up",
        ),
        (
            [],
            {"message": "405 Method Not Allowed"},
            3,
            "package-lock.json: no advisory data could be had: 405 Method Not Allowed",
        ),
        ([], {"vulnerabilities": {"x": {"severity": "high"}}}, 1, "package-lock.json: x: high"),
    ],
)
def test_an_audit_that_was_told_nothing_is_no_clean_one(
    python: object,
    npm: object,
    code: int,
    told: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    def run(*command: str) -> "subprocess.CompletedProcess[str]":
        answer = npm if command[0] == "npm" else {"dependencies": python}
        return subprocess.CompletedProcess(command, 0, json.dumps(answer), "")

    monkeypatch.setattr(audit, "run", run)
    assert audit.main() == code
    assert told in capsys.readouterr().out


def test_a_service_that_cannot_be_reached_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    failed = subprocess.CompletedProcess([], 1, "", "Traceback\nConnectionError: no route\n")
    monkeypatch.setattr(audit, "run", lambda *command: failed)
    assert audit.main() == 3
    assert capsys.readouterr().out.count("could be had: ConnectionError: no route") == 3


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A repository with nothing in it."""
    subprocess.run(["git", "init", "--quiet"], cwd=tmp_path, check=True)
    (tmp_path / "providers").mkdir()
    return tmp_path


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("providers/acme.py", f'{WORD} = "hunter2x"'),
        ("providers/acme.py", f'KEYS = ["{KEY}"]'),
        ("providers/types.yaml", f"{WORD}: hunter2x"),
        ("tests/test_acme.py", f'KEYS = ["{KEY}"]'),
        ("notes.md", "-----BEGIN RSA " + "PRIVATE KEY-----"),
        ("notes.md", f"postgres://user:{KEY}@host/name"),
    ],
)
def test_a_new_secret_fails_until_it_has_a_reason(tree: Path, file: str, line: str):
    (tree / file).parent.mkdir(exist_ok=True)
    (tree / file).write_text(f"{line}\n")
    with pytest.raises(SystemExit, match=f"looks like a secret:\n  {file}:1"):
        secret_strings.main([], tree)

    with pytest.raises(SystemExit, match="looks like a secret"):
        secret_strings.main(["--write"], tree)  # listed, without a reason
    baseline = tree / ".secrets.baseline"
    baseline.write_text(baseline.read_text().replace('"reason": ""', '"reason": "an example"'))
    secret_strings.main([], tree)

    (tree / file).write_text("\n")
    with pytest.raises(SystemExit, match=f"No longer there.*{file}"):
        secret_strings.main([], tree)


def test_a_password_of_a_test_needs_no_reason(tree: Path):
    (tree / "tests").mkdir()
    (tree / "tests" / "test_acme.py").write_text(f'{WORD} = "hunter2x"\n')
    secret_strings.main([], tree)


def test_a_new_weak_place_fails_until_it_has_a_reason(tree: Path):
    file = tree / "providers" / "acme.py"
    file.write_text("import os\n\n\ndef run(text):\n    os.system(text)\n")
    with pytest.raises(SystemExit, match=r"weak place:\n  providers/acme.py:5: B605"):
        weaknesses.main(["--write"], tree)

    baseline = tree / ".bandit.baseline"
    baseline.write_text(baseline.read_text().replace('"reason": ""', '"reason": "an example"'))
    weaknesses.main([], tree)

    file.write_text(file.read_text().replace("(text)\n", "(text)  # noqa: S605 an example\n"))
    with pytest.raises(SystemExit, match=r"No longer there.*os\.system"):
        weaknesses.main([], tree)  # the reason is beside it now


def test_a_mark_without_a_reason_is_none():
    place = {"test_id": "B605", "line_range": [1]}
    assert weaknesses.reason_beside(place, ["x  # noqa: S605 an example"])
    assert not weaknesses.reason_beside(place, ["x  # noqa: S605"])
    assert not weaknesses.reason_beside(place, ["x  # noqa: S603 an example"])


def test_every_package_is_locked_with_its_hashes_and_npm_runs_no_scripts():
    for name in ("requirements.txt", "requirements-dev.txt"):
        blocks = re.split(r"\n(?=\S)", (sbom.ROOT / name).read_text().strip())
        assert [one for one in blocks if "==" not in one or "--hash=sha256:" not in one] == []
    lock = json.loads((sbom.ROOT / "package-lock.json").read_text())["packages"]
    assert [name for name, one in lock.items() if name and "integrity" not in one] == []
    makefile, npmrc = (sbom.ROOT / "Makefile").read_text(), (sbom.ROOT / ".npmrc").read_text()
    assert "--require-hashes" in makefile and "ignore-scripts=true" in npmrc

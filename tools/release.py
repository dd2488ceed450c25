"""Whether this commit can be released, and the tag of it.

`make release` says what is missing, or prints the tag's message; with ARGS=--tag it makes the
annotated tag. docs/upgrading.md says what comes before and after.
"""

import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
OPERATORS = "### For operators\n"
HEADING = re.compile(r"\[?(?P<version>\d+\.\d+\.\d+[\w.-]*)\]? - (?P<date>\d{4}-\d\d-\d\d)")
MIGRATION = re.compile(r"(?:.*/)?(?P<app>\w+)/migrations/(?P<name>\d\w+)\.py")
# Where the version is written again, for what cannot read pyproject.toml.
COPIES = {
    "deploy/image/Dockerfile": r"^ARG VERSION=(\S+)$",
    "deploy/kubernetes/kustomization.yaml": r"^ +newTag: (\S+)$",
    "docs/openapi.yaml": r"^  version: (\S+)$",
    "switchboard/version.py": r'^__version__ = "(.+)"$',
}
SBOM, RECORD = "docs/sbom.cdx.json", "tests/upgrades/previous_release.toml"


@dataclass(frozen=True)
class Part:
    """The newest part of CHANGELOG.md: its heading and its text."""

    heading: str
    text: str

    @property
    def operators(self) -> str:
        """What operators must do; empty where it does not say."""
        return self.text.partition(OPERATORS)[2].partition("\n### ")[0].strip()


def newest(changelog: str) -> Part:
    """The part of the version that is to be released."""
    heading, _, text = re.split(r"^## ", changelog, flags=re.MULTILINE)[1].partition("\n")
    return Part(heading.strip(), text)


def version_of(root: Path) -> str:
    """The version that pyproject.toml has."""
    return str(tomllib.loads((root / "pyproject.toml").read_text())["project"]["version"])


def other_versions(root: Path) -> Iterator[str]:
    """A sentence for each file that has another version than pyproject.toml."""
    version = version_of(root)
    found = {
        name: re.search(pattern, (root / name).read_text(), re.MULTILINE)
        for name, pattern in COPIES.items()
    }
    told = {name: match[1].strip("'\"") if match else "none" for name, match in found.items()}
    told[SBOM] = json.loads((root / SBOM).read_text())["metadata"]["component"]["version"]
    for name, other in told.items():
        if other != version:
            yield f"{name} has the version {other}, pyproject.toml {version}."


def problems_of_changelog(part: Part, version: str) -> Iterator[str]:
    """A sentence for each thing that the newest part lacks for a release of this version."""
    heading = HEADING.fullmatch(part.heading)
    if heading is None:
        yield f"CHANGELOG.md: the newest part is {part.heading!r}, not {version!r} with its date."
    elif heading["version"] != version:
        yield f"CHANGELOG.md: the newest part is of {heading['version']}, not of {version}."
    if not part.operators:
        yield "CHANGELOG.md: the newest part does not say what operators must do."


def problems_of_migrations(root: Path, record: dict[str, Any], part: Part) -> Iterator[str]:
    """A sentence if operators are not told of the migrations since the recorded release."""
    if last_migrations(root) != record["last"] and "Migrations:" not in part.operators:
        yield "CHANGELOG.md: operators are not told of the migrations since the previous release."


def problems_of_record(root: Path, record: dict[str, Any]) -> Iterator[str]:
    """A sentence for what the record of the previous release says wrongly of its commit."""
    commit = record["commit"]
    if not _git(root, "cat-file", "-e", f"{commit}^{{commit}}").is_good:
        yield f"{RECORD}: its commit {commit} is not here."
        return
    if not _git(root, "merge-base", "--is-ancestor", commit, "HEAD").is_good:
        yield f"{RECORD}: its commit {commit} does not come before this one."
    files = _git(root, "ls-tree", "-r", "--name-only", commit).text.splitlines()
    if _last(files) != record["last"]:
        yield f"{RECORD}: the last migrations are not those of its commit."


def problems_of_tree(root: Path, tag: str) -> Iterator[str]:
    """A sentence if something is not committed, and one if the tag is there."""
    if changed := _git(root, "status", "--porcelain", "--untracked-files=no").text:
        yield f"Files are changed and not committed:\n{changed}"
    if _git(root, "rev-parse", "--verify", f"refs/tags/{tag}").is_good:
        yield f"The tag {tag} is there already. Raise the version in pyproject.toml."


def last_migrations(root: Path) -> dict[str, str]:
    """The last migration of each app of ours in a folder."""
    return _last([str(one.relative_to(root)) for one in root.glob("*/**/migrations/[0-9]*.py")])


def _last(files: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for file in sorted(files):
        match = MIGRATION.fullmatch(file)
        if match and file.partition("/")[0] in ("backoffice", "connections", "gateway"):
            found[match["app"]] = match["name"]
    return found


@dataclass(frozen=True)
class Said:
    """How git ended, and what it said."""

    is_good: bool
    text: str


def _git(root: Path, *arguments: str, given: str | None = None) -> Said:
    done = subprocess.run(
        ["git", *arguments], cwd=root, input=given, capture_output=True, text=True, check=False
    )
    return Said(done.returncode == 0, done.stdout.rstrip())


def main() -> None:
    """Ends with 1 where something is missing, with a line for each thing."""
    version, part = version_of(ROOT), newest((ROOT / "CHANGELOG.md").read_text())
    tag, record = f"v{version}", tomllib.loads((ROOT / RECORD).read_text())
    problems = [
        *problems_of_tree(ROOT, tag),
        *other_versions(ROOT),
        *problems_of_changelog(part, version),
        *problems_of_record(ROOT, record),
        *problems_of_migrations(ROOT, record, part),
    ]
    if problems:
        sys.exit("\n".join(problems))
    message = f"Switchboard {version}\n\nFor operators:\n\n{part.operators}\n"
    sys.stdout.write(message)
    if "--tag" in sys.argv[1:]:
        made = _git(ROOT, "tag", "--annotate", tag, "--file=-", "--cleanup=verbatim", given=message)
        sys.exit(0 if made.is_good else f"git made no tag {tag}.")


if __name__ == "__main__":
    main()

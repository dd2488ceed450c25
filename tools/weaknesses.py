"""Looks for weak places in the code of the product, by bandit.

A place that ruff names as well (its rule S608 is bandit's B608) has its reason beside it, after
`# noqa:`. For all others it is in `.bandit.baseline`. With `--write` that is written anew: reasons
stay, and what is new has an empty one, to be filled in. Without it the command fails where bandit
finds something that has no reason.
"""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
BASELINE = ROOT / ".bandit.baseline"
CODE = ("backoffice", "connections", "gateway", "providers", "switchboard")
# Passwords in the code: ruff (S105 to S107) and detect-secrets look for them too, and take fewer
# words for one.
SKIPPED = "B105,B106,B107"

Place = tuple[str, str, str]  # file, bandit's test, the line without its indentation


def main(arguments: list[str], root: Path = ROOT) -> None:
    """Write the baseline, or fail where a place has no reason."""
    baseline = root / BASELINE.name
    known = reasons(baseline)
    places = dict(found(root))
    is_writing = "--write" in arguments
    if is_writing:
        rows = [
            {"file": one[0], "test": one[1], "line": one[2], "reason": known.get(one, "")}
            for one in sorted(places)
        ]
        baseline.write_text(json.dumps(rows, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    if unknown := sorted(told for one, told in places.items() if not known.get(one)):
        sys.exit(
            "bandit finds a weak place:\n  " + "\n  ".join(unknown) + "\nMend it. If it is none, "
            "run `.venv/bin/python -m tools.weaknesses --write` and say in .bandit.baseline why."
        )
    if not is_writing and (
        gone := sorted({f"{one[0]}: {one[2]}" for one in known.keys() - places.keys()})
    ):
        sys.exit(f"No longer there, but in {baseline.name}, so write it anew: {'; '.join(gone)}")


def reasons(baseline: Path) -> dict[Place, str]:
    """Why each place of the baseline is not weak."""
    if not baseline.exists():
        return {}
    rows: list[dict[str, str]] = json.loads(baseline.read_text(encoding="utf-8"))
    return {(one["file"], one["test"], one["line"]): one["reason"].strip() for one in rows}


def found(root: Path) -> Iterator[tuple[Place, str]]:
    """The places that bandit finds without a reason beside them, each with what to tell of it."""
    folders = [name for name in CODE if (root / name).is_dir()]
    command = [sys.executable, "-m", "bandit", "--quiet", "--recursive", "--format", "json"]
    command += ["--skip", SKIPPED]
    done = subprocess.run(
        [*command, *folders], cwd=root, capture_output=True, text=True, check=False
    )
    report = json.loads(done.stdout)
    if report["errors"]:
        sys.exit(f"bandit could not read everything: {report['errors']}")
    for one in report["results"]:
        lines = (root / one["filename"]).read_text(encoding="utf-8").splitlines()
        if not reason_beside(one, lines):
            line = lines[one["line_number"] - 1].strip()
            told = f"{one['filename']}:{one['line_number']}: {one['test_id']} {one['issue_text']}"
            yield (one["filename"], one["test_id"], line), told


def reason_beside(place: dict[str, Any], lines: list[str]) -> bool:
    """Whether a line of a place has `# noqa:` with the number of ruff's rule, and a reason."""
    number = place["test_id"].removeprefix("B")
    mark = re.compile(rf"# noqa: (?:\w+, ?)*S{number}(?:, ?\w+)* +\S")
    return any(mark.search(lines[at - 1]) for at in place["line_range"])


if __name__ == "__main__":
    main(sys.argv[1:])

"""Looks for what looks like a secret in the files of the repository, by detect-secrets.

What was looked at and is none is in `.secrets.baseline`, with a reason for each. With `--write` the
baseline is written anew: reasons stay, and what is new has an empty one, to be filled in. Without
it the command fails where something is found that is not in the baseline, or has no reason there.
"""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from detect_secrets.core.plugins.util import get_mapping_from_secret_type_to_class
from detect_secrets.core.scan import scan_file
from detect_secrets.plugins.base import BasePlugin, RegexBasedDetector
from detect_secrets.plugins.high_entropy_strings import HighEntropyStringsPlugin
from detect_secrets.plugins.keyword import DENYLIST
from detect_secrets.settings import transient_settings

ROOT = Path(__file__).resolve().parents[1]
BASELINE = ROOT / ".secrets.baseline"
NAMES = re.compile("|".join(DENYLIST), re.IGNORECASE)
# Written by programs from what is searched itself, or full of hashes.
NOT_SEARCHED = (
    ".secrets.baseline",
    "docs/openapi.yaml",
    "docs/sbom.cdx.json",
    "locale/",
    "package-lock.json",
    "requirements-dev.txt",
    "requirements.txt",
)
# Nearly every test gives a password or a key that it made up: there only what looks like one
# counts, whatever it is called.
MADE_UP = ("bench/", "tests/")
BY_NAME_ALONE = {"KeywordDetector", "BasicAuthDetector"}
# Services that nobody here has an account with, and addresses, which are no secrets. Looking for
# them would take as long as for all the others.
NOT_USED = {
    "ArtifactoryDetector",
    "CloudantDetector",
    "IPPublicDetector",
    "IbmCloudIamDetector",
    "IbmCosHmacDetector",
    "SoftlayerDetector",
}
FILTERS = (
    "allowlist.is_line_allowlisted",
    "heuristic.is_indirect_reference",
    "heuristic.is_likely_id_string",
    "heuristic.is_lock_file",
    "heuristic.is_not_alphanumeric_string",
    "heuristic.is_potential_uuid",
    "heuristic.is_prefixed_with_dollar_sign",
    "heuristic.is_sequential_string",
    "heuristic.is_templated_secret",
)
NOTES = r"^\[\^[a-z0-9-]+\]: `\S+\.py::"  # lines of SECURITY.md with names of tests alone
# Three words, but for the lines around a private key, or a dotted name: no service makes such keys.
WORDS = r"^(?!.*PRIVATE KEY).*\S\s+\S+\s+\S|^[a-z]+(\.[a-z_]+)+$"

Finding = tuple[str, str, str]  # file, kind, SHA-1 of the text, as detect-secrets has them


def main(arguments: list[str], root: Path = ROOT) -> None:
    """Write the baseline, or fail where it lacks something."""
    baseline = root / BASELINE.name
    known = reasons(baseline)
    lines = dict(found(root))
    is_writing = "--write" in arguments
    if is_writing:
        baseline.write_text(json.dumps(written(lines, known), indent=1) + "\n", encoding="utf-8")
    unknown = [f"{one[0]}:{line}: {one[1]}" for one, line in lines.items() if not known.get(one)]
    if unknown:
        sys.exit(
            "This looks like a secret:\n  " + "\n  ".join(sorted(unknown)) + "\nIf it is one, end "
            "it where it opens something, and take it out. If it is none, run "
            "`.venv/bin/python -m tools.secret_strings --write` and say in .secrets.baseline why."
        )
    if not is_writing and (gone := sorted({one[0] for one in known.keys() - lines.keys()})):
        sys.exit(f"No longer there, but in {baseline.name}, so write it anew: {', '.join(gone)}")


def reasons(baseline: Path) -> dict[Finding, str]:
    """Why each finding of the baseline is no secret."""
    if not baseline.exists():
        return {}
    results: dict[str, list[dict[str, str]]] = json.loads(baseline.read_text("utf-8"))["results"]
    return {
        (file, one["type"], one["hashed_secret"]): one.get("reason", "").strip()
        for file, ones in results.items()
        for one in ones
    }


def written(lines: dict[Finding, int], known: dict[Finding, str]) -> dict[str, Any]:
    """A baseline, as detect-secrets reads it, with reasons and without numbers of lines."""
    results: dict[str, list[dict[str, str]]] = {}
    for file, kind, digest in sorted(lines):
        one = {"type": kind, "filename": file, "hashed_secret": digest}
        one["reason"] = known.get((file, kind, digest), "")
        results.setdefault(file, []).append(one)
    return {**settings(sorted(plugins())), "version": "1.5.0", "results": results}


def plugins() -> dict[str, BasePlugin]:
    """One of each detector that is used, by the name of its class."""
    classes: list[type[BasePlugin]] = [*get_mapping_from_secret_type_to_class().values()]
    return {one.__name__: one() for one in classes if one.__name__ not in NOT_USED}


def settings(names: list[str]) -> dict[str, Any]:
    """Settings of detect-secrets for some detectors. Nothing is verified, as that asks services."""
    filters: list[dict[str, Any]] = [{"path": f"detect_secrets.filters.{one}"} for one in FILTERS]
    for what, pattern in (("line", NOTES), ("secret", WORDS)):
        path = f"detect_secrets.filters.regex.should_exclude_{what}"
        filters.append({"path": path, "pattern": [pattern]})
    return {"plugins_used": [{"name": name} for name in names], "filters_used": filters}


def found(root: Path) -> Iterator[tuple[Finding, int]]:
    """What looks like a secret below a root, and in which line; not in files that git ignores."""
    detectors = plugins()
    tracked = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=root,
        capture_output=True,
        text=True,
        check=True,
    )
    for file in filter(None, tracked.stdout.split("\0")):
        if file.startswith(NOT_SEARCHED) or not (root / file).is_file():
            continue
        made_up = file.startswith(MADE_UP)
        used = {k: v for k, v in detectors.items() if not (made_up and k in BY_NAME_ALONE)}
        yield from found_in(root, file, used)


def found_in(root: Path, file: str, used: dict[str, BasePlugin]) -> Iterator[tuple[Finding, int]]:
    """The same in one file. Each line costs detect-secrets 0.2 ms with all detectors, so those
    that would find nothing in the whole text are left out first.
    """
    try:
        text = (root / file).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return  # a picture
    rewritten = file.endswith((".yaml", ".yml", ".ini", ".toml"))  # by detect-secrets, with quotes
    names = [name for name, one in used.items() if rewritten or may_find(one, file, text)]
    if not names:
        return
    with transient_settings(settings(names)):
        for one in scan_file(str(root / file)):
            yield (file, one.type, one.secret_hash), one.line_number


def may_find(detector: BasePlugin, file: str, text: str) -> bool:
    """Whether a detector finds anything in a text, before what is filtered out again."""
    if isinstance(detector, RegexBasedDetector):
        return any(pattern.search(text) for pattern in detector.denylist)
    if isinstance(detector, HighEntropyStringsPlugin):
        limit = detector.entropy_limit
        return any(
            detector.calculate_shannon_entropy(one) > limit for one in detector.analyze_string(text)
        )
    lines = [line for line in text.splitlines() if NAMES.search(line)]
    return any(detector.analyze_line(filename=file, line=line) for line in lines)


if __name__ == "__main__":
    main(sys.argv[1:])

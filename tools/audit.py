"""Asks the advisory services whether a weakness is known in what is installed: `make audit`.

pip-audit asks about requirements.txt and requirements-dev.txt, npm about package-lock.json. Both
programs end well where they were told nothing: pip-audit counts a package that the service does not
know as passed. Here that is no answer, and it has an exit code of its own.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[1]
CLEAN, FOUND, NO_DATA = 0, 1, 3


class Answer(NamedTuple):
    """What a service told: known weaknesses, and why it told nothing of some or of all."""

    weaknesses: list[str]
    silence: str


def main() -> int:
    """Print what was told. 0: all were looked up and nothing is known; 1: a weakness is known;
    3: at least one service told nothing, so that nobody knows.
    """
    answers = {
        "requirements.txt": python_packages("requirements.txt"),
        "requirements-dev.txt": python_packages("requirements-dev.txt"),
        "package-lock.json": npm_packages(),
    }
    for name, answer in answers.items():
        for line in answer.weaknesses:
            print(f"{name}: {line}")
        if answer.silence:
            print(f"{name}: no advisory data could be had: {answer.silence}")
        elif not answer.weaknesses:
            print(f"{name}: every package was looked up, and no weakness is known.")
    if any(answer.weaknesses for answer in answers.values()):
        return FOUND
    return NO_DATA if any(answer.silence for answer in answers.values()) else CLEAN


def python_packages(file: str) -> Answer:
    """What pip-audit is told of a file with hashes."""
    flags = ("--disable-pip", "--require-hashes", "--progress-spinner", "off", "--format", "json")
    done = run(sys.executable, "-m", "pip_audit", "--requirement", file, *flags)
    try:
        packages: list[dict[str, Any]] = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError):
        return Answer([], last_line(done.stderr))
    unknown = [one for one in packages if "skip_reason" in one]
    silence = ""
    if unknown:
        reason = unknown[0]["skip_reason"]
        silence = f"{len(unknown)} of {len(packages)} packages were not looked up. {reason}"
    return Answer(list(python_weaknesses(packages)), silence)


def python_weaknesses(packages: list[dict[str, Any]]) -> Iterator[str]:
    """A line for each weakness that pip-audit names."""
    for package in packages:
        for one in package.get("vulns", ()):
            cure = " or ".join(one["fix_versions"]) or "no version yet"
            yield f"{package['name']} {package['version']} has {one['id']}, mended in {cure}"


def npm_packages() -> Answer:
    """What npm is told of the packages of the tests."""
    try:
        done = run("npm", "audit", "--package-lock-only", "--json")
    except FileNotFoundError:
        return Answer([], "npm is not installed")
    try:
        told = json.loads(done.stdout)
        found: dict[str, dict[str, Any]] = told["vulnerabilities"]
    except ValueError:
        return Answer([], last_line(done.stderr))
    except KeyError:
        return Answer([], str(told.get("message") or told.get("error") or "npm tells no reason"))
    return Answer([f"{name}: {one['severity']}" for name, one in sorted(found.items())], "")


def run(*command: str) -> "subprocess.CompletedProcess[str]":
    """Run a program, whatever it ends with."""
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def last_line(text: str) -> str:
    """The last line of what a program complained."""
    return (text.strip().splitlines() or ["it tells no reason"])[-1]


if __name__ == "__main__":
    sys.exit(main())

"""Writes docs/settings.md from backoffice/settings.yaml and from how the settings are read.

`python -m tools.render_settings` in the root. `--check` writes nothing, and fails when the page is
out of date.
"""

import os
import sys
from pathlib import Path
from typing import Any

import yaml

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backoffice.settings")

from backoffice.environment import Variable
from backoffice.settings import ENVIRONMENT

ROOT = Path(__file__).resolve().parent.parent
PAGE, TEXTS = ROOT / "docs" / "settings.md", ROOT / "backoffice" / "settings.yaml"
BEGIN = "<!-- from here on: by `make docs`, from backoffice/settings.yaml -->\n"
FAMILY = "OIDC_"  # any number of them, which one entry describes
NEXT = """
## Where to go on

- [running.md](running.md): a server as a whole.
- [troubleshooting.md](troubleshooting.md#it-does-not-start): it does not start.
"""
SWITCH = "`true` or `false`"

Entry = dict[str, str]


def main(arguments: list[str]) -> None:
    """Write the page, or with --check exit with a sentence if it is not what it should be.

    Exits with one too where a setting has no entry, or an entry no setting.
    """
    groups: dict[str, dict[str, Entry]] = yaml.safe_load(TEXTS.read_text(encoding="utf-8"))
    if wrong := misplaced(groups):
        sys.exit(f"backoffice/settings.yaml: {wrong}")
    before, _, _ = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    text = before + BEGIN + rendered(groups) + NEXT
    if "--check" not in arguments:
        PAGE.write_text(text, encoding="utf-8")
    elif PAGE.read_text(encoding="utf-8") != text:
        sys.exit("docs/settings.md: out of date. Run: make docs")


def misplaced(groups: dict[str, dict[str, Entry]]) -> str:
    """What does not fit together, in words; empty where all does."""
    read = {name for name in ENVIRONMENT.variables if not name.startswith(FAMILY)}
    told = {name for group in groups.values() for name in group}
    if lacking := sorted(read - told):
        return f"{', '.join(lacking)} has no entry."
    whole = {"value", "default", "example"}
    unknown = [
        name
        for group in groups.values()
        for name, entry in group.items()
        if name not in read and not whole <= entry.keys()
    ]
    return f"{', '.join(unknown)} is not read by the settings." if unknown else ""


def rendered(groups: dict[str, dict[str, Entry]]) -> str:
    """The groups, each with its settings."""
    parts = []
    for title, group in groups.items():
        parts.append(f"\n## {title}\n")
        parts += [described(name, entry) for name, entry in group.items()]
    return "".join(parts)


def described(name: str, entry: Entry) -> str:
    """One setting: what it is for, what may be written, what it is otherwise, an example."""
    found = ENVIRONMENT.variables.get(name, Variable(name, "", ""))
    value = entry.get("value", found.kind)
    default = entry.get("default") or (f"`{found.default}`" if found.default else "none")
    lines = [f"\n### `{name}`\n", entry["text"], f"\n- Value: {value}", f"- Default: {default}"]
    if example := example_of(found, entry):
        lines.append(f"- Example: `{name.partition(',')[0]}={example}`")
    if f"{name}_FILE" in {*ENVIRONMENT.secret_files, "SWITCHBOARD_ADMIN_PASSWORD_FILE"}:
        lines.append(f"- Or `{name}_FILE`: the path of a file that holds it")
    return "\n".join(lines) + "\n"


def example_of(found: Variable, entry: dict[str, Any]) -> str:
    """The example; of a switch its other side."""
    if found.kind == SWITCH:
        return "false" if found.default == "true" else "true"
    return str(entry["example"])


if __name__ == "__main__":
    main(sys.argv[1:])

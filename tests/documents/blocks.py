"""The blocks of code in the documents, and what stands above them for the tests.

A comment above a block, `<!-- test: ... -->`, says what its text cannot:

- `skip REASON`: it is not run. REASON is one of `REASONS`, or the path of a test that does it.
- `file NAME`: its text is that file, for the commands below it.
- `continues`: it goes on where the last block of its language on this page ended.
- `anew`: what makes rows of the tutorial another way; those that are there are deleted first.
- `shell`: Python that runs inside Django, in `manage.py shell`.
- `postgresql`: its commands work on a database of PostgreSQL.
- `log [sign-in]`: its lines are among what the server writes: at its start, or of a failed sign-in.
- `cron`: its lines are cron's, and what they run is run.
- `answer ADDRESS`: it is what the server answers there.
- `package PATH`: it is this file of a package.
- `steps`: what stands under `run` and `script` is run.
- `lines FILE`: its lines stand in this file of the repository.
- `paths [PACKAGE]`: its lines begin with what is in the repository, or in these packages.
"""

import re
from dataclasses import dataclass, field, replace
from pathlib import Path

from markdown_it import MarkdownIt

ROOT = Path(__file__).resolve().parents[2]
INDEX = ROOT / "docs" / "index.md"
TUTORIAL = "docs/tutorial.md"
FIRST = ("README.md", TUTORIAL)  # all later pages use their names and rows

COMMANDS = "docs/commands.md"
REASONS = {
    "cloud": "an account with a cloud or another service",
    "kubernetes": "a Kubernetes cluster",
    "postgresql": "PostgreSQL",
    "program": "a program or package that is not part of the development environment",
    "systemd": "systemd, as root",
}
WORDS = (
    *("skip", "file", "continues", "anew", "shell", "postgresql"),
    *("log", "cron", "answer", "package", "steps", "lines", "paths"),
)
MARK = re.compile(r"<!-- test: (.*?) -->")
RUN = ("sh", "python", "js")
GENERATED = ("mermaid",)


@dataclass(frozen=True)
class Block:
    """One block: its page, the line where it begins, its language and text, and its marks."""

    page: str
    line: int
    language: str
    text: str
    marks: dict[str, str] = field(default_factory=dict)
    output: "Block | None" = None

    def __str__(self) -> str:
        return f"{self.page}:{self.line} {self.language}"


def pages() -> list[str]:
    """Every document, in the order in which they are read: the index's."""
    linked = re.findall(r"\]\(([\w./-]+\.md)[#)]", INDEX.read_text(encoding="utf-8"))
    paths = [str((INDEX.parent / one).resolve().relative_to(ROOT)) for one in linked]
    others = sorted(str(one.relative_to(ROOT)) for one in (ROOT / "docs").rglob("*.md"))
    return [*dict.fromkeys([*FIRST, *paths, *others])]


def blocks_of(page: str) -> list[Block]:
    """The blocks of a document."""
    return blocks_in((ROOT / page).read_text(encoding="utf-8"), page)


def blocks_in(text: str, page: str) -> list[Block]:
    """The blocks of this text. What is printed, a `text` or `json` block close below a command, is
    the `output` of that command.
    """
    found: list[Block] = []
    marks: dict[str, str] = {}
    end = 0
    for token in MarkdownIt().parse(text):
        if token.type == "html_block":
            marks = _marks(token.content)
        elif token.type == "fence" and token.map:
            block = Block(page, token.map[0] + 1, token.info.strip(), token.content, marks)
            if _is_output(block, found, end):
                found[-1] = _with_output(found[-1], block)
            else:
                found.append(block)
            marks, end = {}, token.map[1]
        elif token.type == "inline":
            marks = {}
    return found


def _marks(comment: str) -> dict[str, str]:
    found = MARK.search(comment)
    parts = [one.strip().partition(" ") for one in found[1].split(";")] if found else []
    return {word: value for word, _, value in parts}


def _is_output(block: Block, found: list[Block], end: int) -> bool:
    above = found[-1] if found else None
    return (
        block.language in ("text", "json")
        and not block.marks
        and above is not None
        and above.language in RUN
        and "skip" not in above.marks
        and above.output is None
        and block.line - end <= 5  # a blank line, a sentence such as "It prints:", a blank line
    )


def _with_output(block: Block, output: Block) -> Block:
    return replace(block, output=output)


def misplaced(block: Block) -> str:
    """What is wrong with the marks of a block, in words; empty where nothing is."""
    if unknown := [one for one in block.marks if one not in WORDS]:
        return f"{block}: no mark is called {unknown[0]!r}"
    reason = block.marks.get("skip")
    if reason is None or reason in REASONS:
        return ""
    if (ROOT / reason).is_file() and reason.startswith("tests/"):
        return ""
    return f"{block}: {reason!r} is not a reason. There are: {', '.join(REASONS)}, or a test's path"

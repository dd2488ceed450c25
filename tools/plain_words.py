"""Looks whether texts for people are plain English: part of `make lint`.

Documents, the messages of pages and errors, the help of settings and commands, and the texts of the
API's document are read. Refused are sentences that are too long, two negations in one clause, and
what tools/plain_words.yaml lists. `python -m tools.plain_words` in the root; names of files narrow
it.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from babel.messages.pofile import read_po

ROOT = Path(__file__).resolve().parent.parent
LISTED = Path(__file__).with_suffix(".yaml")
DOCUMENTS = ("README.md", "CONTRIBUTING.md", "SECURITY.md", "docs/*.md")
MESSAGES, API = "locale/de/LC_MESSAGES/django.po", "docs/openapi.yaml"
LONGEST_CLAUSE, LONGEST_SENTENCE = 35, 50  # words
NEGATIONS = re.compile(
    r"\b(not|cannot|never|nobody|nothing|none|neither|without|\w+n't|no(?! longer| more\b))\b", re.I
)

PARTS = re.compile(r"[,:;()]|\b(?:and|or|but|because|if|where|when|that|which|who|as|so)\b")

Text = tuple[str, int, str]  # file, line or 0, text


def main(names: list[str]) -> None:
    """Print what is wrong, and exit with 1 if anything is."""
    listed = yaml.safe_load(LISTED.read_text(encoding="utf-8"))
    rules = [(re.compile(rf"\b(?:{one})\b", re.I), cure) for one, cure in listed["words"].items()]
    rules += [(re.compile(one, re.I), cure) for one, cure in listed["patterns"].items()]
    excused = listed["excused"]
    wrong = []
    for file, line, text in texts():
        if names and file not in names:
            continue
        for problem in problems(text, rules):
            if not any(one in text for one in excused.get(file, ())):
                wrong.append(f"{file}{f':{line}' if line else ''}: {problem}")
    for one in dict.fromkeys(wrong):
        sys.stdout.write(f"{one}\n")
    if wrong:
        sys.exit("Write it in plain words: short sentences, and say what is, not what is not.")


def texts() -> Iterator[Text]:
    """Every text for people, with its place."""
    for pattern in DOCUMENTS:
        for path in sorted(ROOT.glob(pattern)):
            yield from in_markdown(str(path.relative_to(ROOT)), path.read_text(encoding="utf-8"))
    for message in read_po((ROOT / MESSAGES).open("rb")):
        found = message.id if isinstance(message.id, tuple) else (message.id,)
        for text in map(str, filter(None, found)):
            yield MESSAGES, 0, re.sub(r"%\(\w+\)\w|%[sd]|\{\w*\}|</?\w+[^>]*>", "X", text)
    document = yaml.load((ROOT / API).read_text(encoding="utf-8"), yaml.CSafeLoader)
    for text in dict.fromkeys(in_document(document)):
        for part in re.split(r"\n\s*\n|\n\s*[-*] ", text):
            yield API, 0, stripped(" ".join(part.split()))


def in_markdown(file: str, content: str) -> Iterator[Text]:
    """The paragraphs, list items and cells of a page, without code."""
    is_code = False
    for number, line in enumerate(content.splitlines(), 1):
        if line.lstrip().startswith("```"):
            is_code = not is_code
        elif not is_code and not line.startswith("[^"):
            cells = line.strip("| ").split(" | ") if line.startswith("|") else [line]
            for cell in cells:
                yield file, number, stripped(cell)


def in_document(found: Any) -> Iterator[str]:
    """The descriptions and summaries in a document of OpenAPI."""
    if isinstance(found, dict):
        for name, value in found.items():
            if name in ("description", "summary") and isinstance(value, str):
                yield value
            else:
                yield from in_document(value)
    elif isinstance(found, list):
        for one in found:
            yield from in_document(one)


def stripped(text: str) -> str:
    """A text without marks: code is one word, and a row of code too."""
    text = re.sub(r"``[^`]+``|`[^`]*`", "X", re.sub(r"<!--.*?-->|\[\^[\w-]+\]", "", text))
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text).replace("**", "").replace("*", "")
    return re.sub(r"X(?:(?:,| and| or|, and|, or) X)+", "X", text)


def problems(text: str, rules: list[tuple[re.Pattern[str], str]]) -> Iterator[str]:
    """What is wrong with a text, each with the place in it."""
    for pattern, cure in rules:
        for found in pattern.finditer(text):
            yield f"“{found[0]}”: {cure}"
    for sentence in re.split(r"(?<=[.!?])[)\"”]?\s+", text):
        words = len(sentence.split())
        if words > LONGEST_SENTENCE:
            yield f"{words} words in one sentence: {_start(sentence)}"
            continue
        for clause in re.split(r"(?<=[:;])\s+", sentence):
            words = len(clause.split())
            if words > LONGEST_CLAUSE:
                yield f"{words} words without a stop: {_start(clause)}"
            for part in PARTS.split(clause):
                if len(negated := NEGATIONS.findall(part)) > 1:
                    yield f"two negations ({', '.join(negated)}): {part.strip()}"


def _start(text: str) -> str:
    return text if len(text) < 70 else f"{text[:70]}..."


if __name__ == "__main__":
    main(sys.argv[1:])

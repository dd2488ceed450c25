"""Finds sections of the documents by words, the best first."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from math import log

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from .files import address_of, documents
from .rendering import Section, outline

WORD = re.compile(r"[A-Za-z0-9_$]+")
# words of questions, which say nothing of what is asked for
EMPTY = frozenset(
    re.findall(
        r"\w+",
        "a an and are as at be by can do does for from how i if in is it me my of on or that the "
        "there this to was what when where which who why will with without you your",
    )
)
# pages for those who change the code, or that tell of the past
ASIDE = frozenset({"CHANGELOG.md", "CONTRIBUTING.md", "docs/architecture.md", "docs/changes.md"})
MOST, AROUND = 20, 110
IN_HEADING, IN_TITLE, IN_TEXT = 6.0, 3.0, 1.0


@dataclass(frozen=True)
class Found:
    """A section that fits. `excerpt`: some of its text, with what fits marked."""

    title: str
    document: str
    address: str
    excerpt: SafeString


@dataclass(frozen=True)
class _Entry:
    section: Section
    document: str
    address: str
    heading: frozenset[str]
    title: frozenset[str]
    text: Counter[str]
    worth: float


def search(asked: str) -> list[Found]:
    """The sections that have words of this text, the best first."""
    given = [one for one in words(asked) if one not in EMPTY]
    pairs = [f"{one}{other}" for one, other in pairwise(given)]  # back up: backup
    stems = [_stem(one) for one in (*given, *pairs)]
    weights = {one: _rarity()[one] for one in stems if one in _rarity()}
    scored = [(_score(entry, weights), place) for place, entry in enumerate(_entries())]
    best = sorted((-score, place) for score, place in scored if score > 0)[:MOST]
    found = [_entries()[place] for _, place in best]
    return [
        Found(one.section.title, one.document, one.address, _excerpt(one.section.text, weights))
        for one in found
    ]


def words(text: str) -> list[str]:
    """The words of a text, in lower case; also the parts of names such as OPENAI_API_KEY."""
    whole = [one.lower() for one in WORD.findall(text)]
    return [*whole, *(part for one in whole if "_" in one for part in one.split("_") if part)]


@cache
def _stem(word: str) -> str:
    for end in ("ing", "ies", "es", "ed", "s", "y", "e"):
        if word.endswith(end) and len(word) - len(end) >= 3:
            return word.removesuffix(end)
    return word


def _stems(texts: Iterable[str]) -> list[str]:
    return [_stem(one) for text in texts for one in words(text) if one not in EMPTY]


@cache
def _entries() -> tuple[_Entry, ...]:
    found = list[_Entry]()
    for path in documents().values():
        document, address = outline(path), address_of(path)
        for section in document.sections:
            heading = frozenset(_stems([section.title]))
            title = frozenset(_stems([document.title]))
            at = f"{address}#{section.anchor}" if section.anchor else address
            text = Counter(_stems([section.text]))
            worth = 0.4 if path in ASIDE else 1.0
            found.append(_Entry(section, document.title, at, heading, title, text, worth))
    return tuple(found)


@cache
def _rarity() -> dict[str, float]:
    """How much a word tells: more, the fewer sections have it."""
    number = Counter(
        one for entry in _entries() for one in {*entry.text, *entry.heading, *entry.title}
    )
    return {one: log(1 + len(_entries()) / times) for one, times in number.items()}


def _score(entry: _Entry, weights: dict[str, float]) -> float:
    score, hits = 0.0, 0
    for one, weight in weights.items():
        times = entry.text.get(one, 0)
        worth = IN_TEXT * times / (times + 1.5) + IN_HEADING * (one in entry.heading)
        worth += IN_TITLE * (one in entry.title)
        score += weight * worth
        hits += worth > 0
    return score * hits * entry.worth


def _excerpt(text: str, weights: dict[str, float]) -> SafeString:
    """The text around the first words that fit, which are marked."""
    plain = " ".join(text.split())
    places = [hit for hit in WORD.finditer(plain) if _stem(hit[0].lower()) in weights]
    begin = max(0, places[0].start() - AROUND) if places else 0
    begin = plain.find(" ", begin) + 1 if begin else 0
    end = begin + 2 * AROUND
    parts, at = list[tuple[str, str]](), begin
    for hit in places:
        if hit.start() >= at and hit.end() <= end:
            parts.append((plain[at : hit.start()], hit[0]))
            at = hit.end()
    marked = format_html_join("", "{}<mark>{}</mark>", parts)
    cut = "…" if end < len(plain) else ""
    return format_html("{}{}{}{}", "…" if begin else "", marked, plain[at:end], cut)

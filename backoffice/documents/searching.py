"""Finds sections of the documents by words, the best first."""

import re
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from math import log

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from .files import address_of, documents
from .rendering import Section, outline
from .words import EMPTY, SAME, same_as

WORD = re.compile(r"[\w$]+")
# pages for those who change the code, or that tell of the past
ASIDE = frozenset(
    {
        *("CHANGELOG.md", "CONTRIBUTING.md"),
        *("docs/architecture.md", "docs/changes.md", "docs/pages.md"),
    }
)
# pages in which one looks up what one knows the name of
LOOKED_UP = ("docs/commands.md", "docs/settings.md", "docs/errors.md", "docs/providers/")
MOST, AROUND = 20, 110
IN_HEADING, WHOLE_HEADING, IN_TITLE, IN_TEXT = 6.0, 3.0, 3.0, 1.0
AS_SAME = 0.8  # what a word counts that only means the same
# Of the best by their words, those that have them side by side, as they are asked for, come first:
# so a message that is pasted leads to its cure.
LOOKED_AT, SIDE_BY_SIDE = 60, 1.5

# a word that is asked for: what tells how much, for it and for those that mean the same
Wanted = dict[str, float]


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


def load() -> None:
    """Reads the documents, which takes half a second, before anybody waits for it."""
    with suppress(OSError):  # whoever asks for one that cannot be read is told
        _rarity()


def search(asked: str) -> list[Found]:
    """The sections that have words of this text, the best first."""
    asked_for = [wanted for one in _given(asked) if (wanted := _wanted(one))]
    weights = {one for wanted in asked_for for one in wanted}
    scored = [(_score(entry, asked_for), place) for place, entry in enumerate(_entries())]
    good = sorted((-score, place) for score, place in scored if score > 0)[:LOOKED_AT]
    pairs = [" ".join(one) for one in pairwise(_in_order(asked))]
    best = sorted((score * _side_by_side(_entries()[place], pairs), place) for score, place in good)
    found = [_entries()[place] for _, place in best[:MOST]]
    return [
        Found(one.section.title, one.document, one.address, _excerpt(one.section.text, weights))
        for one in found
    ]


def words(text: str) -> list[str]:
    """The words of a text, in lower case; also the parts of names such as OPENAI_API_KEY."""
    whole = [one.lower() for one in WORD.findall(text)]
    return [*whole, *(part for one in whole if "_" in one for part in one.split("_") if part)]


def _in_order(text: str) -> list[str]:
    return [one.lower() for one in WORD.findall(text)]


def _side_by_side(entry: _Entry, pairs: list[str]) -> float:
    """More than 1, the more of these pairs of words the section has, and above all its heading."""
    share = 0.0
    for text, weight in ((entry.section.title, 2.0), (entry.section.text, 1.0)):
        plain = f" {' '.join(_in_order(text))} "
        hits = sum(f" {one} " in plain for one in pairs)
        share = max(share, weight * hits / max(len(pairs), 1))
    return 1 + SIDE_BY_SIDE * share


def _given(asked: str) -> list[str]:
    """The words that tell something. Two that are one word elsewhere (back up) are that one too;
    where that has another word here (log in: sign in), they are only that.
    """
    every = words(asked)
    pairs = {place: f"{one}{other}" for place, (one, other) in enumerate(pairwise(every))}
    said = {place for place, pair in pairs.items() if pair in SAME}
    covered = said | {place + 1 for place in said}
    alone = [one for place, one in enumerate(every) if place not in covered and one not in EMPTY]
    return list(dict.fromkeys([*alone, *pairs.values()]))


def _wanted(word: str) -> Wanted:
    """What is looked for where this word is asked for, as far as documents have it."""
    rarity, stem = _rarity(), _stem(word)
    same = {_stem(one) for one in same_as(word)}
    found = {one: rarity[one] * AS_SAME for one in same if one in rarity}
    return found | ({stem: rarity[stem]} if stem in rarity else {})


@cache
def _stem(word: str) -> str:
    for ends in (("ies", "es", "s"), ("ing", "ed", "y", "e")):
        for end in ends:
            if word.endswith(end) and len(word) - len(end) >= 3 and not word.endswith("ss"):
                word = word.removesuffix(end)
                break
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
            looked_up = section.anchor and path.startswith(LOOKED_UP)
            worth = 0.4 if path in ASIDE else 0.6 if looked_up else 1.0
            found.append(_Entry(section, document.title, at, heading, title, text, worth))
    return tuple(found)


@cache
def _rarity() -> dict[str, float]:
    """How much a word tells: more, the fewer sections have it."""
    number = Counter(
        one for entry in _entries() for one in {*entry.text, *entry.heading, *entry.title}
    )
    return {one: log(1 + len(_entries()) / times) for one, times in number.items()}


def _score(entry: _Entry, asked_for: list[Wanted]) -> float:
    score, hits, covered = 0.0, 0, set[str]()
    for wanted in asked_for:
        worths = {one: weight * _worth(entry, one) for one, weight in wanted.items()}
        best = max(worths.values())
        score += best
        hits += best > 0
        covered |= wanted.keys() & entry.heading
    if covered:
        score *= 1 + WHOLE_HEADING * len(covered) / len(entry.heading) / IN_HEADING
    return score * hits * entry.worth


def _worth(entry: _Entry, stem: str) -> float:
    times = entry.text.get(stem, 0)
    worth = IN_TEXT * times / (times + 1.5) + IN_HEADING * (stem in entry.heading)
    return worth + IN_TITLE * (stem in entry.title)


def _excerpt(text: str, weights: set[str]) -> SafeString:
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

"""The order of the documents: docs/index.md, which lists each under what one wants to do."""

import re
from dataclasses import dataclass
from functools import cache

from .files import FIRST, address_of, documents, target_of, text_of
from .rendering import outline

LINK = re.compile(r"\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^)\s]+)\)")


@dataclass(frozen=True)
class Entry:
    """A link of the index."""

    title: str
    address: str


@dataclass(frozen=True)
class Group:
    """A part of the index with its links."""

    title: str
    entries: tuple[Entry, ...]


@cache
def groups() -> tuple[Group, ...]:
    """The parts of the index: each page once, by the title that it gives itself."""
    paths = {address_of(path): path for path in documents().values()}
    found, seen = list[Group](), set[str]()
    for part in text_of(FIRST).split("\n## ")[1:]:
        title, _, text = part.partition("\n")
        entries = list[Entry]()
        for _said, link in LINK.findall(text):
            address = target_of(link, FIRST).partition("#")[0]
            if address in paths and address not in seen:
                seen.add(address)
                entries.append(Entry(outline(paths[address]).title, address))
        found.append(Group(title.strip(), tuple(entries)))
    return tuple(found)


def neighbours(address: str) -> tuple[Entry | None, Entry | None]:
    """The pages before and after the one with this address."""
    entries = [entry for group in groups() for entry in group.entries]
    places = [place for place, entry in enumerate(entries) if entry.address == address]
    if not places:
        return None, None
    place = places[0]
    after = entries[place + 1] if place + 1 < len(entries) else None
    return (entries[place - 1] if place else None), after

"""Marks of brands: the drawings that two packages ship, under one list of names.

Simple Icons (CC0) comes first. Font Awesome's brands (CC BY 4.0) have some that Simple Icons lacks.
The marks themselves belong to the brands.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version

import fontawesome_free_pack
import simple_icons_pack

PACKAGES = ("simple-icons-pack", "fontawesome-free-pack")
BRANDS = "BRANDS_"  # Font Awesome has other drawings too
VIEW_BOX = re.compile(r' viewBox="([\d .-]+)"')
PATH = re.compile(r' d="([^"<>&]+)"')


@dataclass(frozen=True)
class Mark:
    """A drawing of one colour: the outlines of its shapes, and the `viewBox` they lie in."""

    name: str
    view_box: str
    paths: tuple[str, ...]


def find_mark(name: str) -> Mark | None:
    """The mark of this name, such as `github`; None where no package has one."""
    found = simple_icons_pack.get_icon(name) or fontawesome_free_pack.get_icon(f"brands/{name}")
    if found is None:
        return None
    box = VIEW_BOX.search(found.svg)
    return Mark(name, box[1] if box else "0 0 24 24", tuple(PATH.findall(found.svg)))


def mark_of_id(provider_id: str) -> str:
    """The name of the mark whose brand has this id, such as `huggingface` for `hugging-face`;
    empty if there is none.
    """
    name = re.sub(r"[^a-z0-9]", "", provider_id)
    return name if find_mark(name) else ""


@cache
def mark_names() -> frozenset[str]:
    """The names of all marks."""
    return frozenset(_names())


@cache
def marks_version() -> str:
    """The versions of the packages; drawings change with it only."""
    return "-".join(version(one) for one in PACKAGES)


def _names() -> Iterator[str]:
    for name in dir(simple_icons_pack):
        if name.startswith("SI_"):
            yield getattr(simple_icons_pack, name).slug
    for name in dir(fontawesome_free_pack):
        if name.startswith(BRANDS):
            yield getattr(fontawesome_free_pack, name).slug.removeprefix("brands/")

"""Which documents there are, and their addresses. They are part of the release: read once."""

import posixpath
from functools import cache
from pathlib import Path

from django.conf import settings
from django.urls import reverse

BESIDE = ("README.md", "SECURITY.md", "CONTRIBUTING.md", "CHANGELOG.md")  # beside the folder
FOLDER, FIRST = "docs", "docs/index.md"
SHOWN = {".png": "image/png", ".svg": "image/svg+xml", ".json": "application/json"}


@cache
def documents() -> dict[str, str]:
    """The path of each document in the repository, by its name in addresses."""
    root = Path(settings.BASE_DIR)
    beside = {one.removesuffix(".md").lower(): one for one in BESIDE if (root / one).is_file()}
    inside = {
        path.relative_to(root / FOLDER).with_suffix("").as_posix(): path.relative_to(
            root
        ).as_posix()
        for path in sorted((root / FOLDER).rglob("*.md"))
    }
    return beside | inside


@cache
def attachments() -> dict[str, str]:
    """The path of each file that documents show or link to, by its name in addresses."""
    folder = Path(settings.BASE_DIR) / FOLDER
    return {
        path.relative_to(folder).as_posix(): f"{FOLDER}/{path.relative_to(folder).as_posix()}"
        for path in sorted(folder.rglob("*"))
        if path.suffix in SHOWN
    }


@cache
def _names() -> dict[str, str]:
    return {path: name for name, path in documents().items()}


def text_of(path: str) -> str:
    """The text of a document, by its path in the repository."""
    return (Path(settings.BASE_DIR) / path).read_text(encoding="utf-8")


def address_of(path: str) -> str:
    """The address of a file of the repository on this server, empty for one that is not served."""
    if path == FIRST:
        return reverse("documents")
    if name := _names().get(path):
        return reverse("document", args=[name])
    if path == f"{FOLDER}/openapi.yaml":
        return reverse("api-docs")
    name = path.removeprefix(f"{FOLDER}/")
    return reverse("document-file", args=[name]) if name in attachments() else ""


def place_of(link: str, path: str) -> str:
    """The path in the repository of the file to which a link in the document with this path
    leads.
    """
    return posixpath.normpath(posixpath.join(posixpath.dirname(path), link.partition("#")[0]))


def is_document(link: str, path: str) -> bool:
    """True if that is a document."""
    return place_of(link, path) in _names()


def target_of(link: str, path: str) -> str:
    """The address to which a link in the document with this path leads, empty for nowhere."""
    if link.startswith(("https://", "http://", "mailto:", "#")):
        return link
    _, mark, part = link.partition("#")
    found = address_of(place_of(link, path))
    return f"{found}{mark}{part}" if found else ""

"""Writes the messages of the product into `locale/de/LC_MESSAGES/django.po`: `make catalogue`.

Translations are kept, messages that nobody uses any more are dropped. Sorted, and without the
places of messages, so that a change of the code is a small change of the catalogue. With `--check`
nothing is written: the command fails where the catalogue is not that of the code, or a translation
lacks, is fuzzy, or has other placeholders or tags than its message.
"""

import ast
import re
import sys
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import DEFAULT_KEYWORDS, extract
from babel.messages.pofile import read_po, write_po
from django.utils.translation.template import templatize

from providers.core import wording
from providers.core.registry import all_providers
from providers.core.schema import settings_fields

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("backoffice", "connections", "gateway")
FILE = ROOT / "locale" / "de" / "LC_MESSAGES" / "django.po"
KEYWORDS = {
    **DEFAULT_KEYWORDS,
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext_lazy": (1, 2),
    "pgettext_lazy": ((1, "c"), 2),
    "npgettext_lazy": ((1, "c"), 2, 3),
}
TEXT = r"""u?(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")"""
CALL = re.compile(rf"\b(_|n?p?gettext)\(({TEXT}(?:, {TEXT})*)")  # as Django's templatize writes it
PLACES = re.compile(r"%\(\w+\)\w|(?<!%)%[sd]|\{\w*\}|</?\w+[^>]*>")
NOISE = re.compile(
    rb'^"(Project-Id|POT-Creation|PO-Revision|Last-Translator|Language-Team|Generated-By).*\n', re.M
)

Found = tuple[str, str | tuple[str, ...]]  # context, message


def messages() -> Catalog:
    """Every message of the product, untranslated."""
    catalog = Catalog()
    for context, message in (*in_templates(), *in_code(), *in_providers()):
        catalog.add(message, context=context or None)
    return catalog


def in_templates() -> Iterator[Found]:
    """The messages of templates."""
    for path in (ROOT / "templates").rglob("*.html"):
        for name, texts in CALL.findall(templatize(path.read_text(encoding="utf-8"))):
            found = list(ast.literal_eval(f"[{texts}]"))
            context = found.pop(0) if "p" in name else ""
            yield context, (found[0], found[1]) if name.startswith("n") else found[0]


def in_code() -> Iterator[Found]:
    """The messages of modules, by the names of Django's functions."""
    for room in ROOMS:
        for path in (ROOT / room).rglob("*.py"):
            with path.open("rb") as file:
                for _line, message, _comments, context in extract("python", file, KEYWORDS):
                    yield context or "", message


def in_providers() -> Iterator[Found]:
    """What providers say of themselves and of their settings, and the sentences about wrong values.
    Providers know no Django: pages translate these texts where they show them.
    """
    texts = [wording.THIS, *wording.SENTENCES]
    for provider in all_providers():
        texts += [provider.description, provider.category]
        for field in settings_fields(provider).values():
            texts += [field.label, field.help, field.group, *dict(field.choices).values()]
    yield from (("", text) for text in texts if text)


def updated() -> Catalog:
    """The catalogue with the messages of today."""
    with FILE.open("rb") as file:
        catalog = read_po(file, locale="de")
    catalog.update(messages(), no_fuzzy_matching=True)
    return catalog


def written(catalog: Catalog) -> bytes:
    """The catalogue as a file, without what changes by itself."""
    file = BytesIO()
    write_po(file, catalog, width=98, no_location=True, sort_output=True, ignore_obsolete=True)
    return NOISE.sub(b"", file.getvalue()).lstrip()


def faults(catalog: Catalog) -> Iterator[str]:
    """What is wrong with the translations of a catalogue."""
    for message in catalog:
        if not message.id:
            continue
        text: Any = message.string
        words = text if isinstance(text, tuple) else (text,)
        if not all(words):
            yield f"not translated: {message.id!r}"
        elif message.fuzzy:
            yield f"fuzzy: {message.id!r}"
        elif not _fits(message, words):
            yield f"other placeholders or tags: {message.id!r}: {message.string!r}"


def _fits(message: Message, words: tuple[str, ...]) -> bool:
    """True if a translation has the placeholders and tags of its message. A form of a plural may
    lack some: "one connection" may go without its number.
    """
    if isinstance(message.id, str):
        return sorted(PLACES.findall(message.id)) == sorted(PLACES.findall(words[0]))
    known = {place for one in message.id for place in PLACES.findall(one)}
    return all(set(PLACES.findall(one)) <= known for one in words)


def main() -> None:
    """Writes the catalogue, or checks it."""
    catalog = updated()
    if "--check" not in sys.argv[1:]:
        FILE.write_bytes(written(catalog))
        return
    found = list(faults(catalog))
    if FILE.read_bytes() != written(catalog):
        found.append(f"{FILE.relative_to(ROOT)} is not that of the code. Run make catalogue.")
    if found:
        raise SystemExit("\n".join(found))


if __name__ == "__main__":
    main()

"""Secrets are taken out of texts that others wrote: what a service said, before it is shown."""

import base64
import json
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

MASK = "***"
LONGEST_TEXT = 10_000  # characters; the rest of a text is dropped
LONGEST_SECRET = 10_000  # characters; what follows in a secret is not searched for
PIECE = 12  # characters; that many of a secret in a row are one too many
LETTERS = 9  # as many without the signs that are among 12 characters of a usual key
SHORTEST_SECRET = 6  # characters; shorter secrets are words, and would be found everywhere
DEEPEST_ESCAPE = 3  # an address in an address in a JSON text is escaped three times

ESCAPED = re.compile(
    r"%([0-9a-f]{2})|\\u00([0-9a-f]{2})|\\u\{0*([0-9a-f]{2})\}|(?:\\|\b0)x([0-9a-f]{2})"
    r"|&#x0*([0-9a-f]{2});?|&#0*([0-9]{2,3});?|\\([01][0-7]{2})"
    r"|(\\[nrt]|&(?:nbsp|ensp|emsp|thinsp|zwnj|zwj|shy|tab|newline);)|\\([\"'/\\])",
    re.IGNORECASE,
)
SECRET_NAMES = re.compile("key|secret|token|password", re.IGNORECASE)


class Reading(NamedTuple):
    """A text as somebody may read it, and where each of its characters stands in the original."""

    text: str
    starts: list[int]
    ends: list[int]


def redacted(text: str, secrets: Iterable[str]) -> str:
    """`text` with *** for whatever repeats one of `secrets`, or 12 characters of one in a row.

    A secret is also found in other case, reversed, in hexadecimal, in base64 of either alphabet
    and from any byte on, escaped as in addresses, JSON or HTML, and with spaces or punctuation
    between its characters. Secrets of fewer than 6 characters are not searched for. The time grows
    with the length of the text and of the secrets; a text is cut after 10,000 characters.
    """
    text = text[:LONGEST_TEXT]
    forms = {form for secret in secrets for form in _forms(secret)}
    if not forms or not text:
        return text
    hidden = bytearray(len(text))
    letters = {"".join(one for one in form if not _is_sign(one)) for form in forms}
    for reading in _readings(text):
        _hide(reading, forms, PIECE, hidden)
        _hide(_without(reading, str.isspace), forms, PIECE, hidden)
        _hide(_without(reading, _is_sign), letters, LETTERS, hidden)
    return _masked(text, hidden)


def _forms(secret: str) -> Iterator[str]:
    """The spellings of a secret, in lower case."""
    for part in _parts(secret.strip()[:LONGEST_SECRET]):
        if len(part) < SHORTEST_SECRET:
            continue
        data = part.encode(errors="surrogatepass")
        for order in {data, data[::-1], part[::-1].encode(errors="surrogatepass")}:
            encoded = [order.hex(), *_base64(order)]
            yield from (form.lower() for text in encoded for form in (text, text[::-1]))
        for text in (part, data.decode("latin-1")):
            folded = "".join(map(_folded, text))
            yield from (folded, folded[::-1])


def _parts(secret: str) -> list[str]:
    """The secret texts in a secret: in a key file in JSON, its keys, and not its project or its
    addresses.
    """
    try:
        fields = json.loads(secret) if secret.startswith("{") else None
    except (ValueError, RecursionError):
        fields = None
    if not isinstance(fields, dict):
        return [secret]
    found = [
        value
        for name, value in fields.items()
        if isinstance(value, str) and SECRET_NAMES.search(name) and not value.startswith("http")
    ]
    return found or [secret]


def _base64(data: bytes) -> Iterator[str]:
    """The characters of base64 that depend on `data` alone, wherever it begins in a longer text."""
    for before in range(3):
        text = base64.b64encode(bytes(before) + data).decode()
        first, last = -(-before * 8 // 6), (before + len(data)) * 8 // 6
        yield text[first:last]
        yield text[first:last].translate({ord("+"): "-", ord("/"): "_"})


def _readings(text: str) -> Iterator[Reading]:
    """The text as it is, and as it reads when its escapes are resolved, up to three times."""
    places = range(len(text))
    reading = _expanded(text, list(places), [place + 1 for place in places])
    yield reading
    for _ in range(DEEPEST_ESCAPE):
        if not ESCAPED.search(reading.text):
            return
        reading = _unescaped(reading)
        yield reading


def _expanded(text: str, starts: list[int], ends: list[int]) -> Reading:
    """A reading in lower case, with plain characters for full-width and circled ones."""
    found = [(one, place) for place, character in enumerate(text) for one in _folded(character)]
    return Reading(
        "".join(one for one, _ in found),
        [starts[place] for _, place in found],
        [ends[place] for _, place in found],
    )


def _folded(character: str) -> str:
    folded = character if character.isascii() else unicodedata.normalize("NFKC", character)
    return folded.lower()


def _unescaped(reading: Reading) -> Reading:
    starts, ends, after = list[int](), list[int](), 0
    pieces: list[str] = []
    for match in ESCAPED.finditer(reading.text):
        pieces += (reading.text[after : match.start()], _character(match))
        starts += (*reading.starts[after : match.start()], reading.starts[match.start()])
        ends += (*reading.ends[after : match.start()], reading.ends[match.end() - 1])
        after = match.end()
    text = "".join((*pieces, reading.text[after:]))
    return _expanded(text, starts + reading.starts[after:], ends + reading.ends[after:])


def _character(match: re.Match[str]) -> str:
    *hexadecimal, decimal, octal, _blank, quoted = match.groups()
    code = next(filter(None, hexadecimal), None)
    if code:
        return chr(int(code, 16))
    if octal:
        return chr(int(octal, 8))
    return chr(int(decimal)) if decimal else quoted or " "


def _is_sign(character: str) -> bool:
    return not character.isalnum()


def _without(reading: Reading, is_dropped: Callable[[str], bool]) -> Reading:
    """The reading without some of its characters."""
    kept = [place for place, one in enumerate(reading.text) if not is_dropped(one)]
    return Reading(
        "".join(reading.text[place] for place in kept),
        [reading.starts[place] for place in kept],
        [reading.ends[place] for place in kept],
    )


def _hide(reading: Reading, forms: set[str], piece: int, hidden: bytearray) -> None:
    """Marks in `hidden` the characters of the original that spell `piece` characters of one of
    `forms` in a row.
    """
    windows: dict[int, dict[str, list[int]]] = {}
    for form in forms:
        size = min(piece, len(form))
        if size < SHORTEST_SECRET:
            continue
        if size not in windows:
            windows[size] = _windows(reading.text, size)
        for place in range(len(form) - size + 1):
            # pop: each piece of the text is marked once, however often a secret repeats itself
            for start in windows[size].pop(form[place : place + size], ()):
                first, last = reading.starts[start], reading.ends[start + size - 1]
                hidden[first:last] = b"\1" * (last - first)


def _windows(text: str, size: int) -> dict[str, list[int]]:
    """Where each piece of `size` characters of a text begins."""
    found: dict[str, list[int]] = {}
    for start in range(len(text) - size + 1):
        found.setdefault(text[start : start + size], []).append(start)
    return found


def _masked(text: str, hidden: bytearray) -> str:
    """The text with a mask for each run of hidden characters and the rest of its word."""
    pieces, after = list[str](), 0
    for run in re.finditer(b"\1+", hidden):
        start, end = run.span()
        while start > after and (text[start - 1].isalnum() or text[start - 1] in "-_"):
            start -= 1
        while end < len(text) and (text[end].isalnum() or text[end] in "-_="):
            end += 1
        if end > after:
            pieces += (text[after:start], MASK)
        after = max(after, end)
    return "".join((*pieces, text[after:]))

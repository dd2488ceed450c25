"""Names and tags as people read them: what sorts and is found alike, what is the same tag, and
which characters nobody can see; and which name was probably meant.
"""

import re
import unicodedata
from collections.abc import Iterable
from difflib import get_close_matches

LONGEST_KEY = 600  # characters: PostgreSQL indexes at most 2,704 bytes a row
DIGITS = 12  # of a number in a name, when names are sorted
A_NUMBER = re.compile(r"[0-9]+")
# Ranges of a regular expression: controls, formats, and what is drawn as nothing or as a blank
# although Unicode counts it as a letter, a mark or a symbol (Default_Ignorable_Code_Point):
# https://www.unicode.org/Public/UCD/latest/ucd/DerivedCoreProperties.txt
UNSEEN = (
    r"\x00-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200e\u200f"
    r"\u2028-\u202e\u2060-\u206f\u2800\u3164\ufeff\uffa0\ufff9-\ufffb"
)
UNSEEN_BEYOND = (  # of the characters that JSON Schema's patterns cannot name
    r"\ud800-\udfff\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e001f"
    r"\U000e0080-\U000e00ff\U000e01f0-\U000e0fff"
)
JOINERS = "\u200c\u200d"
SELECTORS = "\u180b-\u180d\u180f\ufe00-\ufe0f\U000e0100-\U000e01ef"  # of a variant's drawing
FLAG, FLAG_LETTERS = "\U0001f3f4", "\U000e0020-\U000e007f"  # of Scotland, for example
SUSPECT = re.compile(f"[{UNSEEN}{UNSEEN_BEYOND}]|[{JOINERS}{SELECTORS}{FLAG_LETTERS}]")
A_SELECTOR = re.compile(f"[{SELECTORS}]")
A_FLAG_AT_ITS_END = re.compile(rf"{FLAG}[{FLAG_LETTERS}]+\Z")
VIRAMA = 9  # its combining class: a joiner behind it shapes the letter, as in Hindi


def folded(text: str) -> str:
    """A text without regard to case, accents and Unicode form: `ÉCLAIR` -> `eclair`."""
    apart = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    bare = "".join(letter for letter in apart if not unicodedata.combining(letter))
    return unicodedata.normalize("NFC", bare)


def name_key(name: str) -> str:
    """What a name is searched by."""
    return folded(name)[:LONGEST_KEY]


def sort_key(name: str) -> str:
    """What a name is sorted by: as it is searched, with numbers as numbers (`Team 2`, `Team 10`).

    Longer ones than DIGITS sort by their digits.
    """
    spread = A_NUMBER.sub(lambda found: found[0].lstrip("0").zfill(DIGITS), folded(name))
    return spread[:LONGEST_KEY]


def tag_key(tag: str) -> str:
    """What is equal for equal tags: without regard to case and Unicode form, but to accents."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", tag).casefold())


def without_doubles(tags: Iterable[str]) -> list[str]:
    """The tags in order, of equal ones the first."""
    found: dict[str, str] = {}
    for tag in tags:
        found.setdefault(tag_key(tag), tag)
    return list(found.values())


def invisible(text: str) -> str:
    """The first character that nobody sees, for a sentence: `U+200B (ZERO WIDTH SPACE)`; empty if
    there is none.

    Those that draw an emoji, a flag or a letter of a script that needs them are seen.
    """
    for found in SUSPECT.finditer(text):
        letter, before, after = found[0], text[: found.start()], text[found.end() :]
        if not _draws(letter, before, after):
            return f"U+{ord(letter):04X} ({unicodedata.name(letter, 'a control character')})"
    return ""


def _draws(letter: str, before: str, after: str) -> bool:
    """True if an invisible character changes how its neighbours are drawn."""
    last, following = before[-1:], after[:1]
    if not last or last.isspace() or last in JOINERS:
        return False
    if A_SELECTOR.match(letter):
        # of letters with capitals only this one has variants: https://unicode.org/emoji/charts
        is_plain = unicodedata.category(last) in ("Lu", "Ll", "Lt") and last != "\u2139"
        return not A_SELECTOR.match(last) and not is_plain
    if letter not in JOINERS:
        return A_FLAG_AT_ITS_END.search(before + letter) is not None
    if not following:
        return False
    if letter == "\u200c":  # within words, of Persian for example
        joins = unicodedata.bidirectional(last) == unicodedata.bidirectional(following) == "AL"
    else:
        joins = _is_emoji(last) and _is_emoji(following)
    return joins or unicodedata.combining(last) == VIRAMA


def _is_emoji(letter: str) -> bool:
    """True for a pictograph, the tone of its skin, and what makes it one."""
    # not assigned: one that is newer than this Python's tables
    return bool(A_SELECTOR.match(letter)) or unicodedata.category(letter) in ("So", "Sk", "Cn")


def nearest(name: str, known: Iterable[str]) -> str:
    """` Did you mean 'x'?` for the known name that is most like this one, empty without one."""
    spelt = {one.lower(): str(one) for one in known}
    found = get_close_matches(name.lower(), spelt, 1)
    return f" Did you mean {spelt[found[0]]!r}?" if found else ""


def counted(number: int, what: str) -> str:
    """A number of things, in English: `1 day`, `1,000 days`."""
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"

"""The judgement of a text that is to be a secret: placeholders of examples, and what is pasted
along with a key. One rule for pages, API, commands, packages and what references stand for.

No sentence repeats anything of the text.
"""

import re
from itertools import pairwise
from typing import NamedTuple

FILL_IN = "is a placeholder, so nothing would work with it. Put the real value in its place"
BRACKETED = re.compile(r"<[^<>]+>")
TO_FILL_IN = r"(?<![a-z])your(?![a-z])|to[-_ ]be[-_ ]|replace|placeholder|insert|(?<![a-z])fill"
TEMPLATE = re.compile(rf"<[^<>]*(?:{TO_FILL_IN})[^<>]*>", re.IGNORECASE)
NAMED_TEMPLATE = re.compile(
    rf"<[^<>]*(?:{TO_FILL_IN}|key|secret|password|token|endpoint|resource|account|url|name)[^<>]*>",
    re.IGNORECASE,
)
BARE = re.compile(r"to_replace_with_.*", re.IGNORECASE)
VARIABLE = re.compile(  # of templates, of Windows, of LiteLLM, of programs, of Azure's services
    r"\$?\{\{.*\}\}|%[A-Z][A-Z0-9_]*%|(?i:os\.environ|process\.env|env)[/.][A-Z]\w*|"
    r"os\.(?:environ\[.*\]|getenv\(.*\))|ENV\[.*\]|#\{.*\}#?|__[A-Z][A-Z0-9_]*__|"
    r"@@[A-Z][A-Z0-9_]*@@|@Microsoft\.KeyVault\(.*\)|op://.*",
    re.DOTALL,
)
BARE_SECRET = re.compile(
    r"your[-_ ].*|change[-_ ]?(?:me|it|this)|replace[-_ ]?(?:me|this|with[-_ ].*)|"
    r"todo|fixme|placeholder",
    re.IGNORECASE,
)
# What examples of keys look like: sk-your-key-here, sk-..., sk-xxxxxxxx, insert-key-here.
EXAMPLE = re.compile(
    r"(?:[a-z]{1,8}[-_]){0,3}(?:your[-_ ].*|x{4,}|\*{4,}|(?:\.\.\.|\u2026))|"
    r"(?:insert|enter|paste|put)[-_ ].*key.*(?:here)?|(?:.*[-_ ])?key[-_ ](?:goes[-_ ])?here|"
    r"\[(?:your|my|insert|enter)?[-_ ]?(?:\w+[-_ ])*(?:key|token|secret)\]",
    re.IGNORECASE,
)
VARIABLE_NAME = re.compile(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*_(?:KEY|TOKEN|SECRET)", re.ASCII)
QUOTES = {'"': '"', "'": "'", "`": "`", "\u201c": "\u201d", "\u2018": "\u2019", "\u201e": "\u201c"}
BEARER = re.compile(r"(?:authorization\s*:\s*)?bearer\s", re.IGNORECASE)
ASSIGNMENT = re.compile(r"(?:export\s+)?[A-Z][A-Z0-9_]*(?:_KEY|_TOKEN|_SECRET)\s*=", re.ASCII)


FEWEST_CHARACTERS = 8  # that differ: a random key of 32 in hexadecimal has fewer once in 10^7
MADE_BY_DJANGO = "django-insecure-"  # for a project of somebody's own, and stored with it


def is_guessable(key: str) -> bool:
    """True for a key that nobody made at random, however long: few characters that differ, a piece
    that comes again and again, or characters in their order. A long passphrase passes.
    """
    if len(set(key)) < FEWEST_CHARACTERS or key.startswith(MADE_BY_DJANGO):
        return True
    if any(key == (key[:at] * len(key))[: len(key)] for at in range(1, len(key) // 2 + 1)):
        return True
    steps = [abs(ord(one) - ord(other)) for one, other in pairwise(key)]
    return sum(step <= 1 for step in steps) > len(steps) * 0.6


class Doubt(NamedTuple):
    """A reason to look at a secret again. `is_refused`: no service can mean it."""

    code: str
    message: str
    is_refused: bool


def placeholder(text: str, secret: bool, free: bool) -> str:
    """The placeholder in a text, empty when it is a real value.

    `free`: a text of any kind, where `<s>` may be a real value. Of a secret nothing is given back
    but the words "This text", unless it is in angle brackets or a template.
    """
    if BARE.fullmatch(text) or (BRACKETED.fullmatch(text) and not free):
        return text
    if (BARE_SECRET.fullmatch(text) or VARIABLE.fullmatch(text)) and (secret or not free):
        return text if not secret else "This text"
    if secret and not free and (EXAMPLE.fullmatch(text) or VARIABLE_NAME.fullmatch(text)):
        return "This text"
    found = (TEMPLATE if free and not secret else NAMED_TEMPLATE).search(text)
    return found[0] if found else ""


def doubt(text: str, free: bool) -> Doubt | None:
    """What is wrong with a text as a secret, None for nothing.

    `free`: a secret of any characters, such as a password, of which quotes may be a part.
    """
    if placeholder(text, True, free):
        sentence = f"This {FILL_IN}, or a reference such as $Section:Key."
        return Doubt("placeholder", sentence, True)
    if len(text) > 1 and QUOTES.get(text[0]) == text[-1]:
        sentence = "Begins and ends with a quotation mark, which is not part of a key."
        return Doubt("quoted", f"{sentence} Leave the quotes out.", not free)
    if free:
        return None
    if any(text.count(one) == 1 for one in {text[:1], text[-1:]} & {*QUOTES, *QUOTES.values()}):
        sentence = "Has one quotation mark at an end, which is rarely part of a key."
        return Doubt("quoted", f"{sentence} Look again.", False)
    if ASSIGNMENT.match(text):
        return Doubt("assignment", "Begins with NAME=. Enter only what follows it.", True)
    if BEARER.match(text):
        sentence = "Begins with Bearer, which is put before the key when it is sent."
        return Doubt(
            "bearer", f"{sentence} Leave it out, unless the service wants it twice.", False
        )
    if re.search(r"\s", text):
        return Doubt("blank_inside", "Has a blank inside, which keys rarely do. Look again.", False)
    return None

"""Secrets and texts: masks, references and placeholders; and an object as YAML that shows no
secret.
"""

import json
import re
import unicodedata
from collections.abc import Mapping
from typing import Any

SCRUBBED = "******"  # promptflow's, exactly six
NO_CHANGE = "<no-change>"
REFERENCE = re.compile(r"\$[A-Za-z0-9_.-]+(:[A-Za-z0-9_.-]+)+")
# What promptflow's templates ship where a value is to be filled in. It stores most of them as they
# are.
PLACEHOLDER = re.compile(
    r"<(user-input|to-be-replaced|your-[^<>]*|insert-[^<>]*)>|to_replace_with_\w*", re.IGNORECASE
)
PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9 ._/+-]*(:[A-Za-z0-9._/+:-]+)?")
NOT_PLAIN = {
    "true",
    "false",
    "yes",
    "no",
    "on",
    "off",
    "null",
    "y",
    "n",
}  # YAML would read something else than a text


def is_scrubbed(value: Any) -> bool:
    """True if this stands for "keep the stored secret": None, an empty text, only `*`, or
    `<no-change>`.
    """
    return not value or (isinstance(value, str) and (not value.strip("*") or value == NO_CHANGE))


def is_placeholder(value: Any) -> bool:
    """True if this is a template's text that somebody forgot to replace."""
    return isinstance(value, str) and PLACEHOLDER.fullmatch(value.strip()) is not None


def is_reference(value: Any) -> bool:
    """True if this names the place where a value is kept: `$Section:Key`."""
    return isinstance(value, str) and REFERENCE.fullmatch(value) is not None


def scrubbed(value: Any) -> Any:
    """A secret as it may be shown: `******`, a reference as it is, None for none."""
    return value if value is None or is_reference(value) else SCRUBBED


def folded(text: str) -> str:
    """A text without regard to case, accents and Unicode form, as the server sorts names."""
    apart = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    bare = "".join(letter for letter in apart if not unicodedata.combining(letter))
    return unicodedata.normalize("NFC", bare)


def camel(name: str) -> str:
    """`api_key` -> `apiKey`, as the API names settings."""
    return re.sub(r"_([a-z0-9])", lambda match: match[1].upper(), name)


def as_yaml(values: Mapping[str, Any], indent: str = "") -> str:
    """Texts and maps of texts as YAML, in their order."""
    lines = []
    for name, value in values.items():
        if isinstance(value, Mapping) and value:
            lines.append(f"{indent}{_scalar(name)}:\n{as_yaml(value, indent + '  ')}")
        else:
            lines.append(f"{indent}{_scalar(name)}: {_scalar(value)}\n")
    return "".join(lines)


def _scalar(value: Any) -> str:
    if not isinstance(value, str):
        return json.dumps(value)
    if PLAIN.fullmatch(value) and value.lower() not in NOT_PLAIN and value == value.strip():
        return value
    return f"'{value.replace(chr(39), chr(39) * 2)}'" if value.isprintable() else json.dumps(value)

"""The conditions of a rule: a claim, and the text that it must be."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from connections.services import FieldError

MOST_CONDITIONS, LONGEST_CLAIM, LONGEST_TEXT = 20, 200, 500
JUDGED = ("iss", "aud", "exp", "nbf", "iat", "jti")  # the issuer's entry has these, or they vary


@dataclass(frozen=True)
class ConditionVerdict:
    """One condition on a token: what was `wanted`, what was `found` there, None for nothing."""

    claim: str
    wanted: str
    found: str | None
    is_met: bool


def verdict(claims: Mapping[str, Any], claim: str, wanted: str) -> ConditionVerdict:
    """Whether the claims meet one condition. A list of texts meets it by any of them."""
    values = _values(_at(claims, claim))
    met = next((one for one in values if fits(wanted, one)), None)
    shown = met if met is not None else ", ".join(values)[:LONGEST_TEXT] if values else None
    return ConditionVerdict(claim, wanted, shown, met is not None)


def fits(pattern: str, text: str) -> bool:
    """True if the text is the pattern, in which each `*` stands for any characters, also for none.

    Takes linear time.
    """
    first, *rest = pattern.split("*")
    if not rest:
        return text == pattern
    *middle, last = rest
    if len(text) < len(first) + len(last) or not text.startswith(first):
        return False
    if not text.endswith(last):
        return False
    place, end = len(first), len(text) - len(last)
    for part in middle:
        found = text.find(part, place, end)
        if found < 0:
            return False
        place = found + len(part)
    return True


def _at(claims: Any, path: str) -> Any:
    """The claim of this name; `a/b` is also the claim `b` inside `a`. None where there is none."""
    if not isinstance(claims, Mapping):
        return None
    if path in claims:
        return claims[path]
    place = path.find("/")
    while place >= 0:
        inside = claims.get(path[:place])
        if isinstance(inside, Mapping):
            found = _at(inside, path[place + 1 :])
            if found is not None:
                return found
        place = path.find("/", place + 1)
    return None


def _values(value: Any) -> list[str]:
    """The texts of a claim. `true` is the text of a boolean, as JSON has it."""
    several = value if isinstance(value, list) else [value]
    found = []
    for one in several:
        if isinstance(one, bool):
            found.append(str(one).lower())
        elif isinstance(one, str | int):
            found.append(str(one))
    return found


def condition_errors(conditions: Mapping[str, str]) -> list[FieldError]:
    """The errors of a rule's conditions."""
    said = [_error(claim, wanted) for claim, wanted in conditions.items()]
    errors = [FieldError("conditions", "invalid", text) for text in said if text]
    if len(conditions) > MOST_CONDITIONS:
        text = _("At most %(most)d conditions.") % {"most": MOST_CONDITIONS}
        errors.append(FieldError("conditions", "invalid", text))
    if not any(wanted.replace("*", "").strip() for wanted in conditions.values()):
        text = _(
            "Name a claim and its text, such as sub: without a condition everybody to whom this "
            "issuer gives tokens would be let in."
        )
        errors.append(FieldError("conditions", "required", text))
    return errors


def _error(claim: str, wanted: str) -> str:
    if claim in JUDGED:
        return _("%(claim)s is no condition: it is judged for every token.") % {"claim": claim}
    if not claim.strip() or len(claim) > LONGEST_CLAIM or "\x00" in claim:
        return _("The name of a claim has 1 to %(most)d characters.") % {"most": LONGEST_CLAIM}
    if not wanted or len(wanted) > LONGEST_TEXT or "\x00" in wanted:
        text = _("The text of %(claim)s has 1 to %(most)d characters.")
        return text % {"claim": claim, "most": LONGEST_TEXT}
    return ""

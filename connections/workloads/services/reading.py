"""Reading a signed token (JWT, RFC 7519) before anything of it is believed.

What is refused here costs no database and no key: a token that is too long, of another form, in
other characters, nested without end, or that says one thing twice (RFC 8725, sections 2.4 and 3).
"""

import base64
import json
import re
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _

LONGEST = 16 * 1024  # characters; those of directories with many groups have some thousand
FORM = re.compile(r"([A-Za-z0-9_-]{1,2048})\.([A-Za-z0-9_-]{1,15000})\.([A-Za-z0-9_-]{1,1400})")
TYPES = ("", "jwt", "at+jwt", "application/at+jwt")  # RFC 9068, section 2.1; not logout+jwt
LARGEST_TIME = 2**40  # seconds since 1970
ALGORITHMS = ("RS256", "ES256", "EdDSA")


class Refused(Exception):
    """A token is not taken: `code`, and a sentence without the token. `step`: the check."""

    def __init__(self, step: str, message: str, code: str = "invalid_token") -> None:
        super().__init__(message)
        self.step, self.message, self.code = step, message, code


@dataclass(frozen=True)
class Reading:
    """What a token says of itself. Nothing of it is proven."""

    algorithm: str
    key_id: str | None
    issuer: str
    audiences: frozenset[str]
    issued_at: float
    expires_at: float
    not_before: float | None
    claims: dict[str, Any] = field(repr=False)


def is_signed_token(text: str) -> bool:
    """True for a text that can only be the token of an issuer: ours have no dots."""
    return text.count(".") == 2


def read(text: str) -> Reading:
    """What a token says. Raises Refused."""
    if len(text) > LONGEST:
        said = _("It is longer than %(most)d characters.") % {"most": LONGEST}
        raise Refused("form", said)
    found = FORM.fullmatch(text)
    if found is None:
        raise Refused("form", _("It is not a signed token: three parts in base64url with dots."))
    header, claims = _parsed(found[1]), _parsed(found[2])
    if "crit" in header or "b64" in header:
        raise Refused("form", _("Its header demands an extension that is not known here."))
    if str(header.get("typ", "")).lower() not in TYPES:
        raise Refused("form", _("It is a token of another kind (typ)."))
    if header.get("alg") not in ALGORITHMS:
        said = _("It is not signed by one of %(known)s.") % {"known": ", ".join(ALGORITHMS)}
        raise Refused("algorithm", said)
    key_id = header.get("kid")
    if not (key_id is None or (isinstance(key_id, str) and len(key_id) <= 500)):
        raise Refused("form", _("The name of its key (kid) is not a text."))
    issuer = claims.get("iss")
    if not isinstance(issuer, str) or not issuer or len(issuer) > 500 or "\x00" in issuer:
        raise Refused("issuer", _("It does not say who issued it (iss)."))
    return Reading(
        algorithm=header["alg"],
        key_id=key_id,
        issuer=issuer,
        audiences=_audiences(claims.get("aud")),
        issued_at=_time(claims, "iat"),
        expires_at=_time(claims, "exp"),
        not_before=_time(claims, "nbf") if "nbf" in claims else None,
        claims=claims,
    )


def _parsed(part: str) -> dict[str, Any]:
    try:
        decoded = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
        found = json.loads(decoded, object_pairs_hook=_once, parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise Refused("form", _("It cannot be read, or says one thing twice.")) from None
    if not isinstance(found, dict):
        raise Refused("form", _("A part of it is not an object."))
    return found


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name is there twice")
    return found


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _audiences(given: Any) -> frozenset[str]:
    several = [given] if isinstance(given, str) else given
    if not isinstance(several, list) or not all(isinstance(one, str) for one in several):
        raise Refused("audience", _("It does not say whom it is for (aud)."))
    return frozenset(several)


def _time(claims: dict[str, Any], name: str) -> float:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Refused("times", _("It lacks the time %(claim)s.") % {"claim": name})
    if not 0 <= value < LARGEST_TIME:
        raise Refused("times", _("Its time %(claim)s is not one.") % {"claim": name})
    return float(value)

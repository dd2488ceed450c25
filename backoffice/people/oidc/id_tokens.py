"""What a provider signed: id tokens and logout tokens. Each is judged as OpenID Connect Core 1.0,
section 3.1.3.7, and Back-Channel Logout 1.0, section 2.6, want it.
"""

import time
from typing import Any

import jwt
from django.utils.crypto import constant_time_compare, salted_hmac

from ...identity_providers import IdentityProvider
from .discovery import key_of

ALGORITHMS = [  # neither `none` nor those whose key would be the client's secret
    *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"),
]
SKEW = 120  # seconds by which clocks may differ
LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout"
OLDEST_LOGOUT = 600  # seconds for which a logout token is taken


class Unacceptable(Exception):
    """What a provider signed is not as it must be. `str()` is for the log: it repeats nothing."""


def nonce_of(state: str) -> str:
    """The nonce that belongs to a state: nobody else can make it, and nothing must be kept."""
    return salted_hmac("people.oidc.nonce", state, algorithm="sha256").hexdigest()


def read_id_token(provider: IdentityProvider, text: str, nonce: str | None) -> dict[str, Any]:
    """The claims of an id token. `nonce`: that it must carry, None for one of a refresh.

    Raises Unacceptable, ProviderAway.
    """
    claims = _read(provider, text, ["exp", "iat", "aud", "iss", "sub"])
    if nonce is not None and not constant_time_compare(str(claims.get("nonce", "")), nonce):
        raise Unacceptable("wrong nonce")
    return claims


def read_logout_token(provider: IdentityProvider, text: str) -> dict[str, Any]:
    """The claims of a logout token. Raises Unacceptable, ProviderAway."""
    claims = _read(provider, text, ["iat", "aud", "iss", "jti"])
    events = claims.get("events")
    if not isinstance(events, dict) or LOGOUT_EVENT not in events:
        raise Unacceptable("not about a logout")
    if "nonce" in claims:
        raise Unacceptable("an id token in place of a logout token")
    if not (isinstance(claims.get("sub"), str) or isinstance(claims.get("sid"), str)):
        raise Unacceptable("neither a person nor a session")
    if time.time() - claims["iat"] > OLDEST_LOGOUT + SKEW:
        raise Unacceptable("too old")
    return claims


def _read(provider: IdentityProvider, text: str, required: list[str]) -> dict[str, Any]:
    try:
        head = jwt.get_unverified_header(text)
        if head.get("alg") not in ALGORITHMS:
            raise Unacceptable("an algorithm that is not taken")
        key = key_of(provider, head.get("kid"), head["alg"])
        if key is None:
            raise Unacceptable("a key that the provider does not publish")
        claims: dict[str, Any] = jwt.decode(
            text,
            key,
            algorithms=[head["alg"]],
            audience=provider.client_id,
            issuer=provider.issuer,
            leeway=SKEW,
            options={"require": required},
        )
    except (jwt.PyJWTError, ValueError, TypeError) as error:
        raise Unacceptable(type(error).__name__) from None
    audience, party = claims["aud"], claims.get("azp")
    is_for_many = isinstance(audience, list) and len(audience) > 1
    if (party is not None or is_for_many) and party != provider.client_id:
        raise Unacceptable("made for another client")
    return claims

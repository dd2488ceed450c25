"""Tokens that a connection signs itself: JWTs (RFC 7519), and those that vendors describe."""

import base64
import hashlib
import json
import time
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from ..core.errors import ProviderError
from .credentials import Jwt
from .private_keys import private_key

SPARE_SECONDS = 30  # a clock may be that far ahead of the service's
HOUR = 3600
P256 = ec.SECP256R1()
KEYS: dict[str, tuple[type[rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey], str]] = {
    "RS256": (rsa.RSAPrivateKey, "an RSA key"),
    "ES256": (ec.EllipticCurvePrivateKey, "a key on the curve P-256"),
}
NO_ACCOUNT = (
    "This is not the key of a service account. Paste the whole JSON file that Google gave out for "
    "it."
)


def signed(token: Jwt) -> str:
    """The token, signed now. Raises ProviderError for a key that cannot sign it."""
    key = private_key(token.private_key, token.passphrase)
    kind, name = KEYS[token.algorithm]
    if not isinstance(key, kind) or not isinstance(getattr(key, "curve", P256), ec.SECP256R1):
        text = f"{token.algorithm} wants {name}. Enter one."
        raise ProviderError(text, "bad_request", True)
    issued = int(time.time()) - SPARE_SECONDS
    claims: dict[str, Any] = {name: value for name, value in token.claims.items() if value}
    claims |= {"iat": issued, "exp": issued + token.seconds}
    headers = {"kid": token.key_id} if token.key_id else None
    return jwt.encode(claims, key, token.algorithm, headers)


def google_assertion(service_account: str, scope: str, audience: str, subject: str = "") -> Jwt:
    """The assertion of a service account, whose JSON key this is.

    Source: https://developers.google.com/identity/protocols/oauth2/service-account. `subject`: the
    user for whom it acts. Raises ProviderError for another text.
    """
    try:
        found: Any = json.loads(service_account)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict) or not all(
        isinstance(found.get(name), str) for name in ("client_email", "private_key")
    ):
        raise ProviderError(NO_ACCOUNT, "bad_request", True)
    claims = {"iss": found["client_email"], "scope": scope, "aud": audience, "sub": subject}
    key_id = str(found.get("private_key_id") or "")
    return Jwt(found["private_key"], "RS256", claims, HOUR, key_id)


def snowflake_token(account: str, username: str, key: str, passphrase: str = "") -> Jwt:
    """The token of a user whose public key Snowflake has.

    Source: https://docs.snowflake.com/en/developer-guide/sql-api/authenticating. Raises
    ProviderError for a text that is not a key.
    """
    public = private_key(key, passphrase).public_key()
    der = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    fingerprint = base64.b64encode(hashlib.sha256(der).digest()).decode()
    # An account that is named by its locator goes without the region: xy12345.us-east-2.
    user = f"{account.partition('.')[0].upper()}.{username.upper()}"
    claims = {"iss": f"{user}.SHA256:{fingerprint}", "sub": user}
    return Jwt(key, "RS256", claims, HOUR, passphrase=passphrase)

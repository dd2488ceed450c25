"""The keys by which events are sealed and checkpoints are signed. None is in the database."""

import hmac
from functools import lru_cache
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from django.conf import settings
from django.views.decorators.debug import sensitive_variables

from ..credentials import key_ids

NO_KEY = ""


@lru_cache(maxsize=8)
def _seal_keys(fernet_keys: tuple[str, ...]) -> dict[str, bytes]:
    derived = [sha256(b"switchboard audit seal" + key.encode()).digest() for key in fernet_keys]
    return dict(zip(key_ids(), derived, strict=True))


@sensitive_variables()
def sealed(text: str) -> tuple[str, str]:
    """The name of the newest key of FERNET_KEYS and the seal of a text by it, both empty without
    a key.
    """
    for name, key in _seal_keys(tuple(settings.FERNET_KEYS or ())).items():
        return name, hmac.new(key, text.encode(), sha256).hexdigest()
    return NO_KEY, NO_KEY


@sensitive_variables()
def is_sealed(text: str, name: str, seal: str) -> bool | None:
    """True if that is the seal of a text, None where the key of this name is not here."""
    key = _seal_keys(tuple(settings.FERNET_KEYS or ())).get(name)
    if key is None:
        return None
    return hmac.compare_digest(hmac.new(key, text.encode(), sha256).hexdigest(), seal)


@lru_cache(maxsize=8)
def _signing_keys(secrets: tuple[str, ...]) -> tuple[Ed25519PrivateKey, ...]:
    seeds = [sha256(b"switchboard audit signature" + one.encode()).digest() for one in secrets]
    return tuple(Ed25519PrivateKey.from_private_bytes(seed) for seed in seeds)


def _keys() -> tuple[Ed25519PrivateKey, ...]:
    """The keys that sign, the one that does so now first: AUDIT_SIGNING_KEYS, then FERNET_KEYS."""
    return _signing_keys((*settings.AUDIT_SIGNING_KEYS, *(settings.FERNET_KEYS or ())))


def public_key() -> str:
    """The public part of the key that signs now, in hexadecimal digits; empty without a key."""
    return next((one.public_key().public_bytes_raw().hex() for one in _keys()), NO_KEY)


def known_public_keys() -> frozenset[str]:
    """The public keys whose signatures are ours, AUDIT_PUBLIC_KEYS among them."""
    ours = [one.public_key().public_bytes_raw().hex() for one in _keys()]
    return frozenset([*ours, *settings.AUDIT_PUBLIC_KEYS])


@sensitive_variables()
def signed(text: str) -> str:
    """The signature of a text in hexadecimal digits, empty without a key."""
    return next((one.sign(text.encode()).hex() for one in _keys()), NO_KEY)


def is_signed(text: str, signature: str, public: str) -> bool:
    """True if a text was signed by whoever has the private part of that public key."""
    try:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(public))
        key.verify(bytes.fromhex(signature), text.encode())
    except (ValueError, InvalidSignature):
        return False
    return True

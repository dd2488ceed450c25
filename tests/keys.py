"""Private keys for tests, made anew in each process."""

import json
from functools import cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)


@cache
def rsa_key() -> Any:
    """An RSA key for all tests."""
    return rsa.generate_private_key(65537, 2048)


@cache
def p256_key() -> Any:
    """A key on P-256 for all tests."""
    return ec.generate_private_key(ec.SECP256R1())


def pem(key: Any, passphrase: str = "") -> str:
    """A key as people paste it."""
    lock = BestAvailableEncryption(passphrase.encode()) if passphrase else NoEncryption()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, lock).decode()


def service_account() -> str:
    """The JSON key of a service account, as Google gives it out."""
    return json.dumps(
        {
            "type": "service_account",
            "project_id": "acme",
            "private_key_id": "key-1",
            "private_key": pem(rsa_key()),
            "client_email": "jo@acme.iam.gserviceaccount.com",
            "token_uri": "https://elsewhere.example/token",
        }
    )

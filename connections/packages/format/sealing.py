"""Secrets of a package, sealed by a passphrase: scrypt (RFC 7914) makes the key, Fernet encrypts
and signs.
"""

import base64
import hashlib
import json
import secrets as random
import unicodedata
from typing import Any

from cryptography.fernet import Fernet, InvalidToken
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from django.views.decorators.debug import sensitive_variables

from .documents import SealDocument
from .errors import PackageError

N, R, P = 2**16, 8, 1  # 64 MB and a fifth of a second for each guess; never what a file asks for
MEMORY = 2**27
SHORTEST, LONGEST = 12, 1024
NOT_OPENED = gettext_noop(
    "The passphrase is wrong, or the package was changed after it was sealed. Nothing of it was "
    "used."
)
TOO_WEAK = gettext_noop(
    "A passphrase has %(shortest)s to %(longest)s characters. Several words that nobody would put "
    "together are best."
)
OTHER_SEAL = gettext_noop(
    "This package is sealed in a way that this version of Switchboard does not write. Nothing of "
    "it was used."
)


def new_seal() -> SealDocument:
    """A seal with a salt of its own."""
    return SealDocument(kdf="scrypt", n=N, r=R, p=P, salt=random.token_hex(16))


@sensitive_variables()
def refuse_weak(passphrase: str) -> None:
    """Raises PackageError for a passphrase that is too short to seal with."""
    if not SHORTEST <= len(passphrase) <= LONGEST or len(set(passphrase)) < 4:
        values = {"shortest": SHORTEST, "longest": LONGEST}
        raise PackageError("weak_passphrase", _(TOO_WEAK) % values)


@sensitive_variables()
def seal(
    passphrase: str, seal: SealDocument, manifest: dict[str, Any], secrets: dict[str, Any]
) -> bytes:
    """The sealed secrets, placeholder -> value, bound to the rest of the package."""
    return _fernet(passphrase, seal).encrypt(
        json.dumps({"package": _sum(manifest), "secrets": secrets}).encode()
    )


@sensitive_variables()
def unseal(
    passphrase: str, seal: SealDocument, manifest: dict[str, Any], token: bytes
) -> dict[str, Any]:
    """The secrets by placeholder.

    Raises PackageError, the same one for a wrong passphrase and for a package that was changed.
    """
    if (seal.n, seal.r, seal.p) != (N, R, P):
        raise PackageError("not_a_package", _(OTHER_SEAL))
    try:
        found = json.loads(_fernet(passphrase, seal).decrypt(token))
    except (InvalidToken, ValueError, RecursionError):
        found = None
    if (
        not isinstance(found, dict)
        or found.get("package") != _sum(manifest)
        or not isinstance(found.get("secrets"), dict)
        or not all(map(_is_secret, found["secrets"].values()))
    ):
        raise PackageError("wrong_passphrase", _(NOT_OPENED))
    return dict(found["secrets"])


def _sum(manifest: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(manifest, sort_keys=True).encode()).hexdigest()


def _is_secret(one: Any) -> bool:
    """True for a text, and for a map of texts such as headers are."""
    return (
        all(isinstance(text, str) for text in one.values())
        if isinstance(one, dict)
        else isinstance(one, str) and bool(one)
    )


@sensitive_variables()
def _fernet(passphrase: str, seal: SealDocument) -> Fernet:
    """Letters with accents are composed, so that another keyboard types the same passphrase."""
    typed = unicodedata.normalize("NFC", passphrase).encode(errors="replace")
    key = hashlib.scrypt(
        typed[: 4 * LONGEST], salt=bytes.fromhex(seal.salt), n=N, r=R, p=P, maxmem=MEMORY, dklen=32
    )
    return Fernet(base64.urlsafe_b64encode(key))

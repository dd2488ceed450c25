"""The keys of an installation, sealed by a passphrase into its backup."""

from collections.abc import Mapping
from pathlib import Path

from django.conf import settings
from django.views.decorators.debug import sensitive_variables

from connections.packages.format.documents import SealDocument
from connections.packages.format.errors import PackageError
from connections.packages.format.sealing import new_seal, refuse_weak, seal, unseal
from connections.references import is_reference
from connections.wrapped_keys import is_wrapped

from ..encryption_keys import StoredKeys
from .errors import BackupError
from .file import new_file
from .manifest import Manifest, SealedKeys

NAMES = ("FERNET_KEYS", "SECRET_KEY", "AUDIT_SIGNING_KEYS")


@sensitive_variables()
def seal_keys(manifest: Manifest, passphrase: str) -> SealedKeys:
    """The keys that are here, as they are set: a reference stays one, and a wrapped key is wrapped.
    Raises BackupError for a weak passphrase.
    """
    keys = {name: ",".join(_entries(name)) for name in NAMES if _entries(name)}
    made = new_seal()
    return SealedKeys(
        seal=made.model_dump(), token=seal(passphrase, made, _bound_to(manifest), keys).decode()
    )


@sensitive_variables()
def open_keys(manifest: Manifest, passphrase: str) -> Mapping[str, str]:
    """The keys by the names of their settings. Raises BackupError."""
    if manifest.sealed_keys is None:
        raise BackupError("no_keys", "This backup holds no keys: they are kept apart from it.")
    try:
        found = SealDocument.model_validate(manifest.sealed_keys.seal)
        token = manifest.sealed_keys.token.encode()
        return unseal(passphrase, found, _bound_to(manifest), token)
    except (PackageError, ValueError):
        text = "The passphrase is wrong, or the backup was changed. Nothing was written."
        raise BackupError("wrong_passphrase", text) from None


@sensitive_variables()
def write_keys(keys: Mapping[str, str], path: Path) -> None:
    """Writes them as lines of an .env, for this user only. Raises BackupError."""
    with new_file(path) as (file, _unfinished):
        for name, value in keys.items():
            text = value.replace("\\", "\\\\").replace("'", "\\'")
            file.write(f"{name}='{text}'\n".encode())


def kept_elsewhere() -> int:
    """How many entries of FERNET_KEYS are references or wrapped: only their store or key service
    opens those.
    """
    return sum(is_reference(one) or is_wrapped(one) for one in _entries("FERNET_KEYS"))


@sensitive_variables()
def judge_passphrase(passphrase: str) -> None:
    """Raises BackupError for one that is too weak."""
    try:
        refuse_weak(passphrase)
    except PackageError as error:
        raise BackupError("weak_passphrase", str(error)) from None


def _entries(name: str) -> list[str]:
    found = getattr(settings, name)
    if isinstance(found, StoredKeys):
        return list(found.given)
    return [found] if isinstance(found, str) and found else list(found or ())


def _bound_to(manifest: Manifest) -> dict[str, str]:
    return {"backup": str(manifest.id)}

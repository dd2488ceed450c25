"""Services that wrap a key and open it again, and never give out their own: Transit of Vault and
OpenBao, and AWS KMS. They sign in as the stores of references do.
"""

import base64
from collections.abc import Callable
from typing import Any, Protocol

from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy, gettext_noop
from django.views.decorators.debug import sensitive_variables

from .address import Address, denied, library
from .aws import _AwsStore
from .base import SourceError
from .vault import VaultStore

LONGEST_REASON = 200  # characters
WHAT = gettext_lazy("the data key that {key} wraps")
REFUSED_BY_KMS = (
    "DisabledException",
    "IncorrectKeyException",
    "InvalidCiphertextException",
    "InvalidKeyUsageException",
    "KMSInvalidStateException",
    "NotFoundException",
)


class KeyService(Protocol):
    """One wrapping key. Everything raises SourceError, which repeats neither key nor ciphertext."""

    @property
    def name(self) -> str:
        """For people."""
        ...

    def wrap(self, plain: bytes) -> str:
        """The ciphertext of a data key, by the newest version of the wrapping key."""
        ...

    def unwrap(self, wrapped: str) -> bytes:
        """The data key."""
        ...

    def rewrap(self, wrapped: str) -> str:
        """The ciphertext by the newest version of the wrapping key, of the same data key."""
        ...


def _refused(name: str, key: str, reason: str) -> SourceError:
    text = gettext_noop(
        "%(name)s refused to use the key %(key)s (%(reason)s). Check that this key is there and "
        "enabled, that it still opens its older versions, and that the wrapped key is whole."
    )
    return SourceError(text, name=name, key=key, reason=reason[:LONGEST_REASON])


class VaultTransit(VaultStore):
    """A key of the engine Transit. The path of the address is its mount."""

    def __init__(self, address: Address, key: str) -> None:
        super().__init__(address)
        self._key = key

    @sensitive_variables()
    def wrap(self, plain: bytes) -> str:
        text = base64.b64encode(plain).decode()
        return self._done("encrypt", "ciphertext", "encrypt_data", plaintext=text)

    @sensitive_variables()
    def unwrap(self, wrapped: str) -> bytes:
        text = self._done("decrypt", "plaintext", "decrypt_data", ciphertext=wrapped)
        return _decoded(text, self.name, self._key)

    def rewrap(self, wrapped: str) -> str:
        return self._done("rewrap", "ciphertext", "rewrap_data", ciphertext=wrapped)

    @sensitive_variables()
    def _done(self, act: str, answer: str, method: str, **given: str) -> str:
        faults = library("hvac", "hvac").exceptions

        @sensitive_variables()
        def ask(client: Any) -> str:
            call: Callable[..., Any] = getattr(client.secrets.transit, method)
            try:
                return str(call(self._key, mount_point=self._path, **given)["data"][answer])
            except (faults.InvalidRequest, faults.InvalidPath) as error:
                said = "; ".join(map(str, error.errors or ())) or type(error).__name__
                if any(text in said for text in given.values()):
                    said = type(error).__name__
                raise _refused(self.name, self._key, said) from None

        text = gettext_lazy("Its policy needs `update` on {path}, see docs/references.md.")
        cure = format_lazy(text, path=f"{self._path}/{act}/{self._key}")
        refusal = denied(self.name, format_lazy(WHAT, key=self._key), cure)
        return str(self._asked(ask, refusal))


class AwsKms(_AwsStore):
    """A key of KMS, by its id, its ARN or an alias. The host of the address is the region, empty
    for the one that boto3 finds.

    What an alias wrapped is opened by whichever key wrapped it: an alias may be given to a newer
    key, which then wraps.
    """

    service = "kms"

    def __init__(self, address: Address, key: str) -> None:
        self._region, self._prefix, self._options = address.host, "", {}
        self._key, self.name = key, f"AWS KMS {address.host}".rstrip()
        self._opening = "" if key.startswith("alias/") or ":alias/" in key else key

    @sensitive_variables()
    def wrap(self, plain: bytes) -> str:
        blob = self._done("Encrypt", "CiphertextBlob", KeyId=self._key, Plaintext=plain)
        return base64.b64encode(blob).decode()

    @sensitive_variables()
    def unwrap(self, wrapped: str) -> bytes:
        named = {"KeyId": self._opening} if self._opening else {}
        blob = _decoded(wrapped, self.name, self._key)
        return self._done("Decrypt", "Plaintext", CiphertextBlob=blob, **named)

    def rewrap(self, wrapped: str) -> str:
        named = {"SourceKeyId": self._opening} if self._opening else {}
        blob = self._done(
            "ReEncrypt",
            "CiphertextBlob",
            CiphertextBlob=_decoded(wrapped, self.name, self._key),
            DestinationKeyId=self._key,
            **named,
        )
        return base64.b64encode(blob).decode()

    @sensitive_variables()
    def _done(self, act: str, answer: str, **given: Any) -> bytes:
        faults = library("botocore.exceptions", "boto3")
        what = format_lazy(WHAT, key=self._key)
        method = {"Encrypt": "encrypt", "Decrypt": "decrypt", "ReEncrypt": "re_encrypt"}[act]
        action = "kms:ReEncryptFrom, kms:ReEncryptTo" if act == "ReEncrypt" else f"kms:{act}"
        with self._translated(what, action=action):
            try:
                return bytes(getattr(self._client, method)(**given)[answer])
            except faults.NoRegionError:
                text = gettext_noop("%(name)s is not asked: its region is missing. Set AWS_REGION.")
                raise SourceError(text, name=self.name) from None
            except faults.ClientError as error:
                code = str(error.response.get("Error", {}).get("Code", ""))
                if code not in REFUSED_BY_KMS:
                    raise
                raise _refused(self.name, self._key, code) from None


@sensitive_variables()
def _decoded(text: str, name: str, key: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        raise _refused(name, key, "not base64") from None

"""Data keys that a key service has wrapped: entries of FERNET_KEYS that may stand in a file, since
nobody opens them without that service.

`vault-transit:<mount>/<key>:<ciphertext>`, `aws-kms:<key id, ARN or alias>:<ciphertext>`
"""

import re
from dataclasses import dataclass, field, replace
from urllib.parse import urlsplit

from django.conf import settings
from django.utils.translation import gettext_noop
from django.views.decorators.debug import sensitive_variables

from .sources import SourceError
from .sources.address import Address, read_address, variable
from .sources.key_services import AwsKms, KeyService, VaultTransit

VAULT, KMS = "vault-transit", "aws-kms"
SERVICES = {
    VAULT: re.compile(r"[\w.-]+(?:/[\w.-]+)+"),
    KMS: re.compile(r"[\w-]+|alias/[\w/-]+|arn:[\w-]+:kms:[\w-]+:\d*:(?:key|alias)/[\w/-]+"),
}
CIPHERTEXTS = {
    VAULT: re.compile(r"vault:v\d+:[\w+/=-]+"),
    KMS: re.compile(r"[A-Za-z0-9+/]+=*"),
}
FORMS = f"{VAULT}:<mount>/<key> or {KMS}:<key id, ARN or alias/name>"


@dataclass(frozen=True)
class WrappingKey:
    """Which key of which service wraps. `str()` is what an entry begins with."""

    scheme: str
    key: str

    def __str__(self) -> str:
        return f"{self.scheme}:{self.key}"


@dataclass(frozen=True)
class WrappedKey:
    """An entry of FERNET_KEYS that is wrapped."""

    by: WrappingKey
    ciphertext: str = field(repr=False)

    @property
    def text(self) -> str:
        """The entry."""
        return f"{self.by}:{self.ciphertext}"


def is_wrapped(entry: str) -> bool:
    """True for a text that begins as a wrapped key does, whole or not."""
    return entry.startswith((f"{VAULT}:", f"{KMS}:"))


def parse_wrapping_key(text: str) -> WrappingKey:
    """`vault-transit:transit/switchboard`, `aws-kms:alias/switchboard`. Raises ValueError."""
    scheme, _, key = text.partition(":")
    if scheme not in SERVICES or not SERVICES[scheme].fullmatch(key):
        raise ValueError(f"is not a wrapping key. Write {FORMS}.")
    return WrappingKey(scheme, key)


def parse_wrapped_key(entry: str) -> WrappedKey:
    """An entry, taken apart. Raises ValueError with a sentence that repeats nothing of it."""
    scheme, _, rest = entry.partition(":")
    at = ":vault:" if scheme == VAULT else ":"
    key, colon, ciphertext = rest.rpartition(at)
    found = WrappedKey(parse_wrapping_key(f"{scheme}:{key}"), f"{colon[1:]}{ciphertext}")
    if not CIPHERTEXTS[scheme].fullmatch(found.ciphertext):
        raise ValueError(
            f"is not a whole wrapped key. Make one with manage.py wrap_key --with {found.by}"
        )
    return found


@sensitive_variables()
def wrap(plain: str, by: WrappingKey) -> WrappedKey:
    """A data key, wrapped, and tried: its service opens it again. Raises SourceError."""
    service = _service(by)
    found = WrappedKey(by, service.wrap(plain.encode()))
    _try(service, found, plain.encode())
    return found


@sensitive_variables()
def unwrap(wrapped: WrappedKey) -> str:
    """The data key. Raises SourceError."""
    service = _service(wrapped.by)
    try:
        return service.unwrap(wrapped.ciphertext).decode().strip()
    except UnicodeDecodeError:
        raise _not_a_key(service) from None


@sensitive_variables()
def rewrap(wrapped: WrappedKey) -> WrappedKey:
    """The same data key, wrapped by the newest version of the wrapping key, and tried. Raises
    SourceError.
    """
    service = _service(wrapped.by)
    found = WrappedKey(wrapped.by, service.rewrap(wrapped.ciphertext))
    _try(service, found, service.unwrap(wrapped.ciphertext))
    return found


@sensitive_variables()
def _try(service: KeyService, made: WrappedKey, plain: bytes) -> None:
    """Raises SourceError where the data key would be lost: it is no entry, or opens otherwise."""
    try:
        is_same = service.unwrap(parse_wrapped_key(made.text).ciphertext) == plain
    except ValueError:
        is_same = False
    if not is_same:
        raise _not_a_key(service)


def _not_a_key(service: KeyService) -> SourceError:
    text = gettext_noop(
        "%(name)s answered something else than the data key. Check that it is the right one."
    )
    return SourceError(text, name=service.name)


def _service(by: WrappingKey) -> KeyService:
    """The service of a wrapping key. Nothing is asked yet. Raises SourceError."""
    try:
        if by.scheme == KMS:
            return AwsKms(_aws_address(by.key), by.key)
        mount, _, key = by.key.rpartition("/")
        return VaultTransit(_vault_address(mount), key)
    except ValueError as error:
        text = gettext_noop("The key service of %(key)s is not set up: %(reason)s.")
        raise SourceError(text, key=str(by), reason=str(error)) from None


def _vault_address(mount: str) -> Address:
    """Of VAULT_ADDR, else of the first Vault of CONNECTIONS_SOURCES. Raises ValueError."""
    if given := variable("VAULT_ADDR", "BAO_ADDR"):
        parts = urlsplit(given)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("VAULT_ADDR is not an address such as https://vault.example.com:8200")
        found = read_address(f"vault+{given}")
        port = found.port or (443 if parts.scheme == "https" else 80)
        return replace(found, port=port, path=mount, options={})
    for one in settings.CONNECTIONS_SOURCES:
        if one.startswith(("vault+https:", "vault+http:")):
            return replace(read_address(one), path=mount)
    raise ValueError("set VAULT_ADDR, or name a Vault in CONNECTIONS_SOURCES")


def _aws_address(key: str) -> Address:
    """Its region: of the key's ARN, else of AWS_REGION or AWS_DEFAULT_REGION, else of the first AWS
    of CONNECTIONS_SOURCES, else whatever boto3 finds.
    """
    sources = [read_address(one) for one in settings.CONNECTIONS_SOURCES]
    regions = [one.host for one in sources if one.scheme.startswith("aws-")]
    of_key = key.split(":")[3] if key.startswith("arn:") else ""
    named = of_key or variable("AWS_REGION", "AWS_DEFAULT_REGION")
    region = named or next(iter(regions), "")
    return Address(KMS, region, None, "", {}, f"{KMS}://{region}")

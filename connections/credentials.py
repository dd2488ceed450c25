"""The encrypted column, and the masks of secrets. Imports no models."""

import json
import re
from collections.abc import Mapping
from functools import lru_cache
from hashlib import sha256
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import models
from django.db.models.query_utils import DeferredAttribute
from django.utils.translation import gettext as _
from fernet_fields import EncryptedField
from fernet_fields.hkdf import derive_fernet_key
from pydantic_core import from_json

# Of a row, and of each of its settings by name. A list, since the version before takes texts among
# credentials for secrets where it lists those.
Binding = list[Any]
MASK = "***"
BOUND = "switchboard.bound_to"  # of a document: what it belongs to
SHOWN = re.compile(r"[^-_]{0,7}[-_]\*{3}")  # the mask of a secret with a prefix


class Undecryptable:
    """Credentials no key of FERNET_KEYS opens.

    Falsy, keeps the token so that it can be written back, shows nothing.
    """

    def __init__(self, token: bytes) -> None:
        self.token = token

    def __bool__(self) -> bool:
        return False

    def __repr__(self) -> str:
        return "<cannot decrypt>"


class Misplaced(Undecryptable):
    """Credentials that a key opens, and that belong to another row or to other settings."""

    def __repr__(self) -> str:
        return "<belongs elsewhere>"


class SecretDict(dict[str, Any]):
    """A dict that prints its keys only. Still a dict: never hand one to a serializer.

    `bound`: what it belongs to (bindings.py), empty where it does not say; `token`: as it was
    stored, empty where it was not.
    """

    bound: Binding = []
    token = b""

    def __repr__(self) -> str:
        return "{" + ", ".join(f"{key}: {MASK}" for key in self) + "}"

    __str__ = __repr__


class MaskedAttribute(DeferredAttribute):
    """Wraps every dict that is assigned, so that no repr, history diff or debug page can print
    it.
    """

    def __set__(self, row: models.Model, value: Any) -> None:
        row.__dict__[self.field.attname] = SecretDict(value) if type(value) is dict else value


def fernet() -> MultiFernet:
    """Encrypts with the newest key of FERNET_KEYS, decrypts with any.

    Raises ImproperlyConfigured when there is none.
    """
    keys = tuple(settings.FERNET_KEYS or ())
    if not keys:
        text = _(
            "FERNET_KEYS is not set, so credentials can neither be stored nor read. See "
            "SECURITY.md."
        )
        raise ImproperlyConfigured(text)
    return _fernet(keys)


@lru_cache(maxsize=8)
def _fernet(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(_derived(key)) for key in keys])


@lru_cache(maxsize=64)
def _derived(key: str) -> bytes:
    return (
        bytes(derive_fernet_key(key))
        if getattr(settings, "FERNET_USE_HKDF", True)
        else key.encode()
    )


@lru_cache(maxsize=64)
def key_id(key: str) -> str:
    """A short name for one key, safe to store and print: it cannot be turned back."""
    return sha256(b"switchboard key id" + _derived(key)).hexdigest()[:12]


def key_ids() -> list[str]:
    """The names of all keys, newest first; empty when none is set."""
    return [key_id(key) for key in settings.FERNET_KEYS or ()]


def opening_key(token: bytes) -> str | None:
    """The name of the key that opens the token, None if none does."""
    for key in settings.FERNET_KEYS or ():
        try:
            Fernet(_derived(key)).decrypt(token)
        except InvalidToken:
            continue
        return key_id(key)
    return None


def decrypt(token: bytes | None) -> "SecretDict | Undecryptable | None":
    """The credentials in a stored token."""
    if token is None:
        return None
    try:
        found = SecretDict(from_json(fernet().decrypt(bytes(token))))
    except (InvalidToken, ImproperlyConfigured):
        return Undecryptable(bytes(token))
    found.bound, found.token = found.pop(BOUND, []), bytes(token)
    return found


def encrypt(credentials: Mapping[str, Any]) -> bytes:
    """A token of credentials, with what they are bound to."""
    binding = getattr(credentials, "bound", [])
    document = {**credentials, BOUND: binding} if binding else credentials
    return fernet().encrypt(json.dumps(document).encode())


class CredentialsField(EncryptedField, models.Field):  # type: ignore[misc, type-arg]
    """One JSON document a row, encrypted as one token, so that types survive and not even key names
    are readable.

    Reads as SecretDict, as Undecryptable when no key opens it, or None. Built on
    django-fernet-fields (same import name, settings and bytes), which by itself raises on a lost
    key and stores SQL expressions as their repr.
    """

    descriptor_class = MaskedAttribute

    @property
    def fernet(self) -> MultiFernet:  # not cached on the field, so that a changed setting is seen
        return fernet()

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        """The value, bound to its row where the rows of the table bind theirs."""
        value = super().pre_save(model_instance, add)
        binding = getattr(model_instance, "binding", None) if isinstance(value, dict) else None
        if binding is None:
            return value
        found = SecretDict(value)
        found.bound = binding
        return found

    def get_db_prep_save(self, value: Any, connection: Any) -> Any:
        if hasattr(value, "as_sql"):
            if isinstance(value.output_field, CredentialsField):
                return value
            raise TypeError(f"{self.name}: this expression would be stored in clear")
        if value is None:
            return None
        token = value.token if isinstance(value, Undecryptable) else encrypt(value)
        return connection.Database.Binary(token)

    def from_db_value(self, value: Any, _expression: Any, _connection: Any) -> Any:
        return decrypt(value)

    def to_python(self, value: Any) -> Any:
        return value

    def value_to_string(self, row: models.Model) -> None:  # type: ignore[override]
        """None: never in dumpdata."""

    def formfield(self, **kwargs: Any) -> None:
        """None: never in a form."""


def mask(secret: Any) -> str:
    """The mask of a stored secret: `sk-***` for 12 or more characters with a prefix, else `***`.
    Never its end.
    """
    text = secret if isinstance(secret, str) else ""
    if len(text) >= 12:
        ends = [
            position for position in (text.find("-", 0, 8), text.find("_", 0, 8)) if position >= 0
        ]
        if ends:
            return text[: min(ends) + 1] + MASK
    return MASK


def masked(secret: Any, is_map: bool) -> Any:
    """The mask of a stored secret; of a secret map (`is_map`) its keys, each with the mask of its
    value.
    """
    return (
        {key: mask(value) for key, value in secret.items()}
        if is_map and isinstance(secret, dict)
        else mask(secret)
    )


def merged(settings: Mapping[str, Any], credentials: Mapping[str, Any]) -> dict[str, Any]:
    """Stored settings and decrypted credentials as one.

    Of a secret map, the references are in the one and the literals in the other.
    """
    both = {**settings, **credentials}
    for name, value in credentials.items():
        if isinstance(value, dict) and isinstance(settings.get(name), dict):
            both[name] = {**settings[name], **value}
    return both


def looks_masked(value: Any) -> bool:
    """True for a mask that somebody sent back: it ends in `***`, or is nothing but `*` or `•`."""
    return (
        isinstance(value, str) and bool(value) and (value.endswith(MASK) or not value.strip("*•"))
    )


def is_mask(value: Any) -> bool:
    """True for a text that is the mask of some secret, as `mask` makes it, or nothing but `*` or
    `•`.

    A real password may end in `***`; where nothing is stored nobody was shown a mask of it.
    """
    return looks_masked(value) and (not value.strip("*•") or bool(SHOWN.fullmatch(value)))


KEEP, CLEAR, REPLACE, MASKED = "keep", "clear", "replace", "masked_value"


def write_rule(posted: Mapping[str, Any], name: str, stored: Any) -> str:
    """The rule for a posted secret, the same for every surface.

    Absent or empty: KEEP. None: CLEAR. The exact mask of what is stored: KEEP. Anything else that
    looks like a mask, or is one where nothing is stored: MASKED, which the caller refuses. Anything
    else: REPLACE. `stored`: the
    literal or reference that is stored, Undecryptable when it cannot be known, None when there is
    none.
    """
    if name not in posted or posted[name] == "":
        return KEEP
    value = posted[name]
    if value is None:
        return CLEAR
    if stored is not None and value == stored_text(stored):
        return KEEP
    is_masked = is_mask(value) if stored is None else looks_masked(value)
    return MASKED if is_masked else REPLACE


def stored_text(stored: Any) -> str:
    """The text of a stored secret on every surface: a reference as it is, a literal as its mask."""
    if isinstance(stored, str) and stored.startswith("$") and not stored.startswith("$$"):
        return stored
    return mask(stored)


SEAL_SECONDS = 3600


def seal(value: str, purpose: str) -> str:
    """Encrypts a secret that was typed but not saved, to travel through a page that is shown again;
    `purpose` binds it.

    Empty when there is no key to seal with: then it must be typed again.
    """
    return "" if not key_ids() else fernet().encrypt(json.dumps([purpose, value]).encode()).decode()


def unseal(token: str, purpose: str) -> str:
    """The text that was sealed for this purpose within the last hour, else an empty text."""
    try:
        bound, value = json.loads(fernet().decrypt(token.encode(), ttl=SEAL_SECONDS))
    except (InvalidToken, ImproperlyConfigured, ValueError):
        return ""
    return str(value) if bound == purpose else ""

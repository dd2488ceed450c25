"""The manifest of a backup: versions, counts, digests, and which keys its secrets need."""

import hmac
import json
import uuid
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import Annotated, Any, Literal

from django.conf import settings
from django.views.decorators.debug import sensitive_variables
from pydantic import BaseModel, Field, ValidationError

from connections.credentials import key_id

from .errors import BackupError
from .tables import Table

FORMAT: Literal["switchboard-backup"] = "switchboard-backup"
VERSION: Literal[1] = 1
NAME = "manifest.json"
Digest = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
Column = tuple[
    Annotated[str, Field(pattern="^[a-z][a-z0-9_]{0,62}$")],
    Literal["encrypted", "int", "text", "bytes", "bool", "date", "datetime"]
    | Literal["float", "ip", "json", "time", "uuid"],
]


class Part(BaseModel):
    """One table: how many rows, in how many bytes with what digest (SHA-256). `highest`: the
    number that the last row got, 0 where rows are not numbered.
    """

    label: Annotated[str, Field(pattern=r"^[a-z]+\.\w+$")]
    name: Annotated[str, Field(pattern="^[a-z][a-z0-9_]{0,62}$")]
    columns: Annotated[list[Column], Field(min_length=1)]
    rows: Annotated[int, Field(ge=0)]
    size: Annotated[int, Field(ge=0)]
    digest: Digest
    highest: Annotated[int, Field(ge=0)] = 0

    @property
    def path(self) -> str:
        """Its name in the file."""
        return path_of(self.name)

    @property
    def table(self) -> Table:
        """The table."""
        return Table(self.label, self.name, tuple((one, kind) for one, kind in self.columns))


class SealedKeys(BaseModel):
    """The keys, sealed by a passphrase. `seal`: how a key is made of that."""

    seal: dict[str, Any]
    token: str


class Manifest(BaseModel):
    """All of it. `keys`: by the name of each key, how many secrets it opens; `unopened`: how many
    none opened when the backup was made. `clock`: of the schedule. `seal`: the name of the newest
    key then, and a code over the rest (HMAC) by it; both empty without a key.
    """

    format: Literal["switchboard-backup"] = FORMAT
    version: Literal[1] = VERSION
    id: uuid.UUID = Field(default_factory=uuid.uuid4)
    made_at: datetime = Field(default_factory=lambda: datetime.now(UTC))
    switchboard: str
    database: str
    migrations: list[tuple[str, str]]
    clock: float = 0
    keys: dict[str, int] = {}
    unopened: int = 0
    sealed_keys: SealedKeys | None = None
    parts: list[Part] = []
    seal: tuple[str, str] = ("", "")

    @property
    def rows(self) -> int:
        """Of all tables together."""
        return sum(one.rows for one in self.parts)

    def count(self, label: str) -> int:
        """The rows of one table, 0 for one that it does not have."""
        return sum(one.rows for one in self.parts if one.label == label)

    @property
    def needed_keys(self) -> set[str]:
        """The names of the keys without which it is not whole."""
        return {*self.keys, self.seal[0]} - {""}

    def sealed(self) -> "Manifest":
        """With a code over it by the newest key that is here."""
        for name, key in _codes().items():
            return self.model_copy(update={"seal": (name, _code(key, self))})
        return self

    @property
    def is_genuine(self) -> bool | None:
        """False where it was changed after it was made, None where its key is not here."""
        key = _codes().get(self.seal[0])
        return None if key is None else hmac.compare_digest(_code(key, self), self.seal[1])

    def text(self) -> str:
        """The manifest as it is written."""
        return self.model_dump_json(indent=1)


def path_of(table: str) -> str:
    """The name in the file of the rows of a table."""
    return f"tables/{table}.jsonl"


def read_manifest(text: bytes) -> Manifest:
    """Raises BackupError for one that is damaged, and for that of a newer format."""
    try:
        found = json.loads(text)
        if found.get("format") == FORMAT and found.get("version") not in (None, VERSION):
            raise BackupError(
                "newer",
                f"This backup has the format {found['version']}, and this version of Switchboard "
                f"reads {VERSION}. Use the version that made it, or a newer one.",
            )
        manifest = Manifest.model_validate(found)
    except (ValueError, AttributeError, RecursionError, ValidationError):
        raise BackupError("damaged", f"The {NAME} in this file is not that of a backup.") from None
    repeated = [
        one for one, number in Counter(x.name for x in manifest.parts).items() if number > 1
    ]
    if repeated:
        raise BackupError("damaged", f"The {NAME} names the table {repeated[0]} twice.")
    return manifest


def missing_keys(manifest: Manifest) -> Mapping[str, int]:
    """The keys that it needs and that are not here, with how many secrets each opens."""
    here = set(_codes())
    return {one: manifest.keys.get(one, 0) for one in sorted(manifest.needed_keys - here)}


@sensitive_variables()
def _codes() -> dict[str, bytes]:
    """A key for codes of each key of FERNET_KEYS, by its name, the newest first."""
    keys = list(settings.FERNET_KEYS or ())
    return {key_id(one): sha256(b"switchboard backup seal" + one.encode()).digest() for one in keys}


@sensitive_variables()
def _code(key: bytes, manifest: Manifest) -> str:
    text = manifest.model_copy(update={"seal": ("", "")}).model_dump_json()
    return hmac.new(key, text.encode(), sha256).hexdigest()

"""A package from a folder: what an export unpacks to, kept in a repository and edited by hand."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from providers.core import yaml

from . import archive
from .documents import FORMAT, FORMAT_VERSION
from .errors import PackageError
from .files import CONNECTIONS, MANIFEST, PROFILES, SEALED, contents_of, mapping_in

OF_ROWS = {"is_active": True, "tags": [], "settings": {}}
DEFAULTS: dict[str, dict[str, Any]] = {
    CONNECTIONS: {**OF_ROWS, "secrets": {}},
    PROFILES: {**OF_ROWS, "fallbacks": []},
}
IS_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def pack_folder(files: Mapping[str, bytes], versions: Mapping[str, int]) -> bytes:
    """The package that the files of a folder make, with the checksums that they have now.

    `versions`: provider -> the version of its settings, where package.yaml names none. What may be
    left out is filled in: package.yaml as a whole, and of rows the id, the alias,
    the name, `is_active`, tags, settings, secrets and fallbacks. A connection or a fallback may be
    named by its alias alone. A folder with sealed secrets is packed as it is. Raises PackageError.
    """
    if SEALED in files:
        return archive.pack(files)
    rows = {path: _row(path, data) for path, data in files.items() if _kind(path)}
    ids = {(_kind(path), row["alias"]): str(row["id"]) for path, row in rows.items()}
    for path, row in rows.items():
        if _kind(path) == PROFILES:
            row["connection"] = _named(row.get("connection"), CONNECTIONS, ids)
            row["fallbacks"] = [_named(one, PROFILES, ids) for one in row["fallbacks"] or []]
    packed = {path: data for path, data in files.items() if not _kind(path) and path != MANIFEST}
    packed |= {path: yaml.write(row).encode() for path, row in rows.items()}
    manifest = mapping_in(MANIFEST, files[MANIFEST]) if MANIFEST in files else {}
    used = {row.get("provider") for path, row in rows.items() if _kind(path) == CONNECTIONS}
    manifest = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "created": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
        "made_by": "a folder",
        **manifest,
        "types": {name: one for name, one in versions.items() if name in used}
        | (manifest.get("types") or {}),
        "contents": contents_of(packed),
    }
    return archive.pack({**packed, MANIFEST: yaml.write(manifest).encode()})


def folder_files(folder: Path) -> dict[str, bytes]:
    """The files of a folder that belong into a package, by their names in it.

    Raises PackageError for another file of the three folders in it, OSError.
    """
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if not path.is_file() or any(part.startswith(".") for part in name.split("/")):
            continue
        if archive.NAME.fullmatch(name):
            found[name] = path.read_bytes()
        elif "/" in name:
            raise PackageError(
                "unexpected_file",
                f"{name} is not a file of a package. Connections are in connections/ALIAS.yaml, "
                "profiles in profiles/ALIAS.yaml.",
            )
    if not any(map(_kind, found)):
        text = "It has neither connections/ALIAS.yaml nor profiles/ALIAS.yaml."
        raise PackageError("not_a_package", f"{folder} is not the folder of a package. {text}")
    return found


def _kind(path: str) -> str:
    return next((one for one in DEFAULTS if path.startswith(one)), "")


def _row(path: str, content: bytes) -> dict[str, Any]:
    kind, data = _kind(path), mapping_in(path, content)
    alias = str(data.get("alias") or path.removeprefix(kind).removesuffix(".yaml"))
    first = {"id": str(_id_of(kind, alias)), "alias": alias, "name": alias}
    return {**first, **DEFAULTS[kind], **data}


def _id_of(kind: str, alias: str) -> UUID:
    """The id of a row that names none: the same for the same alias, on every installation."""
    return uuid5(NAMESPACE_URL, f"switchboard:{kind}{alias}")


def _named(value: Any, kind: str, ids: Mapping[tuple[str, str], str]) -> Any:
    """A row that is named by its alias, as a package names it."""
    if not isinstance(value, str) or IS_ID.fullmatch(value):
        return value
    return {"id": ids.get((kind, value)) or str(_id_of(kind, value)), "alias": value}

"""The catalog of connection types: files of a directory, and those that were installed.

It keeps the registry of providers up to date with them.

For one key code comes first, then the types that come with Switchboard (both are the registry's),
then CONNECTIONS_TYPES_DIR, then what was installed.
"""

import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from threading import RLock
from typing import Any

from django.conf import settings
from django.utils.translation import gettext

from providers.core.base import Provider
from providers.core.registry import get_provider, is_built_in, replace_installed
from providers.manifests import (
    Manifest,
    ManifestError,
    provider_of,
    read_documents,
    read_manifest,
    shipped,
)

from . import conf
from .models import ConnectionType

LARGEST = 256 * 1024  # bytes of a document
ENDINGS = (".yaml", ".yml", ".json")

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class LoadedType:
    """A type that was read: its manifest, the provider made of it, and where it came from (the
    file's name, empty for a row).
    """

    manifest: Manifest
    provider: type[Provider[Any]]
    file: str = ""


@dataclass(frozen=True)
class Files:
    """The contents of CONNECTIONS_TYPES_DIR.

    `types`: by key. `problems`: by the name of a file, the reason why it was left out.
    """

    types: Mapping[str, LoadedType] = field(default_factory=dict)
    problems: Mapping[str, str] = field(default_factory=dict)


@dataclass
class _Catalog:
    """The rows as this process read them.

    `digests`: by key. `types`: by key, None for one that cannot be read.
    """

    lock: RLock = field(default_factory=RLock)
    digests: dict[str, str] | None = None
    types: dict[str, LoadedType | None] = field(default_factory=dict)


_catalog = _Catalog()


def confirm_types(provider_id: str | None = None) -> None:
    """Brings the registry up to the files and rows there are.

    One small query; none for a `provider_id` that code or a file has.

    A document that cannot be read is logged and left out.
    """
    if provider_id is not None and _needs_no_row(provider_id):
        return
    if _digests() != _catalog.digests:
        with _catalog.lock:
            _take_over(_digests())  # read again: another thread may have taken over newer ones


def _needs_no_row(provider_id: str) -> bool:
    return is_built_in(provider_id) or (
        _catalog.digests is not None and provider_id in directory_types().types
    )


def _digests() -> dict[str, str]:
    return dict(ConnectionType.objects.order_by().values_list("key", "digest"))


def _take_over(digests: dict[str, str]) -> None:
    known = _catalog.digests or {}
    changed = [key for key, digest in digests.items() if known.get(key) != digest]
    found = (
        dict(ConnectionType.objects.filter(key__in=changed).values_list("key", "document"))
        if changed
        else {}
    )
    types = {key: _catalog.types[key] for key in digests if key not in changed}
    types |= {key: _loaded_row(key, document) for key, document in found.items()}
    rows = {key: one for key, one in types.items() if one}
    files = directory_types().types
    replace_installed((one.provider for one in {**rows, **files}.values()), files)
    _catalog.types, _catalog.digests = types, {key: digests[key] for key in types}
    conf.resolver.cache_clear()


def type_problems() -> dict[str, str]:
    """The reasons why files of CONNECTIONS_TYPES_DIR were left out, by their names."""
    return dict(directory_types().problems)


def forget() -> None:
    """Drops everything that was read of rows and files.

    For tests, in which rows vanish with their transaction.
    """
    with _catalog.lock:
        _catalog.digests, _catalog.types = None, {}
        _files_of.cache_clear()
        replace_installed(())


def installed_types() -> dict[str, LoadedType | None]:
    """The types of rows by key as `confirm_types` read them last; None for one whose document
    cannot be read.
    """
    return dict(_catalog.types)


def type_digest(provider_id: str) -> str:
    """The digest of the document of an installed type as `confirm_types` read it last, empty for
    any other provider.
    """
    return (_catalog.digests or {}).get(provider_id, "")


def type_marks() -> str:
    """A text that is another one when a type was installed, changed or removed."""
    return repr(sorted((_catalog.digests or {}).items()))


# Rows


def digest_of(document: str) -> str:
    """The digest of a document, by which a worker knows whether it has read it."""
    return sha256(document.encode()).hexdigest()


def _loaded_row(key: str, document: str) -> LoadedType | None:
    """None for a document that was made by hand, or by a newer Switchboard."""
    try:
        manifest = read_manifest(document)
        if manifest.key == key:
            return LoadedType(manifest, installed_provider(manifest))
        logger.error(
            "The connection type %s is left out: its document has the key %s.", key, manifest.key
        )
    except Exception as error:  # noqa: BLE001 one broken type must not take every page down
        logger.error(
            "The connection type %s is left out: its document cannot be read (%s).",
            key,
            type(error).__name__,
        )
    return None


def installed_provider(manifest: Manifest) -> type[Provider[Any]]:
    """The provider of an installed manifest, which widens `$Env:` by nothing.

    Whoever may install types could else read any variable by naming it: only
    CONNECTIONS_REFERENCE_ENV counts.
    """
    return provider_of(_naming_only(manifest, conf.is_listed_variable))


def _naming_only(manifest: Manifest, may_name: Callable[[str], bool]) -> Manifest:
    """The manifest without the environment variables that it may not name."""
    fields = [
        one if may_name(one.environment) else one.model_copy(update={"environment": ""})
        for one in manifest.fields
    ]
    return manifest.model_copy(update={"fields": fields})


# Files


def directory_types() -> Files:
    """The types of CONNECTIONS_TYPES_DIR, read once per process and directory."""
    return _files_of(settings.CONNECTIONS_TYPES_DIR) if settings.CONNECTIONS_TYPES_DIR else Files()


@lru_cache(maxsize=4)
def _files_of(directory: str) -> Files:
    types: dict[str, LoadedType] = {}
    problems: dict[str, str] = {}
    try:
        paths = sorted(path for path in Path(directory).iterdir() if path.suffix.lower() in ENDINGS)
    except OSError as error:
        problems[directory] = f"The directory cannot be read ({error.strerror})."
        paths = []
    for path in paths:
        try:
            _add_file(types, path)
        except Exception as error:  # noqa: BLE001 one broken file must not take the others down
            problems[path.name] = _why(error)
    for name, problem in problems.items():
        logger.error("CONNECTIONS_TYPES_DIR: %s is left out. %s", name, problem)
    return Files(types, problems)


def _add_file(types: dict[str, LoadedType], path: Path) -> None:
    """Adds all types of one file, or none."""
    found = []
    for manifest in read_documents(read_document(path)):
        allowed = _naming_only(manifest, lambda name: not conf.is_own_variable(name))
        found.append(LoadedType(manifest, provider_of(allowed), path.name))
    for one in found:
        if owner := _built_in_owner(one.manifest.key):
            raise ValueError(f"The key {one.manifest.key} belongs to {owner}.")
        if other := types.get(one.manifest.key):
            raise ValueError(f"{other.file} has the key {one.manifest.key} too.")
    types.update({one.manifest.key: one for one in found})


def read_document(path: Path) -> str:
    """The text of a file. Raises ValueError when it is too large or not text, OSError."""
    with path.open("rb") as file:
        return decoded(file.read(LARGEST + 1))


def decoded(content: bytes) -> str:
    """The text of a document. Raises ValueError when it is too large or not text."""
    if len(content) > LARGEST:
        text = gettext("It is larger than %(size)d KB, which no connection type needs.")
        raise ValueError(text % {"size": LARGEST // 1024})
    try:
        return content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError:
        raise ValueError(gettext("It is not UTF-8 text. Save it as UTF-8.")) from None


def _why(error: Exception) -> str:
    if isinstance(error, ManifestError):
        return " ".join(problem_texts(error))
    return (
        f"It cannot be read ({error.strerror})."
        if isinstance(error, OSError)
        else str(error) or type(error).__name__
    )


def problem_texts(error: ManifestError) -> Iterator[str]:
    """The problems of a document, a sentence each, with its place."""
    for place, message in error.problems:
        yield f"{place}: {message}" if place else message


# Who has a key


def owner_of(key: str) -> str:
    """The owner of a key that comes before any row: "the provider OpenAI (providers.openai)".

    Empty if there is none.
    """
    if found := directory_types().types.get(key):
        return f"the file {found.file} in CONNECTIONS_TYPES_DIR"
    return _built_in_owner(key)


def _built_in_owner(key: str) -> str:
    if not is_built_in(key):
        return ""
    if manifest := next((one for one in shipped() if one.key == key), None):
        return f"the type {manifest.label}, which comes with Switchboard"
    provider = get_provider(key)
    return f"the provider {provider.name} ({provider.__module__})"

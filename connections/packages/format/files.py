"""A package as documents, from its bytes and to them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from django.views.decorators.debug import sensitive_variables
from pydantic import BaseModel

from connections.courtesy import step_aside
from providers.core import yaml

from . import archive
from .documents import (
    FORMAT,
    FORMAT_VERSION,
    ConnectionDocument,
    Content,
    ManifestDocument,
    Missing,
    ProfileDocument,
    data_of,
    document_of,
)
from .errors import PackageError
from .sealing import new_seal, refuse_weak, seal, unseal

MANIFEST, SEALED = "package.yaml", "secrets.sealed"
CONNECTIONS, PROFILES, TYPES = "connections/", "profiles/", "types/"
RULES = yaml.Rules(archive.MOST_OF_ONE)
NEWER = gettext_noop(
    "This package has format %(format)s, and this version of Switchboard reads format %(read)s. "
    "Update Switchboard, or export it with the older one."
)


@dataclass(frozen=True)
class Package:
    """The contents of a package.

    `types`: key -> the manifest of a connection type; `token`: the sealed secrets. `digest`: of its
    bytes, by which it is known.
    """

    manifest: ManifestDocument
    connections: tuple[ConnectionDocument, ...]
    profiles: tuple[ProfileDocument, ...]
    types: Mapping[str, str]
    digest: str
    token: bytes = field(default=b"", repr=False)

    @cached_property
    def connection_ids(self) -> set[UUID]:
        """The ids of its connections."""
        return {one.id for one in self.connections}

    @cached_property
    def profile_ids(self) -> set[UUID]:
        """The ids of its profiles."""
        return {one.id for one in self.profiles}

    @property
    def is_sealed(self) -> bool:
        """True if it brings secrets that a passphrase opens."""
        return self.manifest.sealed is not None

    @property
    def placeholders(self) -> set[str]:
        """The names of every secret that is not a reference."""
        values = [value for one in self.connections for value in one.secrets.values()]
        entries = [
            one
            for value in values
            for one in (value.values() if isinstance(value, dict) else [value])
        ]
        return {one.placeholder for one in entries if isinstance(one, Missing)}

    @sensitive_variables()
    def secrets(self, passphrase: str) -> dict[str, Any]:
        """Its secrets by placeholder; none without a passphrase or where nothing is sealed.

        Raises PackageError.
        """
        if not passphrase or self.manifest.sealed is None:
            return {}
        return unseal(passphrase, self.manifest.sealed, _bound(self.manifest), self.token)


def read_package(content: bytes) -> Package:
    """The package in these bytes. Raises PackageError for what an export does not write."""
    files = archive.unpack(content)
    if MANIFEST not in files:
        raise PackageError("not_a_package", _("This is not a package: it has no package.yaml."))
    manifest = _manifest(files)
    _check_sums(manifest, files)
    connections, profiles = [], []
    for path, data in files.items():
        step_aside()
        if path.startswith(CONNECTIONS):
            connections.append(_connection(path, data, manifest))
        elif path.startswith(PROFILES):
            profiles.append(_profile(path, data))
    _refuse_doubles(connections)
    _refuse_doubles(profiles)
    types = {
        path.removeprefix(TYPES).removesuffix(".yaml"): _decoded(path, files[path])
        for path in files
        if path.startswith(TYPES)
    }
    if (SEALED in files) != (manifest.sealed is not None):
        raise PackageError(
            "bad_document",
            _("package.yaml: What it says of sealed secrets is not what is there."),
        )
    by_alias = (
        sorted(connections, key=lambda one: one.alias),
        sorted(profiles, key=lambda one: one.alias),
    )
    rows = tuple(by_alias[0]), tuple(by_alias[1])
    return Package(manifest, *rows, types, digest_of(content), files.get(SEALED, b""))


def digest_of(content: bytes) -> str:
    """What a package is known by: what `sha256sum` says of the file."""
    return sha256(content).hexdigest()


def has_profiles(content: bytes) -> bool:
    """True if there are profiles in the package in these bytes. Raises PackageError."""
    return any(path.startswith(PROFILES) for path in archive.unpack(content))


def _manifest(files: Mapping[str, bytes]) -> ManifestDocument:
    data = mapping_in(MANIFEST, files[MANIFEST])
    if data.get("format") != FORMAT:
        raise PackageError(
            "not_a_package",
            _("This is not a package: package.yaml says that it is something else."),
        )
    number = data.get("format_version")
    if isinstance(number, int) and number > FORMAT_VERSION:
        values = {"format": number, "read": FORMAT_VERSION}
        raise PackageError("newer_version", _(NEWER) % values)
    return document_of(ManifestDocument, data, MANIFEST)


def _check_sums(manifest: ManifestDocument, files: Mapping[str, bytes]) -> None:
    sums = {one.path: one.sha256 for one in manifest.contents}
    if len(sums) != len(manifest.contents) or sums.keys() != files.keys() - {MANIFEST}:
        raise PackageError(
            "unexpected_file",
            _("The files of this package are not those that package.yaml lists. Export it again."),
        )
    for path, digest in sums.items():
        if sha256(files[path]).hexdigest() != digest:
            text = _(
                "%(path)s is not what was exported: its SHA-256 sum is another. Export it again."
            )
            raise PackageError("wrong_sum", text % {"path": path})


def _connection(path: str, content: bytes, manifest: ManifestDocument) -> ConnectionDocument:
    found = document_of(ConnectionDocument, mapping_in(path, content), path)
    if path != f"{CONNECTIONS}{found.alias}.yaml":
        text = _("The file has to be called like the alias in it.")
        raise PackageError("bad_document", f"{path}: {text}")
    if found.provider not in manifest.types:
        text = _("package.yaml names no version for its provider.")
        raise PackageError("bad_document", f"{path}: {text}")
    return found


def _profile(path: str, content: bytes) -> ProfileDocument:
    found = document_of(ProfileDocument, mapping_in(path, content), path)
    if path != f"{PROFILES}{found.alias}.yaml":
        text = _("The file has to be called like the alias in it.")
        raise PackageError("bad_document", f"{path}: {text}")
    return found


def _refuse_doubles(documents: Sequence[ConnectionDocument] | Sequence[ProfileDocument]) -> None:
    if len({one.id for one in documents}) < len(documents):
        raise PackageError(
            "bad_document", _("Two of its documents have the same id. Export it again.")
        )


def mapping_in(path: str, content: bytes) -> dict[str, Any]:
    """The fields in one of the files. Raises PackageError, which names the file and the line."""
    try:
        found = yaml.read(_decoded(path, content), RULES)
    except yaml.YamlError as error:
        line = f", line {error.line}" if error.line else ""
        raise PackageError("bad_document", f"{path}{line}: {error.sentence}") from None
    if not isinstance(found, dict):
        text = _("A mapping of fields is expected.")
        raise PackageError("bad_document", f"{path}: {text}")
    return found


def _decoded(path: str, content: bytes) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError:
        text = _("This is not UTF-8 text.")
        raise PackageError("bad_document", f"{path}: {text}") from None


@sensitive_variables("secrets", "passphrase")
def write_package(
    documents: Iterable[ConnectionDocument | ProfileDocument],
    type_documents: Mapping[str, str],
    secrets: dict[str, Any],
    passphrase: str,
    **about: Any,
) -> bytes:
    """The bytes of a package.

    `secrets` go in sealed, with a passphrase only; `about`: more fields of package.yaml. Raises
    PackageError.
    """
    files = {f"{_folder(one)}{one.alias}.yaml": _written(one) for one in documents}
    files |= {f"{TYPES}{key}.yaml": text.encode() for key, text in type_documents.items()}
    manifest = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        **about,
        "contents": contents_of(files),
    }
    if passphrase:
        refuse_weak(passphrase)
        used = new_seal()
        document = document_of(ManifestDocument, {**manifest, "sealed": data_of(used)}, MANIFEST)
        files[SEALED] = seal(passphrase, used, _bound(document), secrets)
        manifest |= {"sealed": data_of(used), "contents": contents_of(files)}
    files[MANIFEST] = yaml.write(
        data_of(document_of(ManifestDocument, manifest, MANIFEST))
    ).encode()
    return archive.pack(files)


def _folder(document: ConnectionDocument | ProfileDocument) -> str:
    return CONNECTIONS if isinstance(document, ConnectionDocument) else PROFILES


def _written(document: BaseModel) -> bytes:
    return yaml.write(data_of(document)).encode()


def contents_of(files: Mapping[str, bytes]) -> list[dict[str, str]]:
    """The files with their checksums, as package.yaml lists them."""
    return [
        data_of(Content(path=path, sha256=sha256(content).hexdigest()))
        for path, content in sorted(files.items())
    ]


def _bound(manifest: ManifestDocument) -> dict[str, Any]:
    """The data that sealed secrets are bound to: package.yaml without their own sum.

    By the other sums in it they are bound to every other file.
    """
    data = data_of(manifest)
    return data | {"contents": [one for one in data["contents"] if one["path"] != SEALED]}

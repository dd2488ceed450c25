"""A package from a folder that is kept in a repository."""

from pathlib import Path

from providers.core.registry import all_providers

from ..format.folder import folder_files, pack_folder


def package_of_folder(folder: Path) -> bytes:
    """The package that the files of a folder make. Raises PackageError, OSError."""
    versions = {one.id: one.version for one in all_providers()}
    return pack_folder(folder_files(folder), versions)

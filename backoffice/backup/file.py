"""The file of a backup: a zip with one part for each table, and the manifest last.

A part has a line for each row: a JSON array of its values in the order of the manifest's columns.
Bytes are hexadecimal digits, UUIDs 32 of them, moments UTC, documents of JSON and numbers with
fractions texts.
"""

import os
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import IO, Any

from .errors import BackupError
from .manifest import NAME, Manifest, Part, path_of, read_manifest
from .tables import Table

PIECE = 1 << 20  # bytes
LONGEST_ROW = 1 << 30  # bytes: what a column of PostgreSQL can hold
LARGEST_MANIFEST = 1 << 24  # bytes
LEVEL = 1  # of the compression: twice as fast as the usual 6, and a tenth larger
BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError)
Told = Callable[[int], None]  # hears how many further rows are through


def nobody(_rows: int) -> None:
    """Hears of rows, and does nothing."""


class _Forgettable(zipfile.ZipFile):
    """A zip that is left as it is where it was not finished: zipfile's own ends it when it is
    forgotten, also in a file that is closed by then, and tells of that.
    """

    def __del__(self) -> None:
        """Does nothing."""


class BackupWriter:
    """Writes the parts of a file, one after the other."""

    def __init__(self, file: IO[bytes]) -> None:
        self._zip = _Forgettable(file, "w", zipfile.ZIP_DEFLATED, compresslevel=LEVEL)

    def add(self, table: Table, blocks: Iterable[bytes], highest: int, told: Told) -> Part:
        """Writes the rows of a table. `blocks`: whole lines, each with its end."""
        rows = size = 0
        digest = sha256()
        with self._zip.open(path_of(table.name), "w", force_zip64=True) as part:
            for block in blocks:
                part.write(block)
                digest.update(block)
                found = block.count(b"\n")
                rows, size = rows + found, size + len(block)
                told(found)
        columns: Any = list(table.columns)
        return Part(
            label=table.label,
            name=table.name,
            columns=columns,
            rows=rows,
            size=size,
            digest=digest.hexdigest(),
            highest=highest,
        )

    def finish(self, manifest: Manifest) -> None:
        """Writes the manifest, and what says that the file is whole."""
        self._zip.writestr(NAME, manifest.text())
        self._zip.close()


@contextmanager
def new_file(path: Path, *, overwrite: bool = False) -> Iterator[tuple[IO[bytes], Path]]:
    """A file beside `path`, for this user only, which gets that name when the block has ended well,
    and is gone when it has not. Raises BackupError.
    """
    if path.exists() and not overwrite:
        raise BackupError(
            "cannot_write",
            f"{path} is there already. Choose another name (backup also takes --overwrite).",
        )
    unfinished = None
    try:
        descriptor, name = tempfile.mkstemp(".unfinished", f".{path.name}.", path.parent)
        unfinished = Path(name)
        with os.fdopen(descriptor, "wb") as file:
            yield file, unfinished
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
        _sync(path.parent)
    except OSError as error:
        raise BackupError(
            "cannot_write", f"{path} cannot be written: {error.strerror or error}. Nothing is left."
        ) from None
    finally:
        if unfinished is not None:
            with suppress(OSError):
                unfinished.unlink()


def _sync(folder: Path) -> None:
    """Makes a new name in a folder last."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class BackupReader:
    """An opened file, whose manifest was read."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._zip = archive
        self.manifest = self._read_manifest()

    def _read_manifest(self) -> Manifest:
        try:
            with self._zip.open(NAME) as part:
                text = part.read(LARGEST_MANIFEST + 1)
        except (KeyError, *BROKEN):
            raise BackupError("damaged", f"This file has no {NAME} that can be read.") from None
        if len(text) > LARGEST_MANIFEST:
            raise BackupError("damaged", f"The {NAME} in this file is too large for one.")
        return read_manifest(text)

    def problems(self, told: Told) -> Iterator[str]:
        """Reads all of it, and says of each part that is not as it was written what is wrong."""
        names = self._zip.namelist()
        expected = {NAME, *(one.path for one in self.manifest.parts)}
        yield from (f"{one} is not a part of it." for one in sorted({*names} - expected))
        if len(names) != len({*names}):
            yield "A part is in it twice."
        for part in self.manifest.parts:
            if part.path not in names:
                yield f"{part.path} is missing."
            elif wrong := self._problem(part, told):
                yield f"{part.path} {wrong}"

    def _problem(self, part: Part, told: Told) -> str:
        rows = size = 0
        digest = sha256()
        try:
            for piece in self._pieces(part):
                digest.update(piece)
                found = piece.count(b"\n")
                rows, size = rows + found, size + len(piece)
                told(found)
                if size > part.size:
                    return f"is larger than the {part.size:,} bytes of the manifest."
        except BROKEN as error:
            return f"cannot be read ({type(error).__name__})."
        if (size, digest.hexdigest()) != (part.size, part.digest):
            return "is not as it was written: another digest."
        return "" if rows == part.rows else f"has {rows:,} rows instead of {part.rows:,}."

    def _pieces(self, part: Part) -> Iterator[bytes]:
        with self._zip.open(part.path) as stream:
            while piece := stream.read(PIECE):
                yield piece

    def lines(self, part: Part) -> Iterator[list[bytes]]:
        """The lines of a part, some at a time. Raises BackupError."""
        begun: list[bytes] = []  # the pieces of a line that has not ended
        try:
            for piece in self._pieces(part):
                first, *others = piece.split(b"\n")
                begun.append(first)
                if others:
                    yield [b"".join(begun), *others[:-1]]
                    begun = others[-1:]
                elif sum(map(len, begun)) > LONGEST_ROW:
                    raise ValueError
        except BROKEN:
            raise BackupError("damaged", f"{part.path} cannot be read.") from None


@contextmanager
def opened(path: Path) -> Iterator[BackupReader]:
    """A backup that is there, for the block. Raises BackupError."""
    try:
        with path.open("rb") as file:
            try:
                archive = zipfile.ZipFile(file)
            except BROKEN:
                text = f"{path} is not a whole backup: it was cut off, or it is another file."
                raise BackupError("damaged", text) from None
            with archive:
                yield BackupReader(archive)
    except OSError as error:
        raise BackupError(
            "cannot_read", f"{path} cannot be read: {error.strerror or error}."
        ) from None

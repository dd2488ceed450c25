"""The zip around a package: written the same way every time, and read without trust in the numbers
in it.

https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT, sections 4.3.7, 4.3.12 and 4.3.16.
Python's zipfile accepts too much: junk before and after, entries that share their bytes, names that
are there twice.
"""

import re
import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.translation import gettext, gettext_noop

from connections.courtesy import step_aside

from .errors import PackageError

MOST_BYTES = 10 * 1024 * 1024  # of a package
MOST_ENTRIES = 2_000
MOST_UNPACKED = 50 * 1024 * 1024
MOST_OF_ONE = 1024 * 1024
NAME = re.compile(
    r"(package\.yaml|secrets\.sealed|(connections|profiles|types)/[a-z0-9]+([._-][a-z0-9]+)*\.yaml)"
)
LONGEST_NAME = 150
LOCAL, CENTRAL, END = (
    struct.Struct("<4s5H3L2H"),
    struct.Struct("<4s6H3L5H2L"),
    struct.Struct("<4s4H2LH"),
)
LOCAL_MARK, CENTRAL_MARK, END_MARK, DATA_MARK = (
    b"PK\x03\x04",
    b"PK\x01\x02",
    b"PK\x05\x06",
    b"PK\x07\x08",
)
STORED, DEFLATED = 0, 8
DESCRIPTOR, UTF8, DEFLATE_SPEED = 0x0008, 0x0800, 0x0006
FIRST_OF_1980 = 0x0021  # the earliest date a zip can say
NOT_A_ZIP = gettext_noop(
    "This is not a package: it is not a whole zip file, or it holds more than an export writes. "
    "Export it again."
)
LARGER = gettext_noop(
    "A package has at most %(packed)s MB, %(files)s files and %(unpacked)s MB unpacked, %(each)s "
    "MB each. Export fewer connections at a time."
)
LIMITS = {
    "packed": MOST_BYTES >> 20,
    "files": MOST_ENTRIES,
    "unpacked": MOST_UNPACKED >> 20,
    "each": MOST_OF_ONE >> 20,
}


@dataclass(frozen=True)
class _ZipEntry:
    """An entry as the zip's directory has it. `packed`: its size in the zip; `size`: unpacked."""

    name: str
    flags: int
    method: int
    crc: int
    packed: int
    size: int
    offset: int


def refuse_large() -> PackageError:
    """The error for a limit that is passed, reading or writing."""
    return PackageError("too_large", gettext(LARGER) % LIMITS)


def pack(files: Mapping[str, bytes]) -> bytes:
    """A zip of these files, the same bytes for the same files.

    Raises PackageError when one could not read it again.
    """
    sizes = [len(content) for content in files.values()]
    if (
        len(files) > MOST_ENTRIES
        or sum(sizes) > MOST_UNPACKED
        or max(sizes, default=0) > MOST_OF_ONE
    ):
        raise refuse_large()
    body, directory = bytearray(), bytearray()
    for name, content in sorted(files.items()):
        packer = zlib.compressobj(9, zlib.DEFLATED, -15)
        packed = packer.compress(content) + packer.flush()
        shared = (
            20,
            0,
            DEFLATED,
            0,
            FIRST_OF_1980,
            zlib.crc32(content),
            len(packed),
            len(content),
            len(name),
            0,
        )
        directory += CENTRAL.pack(CENTRAL_MARK, 20, *shared, 0, 0, 0, 0, len(body)) + name.encode()
        body += LOCAL.pack(LOCAL_MARK, *shared) + name.encode() + packed
    end = END.pack(END_MARK, 0, 0, len(files), len(files), len(directory), len(body), 0)
    if len(body) + len(directory) + len(end) > MOST_BYTES:
        raise refuse_large()
    return bytes(body + directory) + end


def unpack(content: bytes) -> dict[str, bytes]:
    """The files of a package by name.

    Raises PackageError: too_large, not_a_package, unexpected_file.
    """
    if len(content) > MOST_BYTES:
        raise refuse_large()
    entries, start = _directory(content)
    found: dict[str, bytes] = {}
    position, left = 0, MOST_UNPACKED
    for entry in sorted(entries, key=lambda one: one.offset):
        step_aside()
        if entry.offset != position:  # a gap, or an overlap with the one before
            raise PackageError("not_a_package", gettext(NOT_A_ZIP))
        packed, position = _packed(content, entry, start)
        found[entry.name] = _unpacked(packed, entry, min(left, MOST_OF_ONE))
        left -= len(found[entry.name])
    if position != start:
        raise PackageError("not_a_package", gettext(NOT_A_ZIP))
    return found


def _directory(content: bytes) -> tuple[list[_ZipEntry], int]:
    """The entries that the end of the file names, and the position where their list begins."""
    if len(content) < END.size or content[-END.size : -END.size + 4] != END_MARK:
        raise PackageError("not_a_package", gettext(NOT_A_ZIP))
    _, disk, first_disk, here, count, size, start, comment = END.unpack(content[-END.size :])
    if (
        (disk, first_disk, comment) != (0, 0, 0)
        or here != count
        or start + size + END.size != len(content)
    ):
        raise PackageError("not_a_package", gettext(NOT_A_ZIP))
    if count > MOST_ENTRIES:
        raise refuse_large()
    entries, position = [], start
    for _ in range(count):
        entry, position = _entry(content, position, start + size)
        entries.append(entry)
    if position != start + size:
        raise PackageError("not_a_package", gettext(NOT_A_ZIP))
    if len({entry.name for entry in entries}) < count:
        text = gettext("A file is in this package twice. Export it again.")
        raise PackageError("unexpected_file", text)
    return entries, start


def _entry(content: bytes, position: int, end: int) -> tuple[_ZipEntry, int]:
    if position + CENTRAL.size > end:
        raise PackageError("not_a_package", gettext(NOT_A_ZIP))
    fields = CENTRAL.unpack_from(content, position)
    (
        mark,
        _,
        _,
        flags,
        method,
        _,
        _,
        crc,
        packed,
        size,
        name_length,
        extra_length,
        comment_length,
        disk,
        _,
        _,
        offset,
    ) = fields
    name = content[position + CENTRAL.size : position + CENTRAL.size + name_length]
    position += CENTRAL.size + name_length + extra_length + comment_length
    if (
        mark != CENTRAL_MARK
        or disk
        or position > end
        or flags & ~(DESCRIPTOR | UTF8 | DEFLATE_SPEED)
        or method not in (STORED, DEFLATED)
    ):
        raise PackageError("not_a_package", gettext(NOT_A_ZIP))
    return _ZipEntry(_name(name), flags, method, crc, packed, size, offset), position


def _name(raw: bytes) -> str:
    text = raw.decode("ascii", errors="replace")
    if len(text) > LONGEST_NAME or not NAME.fullmatch(text):
        shown = re.sub(r"[^ -~]", "?", text[:80])
        text = gettext("The file %(name)r does not belong into a package. Export it again.")
        raise PackageError("unexpected_file", text % {"name": shown})
    return text


def _packed(content: bytes, entry: _ZipEntry, end: int) -> tuple[bytes, int]:
    """The packed bytes of an entry, and the position behind them."""
    start = entry.offset
    if start + LOCAL.size > end:
        raise PackageError("not_a_package", gettext(NOT_A_ZIP))
    mark, _, flags, method, _, _, crc, packed, size, name_length, extra_length = LOCAL.unpack_from(
        content, start
    )
    name = content[start + LOCAL.size : start + LOCAL.size + name_length]
    start += LOCAL.size + name_length + extra_length
    told = (crc, packed, size) == (entry.crc, entry.packed, entry.size) or bool(flags & DESCRIPTOR)
    if (
        mark != LOCAL_MARK
        or name != entry.name.encode()
        or (flags, method) != (entry.flags, entry.method)
        or not told
    ):
        raise PackageError("not_a_package", gettext(NOT_A_ZIP))
    stop = start + entry.packed
    if stop > end:
        raise PackageError("not_a_package", gettext(NOT_A_ZIP))
    behind = stop
    if flags & DESCRIPTOR:  # checksum and sizes once more, behind the bytes; its mark is optional
        behind += 16 if content[stop : stop + 4] == DATA_MARK else 12
    return content[start:stop], behind


def _unpacked(packed: bytes, entry: _ZipEntry, most: int) -> bytes:
    """The unpacked bytes of an entry. Whatever its size is said to be, at most `most` + 1 are ever
    unpacked. Raises PackageError.
    """
    if entry.size > most:
        raise refuse_large()
    found = packed if entry.method == STORED else _inflated(packed, most)
    if len(found) > most:
        raise refuse_large()
    if len(found) != entry.size or zlib.crc32(found) != entry.crc:
        raise PackageError("not_a_package", gettext(NOT_A_ZIP))
    return found


def _inflated(packed: bytes, most: int) -> bytes:
    unpacker = zlib.decompressobj(-15)
    try:
        found = unpacker.decompress(packed, most + 1)
    except zlib.error:
        raise PackageError("not_a_package", gettext(NOT_A_ZIP)) from None
    if len(found) <= most and (not unpacker.eof or unpacker.unused_data):
        raise PackageError("not_a_package", gettext(NOT_A_ZIP))
    return found

"""A file that is not whole is found out, and says which part; nothing is left of one that cannot
be written.
"""

import errno
import gc
import os
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from backoffice.backup import services
from backoffice.backup.errors import BackupError
from backoffice.backup.file import BackupReader, BackupWriter, new_file, nobody, opened
from backoffice.backup.manifest import NAME, Manifest
from backoffice.backup.tables import Table
from tests.fakes import OLDER_KEY

TABLES = [
    Table("auth.Group", "auth_group", (("id", "int"), ("name", "text"))),
    Table("auth.User", "auth_user", (("id", "int"), ("username", "text"))),
]
LINES = b"".join(b'[%d,"name %d"]\n' % (number, number) for number in range(2000))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A backup of two tables, without a database."""
    with new_file(tmp_path / "a.zip") as (stream, _unfinished):
        writer = BackupWriter(stream)
        manifest = Manifest(switchboard="1", database="sqlite", migrations=[("auth", "0001")])
        manifest.parts = [writer.add(one, [LINES], 1999, nobody) for one in TABLES]
        writer.finish(manifest.sealed())
    return tmp_path / "a.zip"


def rewritten(file: Path, change: Callable[[dict[str, bytes]], Any]) -> None:
    """The same file with other parts."""
    with zipfile.ZipFile(file) as archive:
        parts = {one: archive.read(one) for one in archive.namelist()}
    change(parts)
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)


def problems(file: Path) -> list[str]:
    return services.check_backup(file)[1]


def test_a_whole_file_has_no_fault_and_is_for_its_owner_alone(file: Path):
    assert problems(file) == []
    assert file.stat().st_mode & 0o777 == 0o600
    assert [one.name for one in file.parent.iterdir()] == ["a.zip"]


def test_a_file_that_was_cut_off_anywhere_is_refused(file: Path):
    whole = file.read_bytes()
    for length in (0, 1, 100, len(whole) // 2, len(whole) - 1):
        file.write_bytes(whole[:length])
        with pytest.raises(BackupError, match="not a whole backup"):
            services.check_backup(file)


def test_no_bit_of_the_rows_can_be_flipped(file: Path):
    whole = file.read_bytes()
    with zipfile.ZipFile(file) as archive:
        part = archive.getinfo("tables/auth_group.jsonl")
    # behind its head, its sizes, and the bit that says whether there are further blocks
    begins = part.header_offset + 30 + len(part.filename) + 20 + 1
    for at in range(begins, begins + part.compress_size, 211):
        damaged = bytearray(whole)
        damaged[at] ^= 1
        file.write_bytes(damaged)
        assert [one.split()[0] for one in problems(file)] == ["tables/auth_group.jsonl"], at


WRONG: dict[str, tuple[Callable[[dict[str, bytes]], Any], str]] = {
    "swapped": (
        lambda one: one.update(
            {"tables/auth_user.jsonl": one["tables/auth_user.jsonl"].replace(b"7", b"8")}
        ),
        "tables/auth_user.jsonl is not as it was written",
    ),
    "missing": (lambda one: one.pop("tables/auth_user.jsonl"), "auth_user.jsonl is missing"),
    "more": (lambda one: one.update({"x": b""}), "x is not a part of it"),
    "longer": (
        lambda one: one.update({"tables/auth_user.jsonl": b"0" * 50_000_000}),
        "is larger than the",
    ),
    "manifest": (
        lambda one: one.update({NAME: one[NAME].replace(b'"0001"', b'"0002"')}),
        "its seal is not that of its key",
    ),
}


@pytest.mark.parametrize("how", WRONG)
def test_what_was_changed_by_hand_is_named(file: Path, how: str):
    change, words = WRONG[how]
    rewritten(file, change)
    assert any(words in one for one in problems(file))


NOT_MANIFESTS = {
    "none": (lambda one: one.pop(NAME), f"no {NAME}"),
    "text": (lambda one: one.update({NAME: b"["}), "not that of a backup"),
    "list": (lambda one: one.update({NAME: b"[]"}), "not that of a backup"),
    "deep": (lambda one: one.update({NAME: b"[" * 200_000}), "not that of a backup"),
    "bomb": (lambda one: one.update({NAME: b" " * 50_000_000}), "too large"),
    "newer": (
        lambda one: one.update({NAME: one[NAME].replace(b'"version": 1', b'"version": 2')}),
        "has the format 2",
    ),
    "twice": (
        lambda one: one.update({NAME: one[NAME].replace(b'"auth_user"', b'"auth_group"')}),
        "twice",
    ),
    "name": (
        lambda one: one.update({NAME: one[NAME].replace(b'"auth_user"', b'"a; DROP TABLE b"')}),
        "not that of a backup",
    ),
}


@pytest.mark.parametrize("how", NOT_MANIFESTS)
def test_what_is_not_the_manifest_of_a_backup_is_refused(file: Path, how: str):
    change, words = NOT_MANIFESTS[how]
    rewritten(file, change)
    with pytest.raises(BackupError, match=words):
        services.check_backup(file)


def test_another_key_cannot_judge_the_seal_and_is_named(file: Path, settings: Any):
    manifest, _ = services.check_backup(file)
    assert services.missing_keys(manifest) == {}
    settings.FERNET_KEYS = [OLDER_KEY]
    manifest, found = services.check_backup(file)
    assert found == [] and [*services.missing_keys(manifest)] == [manifest.seal[0]]


def test_a_line_may_span_the_pieces_that_are_read(file: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("backoffice.backup.file.PIECE", 7)
    with opened(file) as reader:
        assert read(reader) == LINES.splitlines()


def read(reader: BackupReader) -> list[bytes]:
    return [line for lines in reader.lines(reader.manifest.parts[0]) for line in lines]


def test_a_file_that_is_there_is_not_overwritten_unasked(file: Path):
    with pytest.raises(BackupError, match="--overwrite"), new_file(file):
        pass
    with new_file(file, overwrite=True) as (stream, _unfinished):
        stream.write(b"new")
    assert file.read_bytes() == b"new"


def test_a_full_disk_is_told_and_leaves_nothing(tmp_path: Path):
    with (
        pytest.raises(BackupError, match=f"{os.strerror(errno.ENOSPC)}. Nothing is left"),
        new_file(tmp_path / "a.zip") as (stream, _unfinished),
    ):
        stream.write(b"half")
        with Path("/dev/full").open("wb", buffering=0) as full:
            full.write(b"x")
    assert [*tmp_path.iterdir()] == []


def test_a_folder_that_is_not_there_is_told(tmp_path: Path):
    with (
        pytest.raises(BackupError, match="cannot be written: No such file"),
        new_file(tmp_path / "b" / "a.zip"),
    ):
        pass


def test_a_file_that_could_not_be_finished_is_forgotten_without_a_word(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    told = list[object]()
    monkeypatch.setattr(sys, "unraisablehook", told.append)
    with pytest.raises(BackupError), new_file(tmp_path / "full.zip") as (file, _):
        writer = BackupWriter(file)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    del writer
    gc.collect()
    assert told == []

"""Static files: their names, how long they are kept, and that none is stale."""

import gzip
from pathlib import Path
from typing import Any

import brotli
import pytest
from django.contrib.staticfiles.storage import staticfiles_storage
from django.test import Client

from backoffice.static_files import STAMP, collect_static_files

RULE = "a { color: teal; }\n"
TEXT = RULE * 40
YEAR = "max-age=31536000, public, immutable"


@pytest.fixture
def source(settings, tmp_path: Path) -> Path:
    """A stylesheet that is the only static file, and nothing collected yet."""
    file = tmp_path / "sources" / "a.css"
    file.parent.mkdir()
    file.write_text(TEXT)
    settings.STATICFILES_DIRS = [file.parent]
    settings.STATICFILES_FINDERS = ["django.contrib.staticfiles.finders.FileSystemFinder"]
    settings.WHITENOISE_USE_FINDERS = True
    settings.STORAGES = settings.STORAGES | {
        "staticfiles": {"BACKEND": "backoffice.static_files.HashedFiles"}
    }
    settings.STATIC_ROOT = tmp_path / "collected"
    settings.STATIC_ROOT.mkdir()
    return file


def start(settings) -> str:
    """A server starts: the address that its pages have for the stylesheet."""
    settings.STORAGES = dict(settings.STORAGES)  # Django makes the storage anew
    collect_static_files()
    return str(staticfiles_storage.url("a.css"))


def asked(address: str, encoding: str = "identity") -> Any:
    """The answer to a browser."""
    return Client().get(address, headers={"accept-encoding": encoding})


@pytest.mark.parametrize(
    ("encoding", "unpack"),
    [("gzip", gzip.decompress), ("br", brotli.decompress), ("identity", bytes)],
)
def test_a_collected_file_is_kept_for_a_year_and_sent_compressed(
    source: Path, settings, encoding: str, unpack: Any
):
    answer = asked(start(settings), encoding)
    assert (answer["Cache-Control"], answer["Vary"]) == (YEAR, "Accept-Encoding")
    assert answer.get("Content-Encoding", "identity") == encoding
    assert unpack(answer.content).decode() == TEXT


def test_a_file_is_not_streamed_of_which_django_would_warn(source: Path, settings):
    assert not asked(start(settings)).streaming


def test_a_part_of_a_file_is_answered(source: Path, settings):
    answer = Client().get(start(settings), headers={"range": "bytes=0-3"})
    assert (answer.status_code, answer.content) == (206, b"a { ")


def test_head_tells_the_length_and_a_known_file_is_not_sent_again(source: Path, settings):
    address = start(settings)
    head = Client().head(address)
    again = Client().get(address, headers={"if-none-match": head["ETag"]})
    assert (int(head["Content-Length"]), head.content) == (len(TEXT), b"")
    assert (again.status_code, again.content) == (304, b"")


def test_without_a_collection_names_are_plain(source: Path):
    assert staticfiles_storage.url("a.css") == "/static/a.css"
    assert asked("/static/a.css")["Cache-Control"] == "max-age=60, public"


def test_a_file_that_changed_since_it_was_collected_is_not_named(source: Path, settings):
    start(settings)
    source.write_text(TEXT.replace("teal", "navy"))
    settings.STORAGES = dict(settings.STORAGES)
    address = staticfiles_storage.url("a.css")
    assert address == "/static/a.css" and b"navy" in asked(address).content


def test_the_next_start_collects_what_changed_and_pages_of_before_find_theirs(
    source: Path, settings
):
    before = start(settings)
    source.write_text(TEXT.replace("teal", "navy"))
    after = start(settings)
    assert before != after and b"navy" in asked(after).content
    assert b"teal" in asked(before).content


def test_an_interrupted_collection_is_made_again(source: Path, settings):
    address = start(settings)
    (settings.STATIC_ROOT / STAMP).unlink()
    (settings.STATIC_ROOT / f"{address.rpartition('/')[2]}.br").write_bytes(b"half")
    assert start(settings) == address
    assert brotli.decompress(asked(address, "br").content).decode() == TEXT


def test_nothing_is_collected_twice(source: Path, settings):
    start(settings)
    written = (settings.STATIC_ROOT / STAMP).stat().st_mtime_ns
    start(settings)
    assert (settings.STATIC_ROOT / STAMP).stat().st_mtime_ns == written


def test_the_hash_of_another_version_gets_the_file_of_this_one_for_a_minute(source: Path, settings):
    start(settings)
    answer = asked("/static/a.0123456789ab.css")
    assert (answer.content.decode(), answer["Cache-Control"]) == (TEXT, "max-age=60, public")


def test_a_folder_that_cannot_be_written_leaves_plain_names_and_a_warning(
    source: Path, settings, caplog: pytest.LogCaptureFixture
):
    settings.STATIC_ROOT = source / "below-a-file"
    assert start(settings) == "/static/a.css"
    assert "cannot be collected into STATIC_ROOT" in caplog.text

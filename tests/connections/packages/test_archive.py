"""Hostile packages: whatever the bytes are, they are refused in words, and nothing is written."""

import io
import json
import struct
import time
import zipfile
import zlib
from collections.abc import Callable
from hashlib import sha256
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connections.models import Connection
from connections.packages import services as package_services
from connections.packages.format import archive
from connections.packages.format.files import read_package
from connections.packages.services import Decisions, PackageError
from tests.fakes import SECRET, profile_of

pytestmark = pytest.mark.django_db
PASSPHRASE = "correct horse battery staple"


@pytest.fixture
def good(connection) -> bytes:
    """A package with a connection and a profile, sealed."""
    return package_services.export_package(
        [connection], [profile_of(connection)], actor=None, passphrase=PASSPHRASE
    )


def files_of(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as opened:
        return {name: opened.read(name) for name in opened.namelist()}


def zipped(files: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compression) as opened:
        for name, content in files.items():
            opened.writestr(name, content)
    return out.getvalue()


def resummed(files: dict[str, bytes], **about: Any) -> bytes:
    """The files with a manifest that lists them as they are."""
    manifest = yaml.safe_load(files["package.yaml"]) | about
    rest = {name: content for name, content in files.items() if name != "package.yaml"}
    manifest["contents"] = [
        {"path": name, "sha256": sha256(content).hexdigest()} for name, content in rest.items()
    ]
    return zipped({**rest, "package.yaml": yaml.safe_dump(manifest).encode()})


def edited(
    content: bytes,
    change: Callable[[dict[str, Any]], Any],
    path: str = "connections/production.yaml",
) -> bytes:
    files = files_of(content)
    document = yaml.safe_load(files[path])
    change(document)
    return resummed({**files, path: yaml.safe_dump(document).encode()})


def refusal(content: bytes, passphrase: str = "") -> PackageError:
    """What a plan and an import say of it."""
    said = []
    for act in (package_services.plan_import, package_services.import_package):
        with pytest.raises(PackageError) as refused:
            act(
                content,
                actor=None,
                passphrase=passphrase,
                decisions=Decisions(on_conflict="replace"),
            )
        said.append((refused.value.code, refused.value.message))
    assert said[0] == said[1] and len(said[0][1]) < 500
    return refused.value


def test_pythons_zipfile_reads_what_is_written_and_the_other_way_round(good):
    files = files_of(good)
    assert set(files) == {
        "package.yaml",
        "connections/production.yaml",
        "profiles/answers.yaml",
        "secrets.sealed",
    }
    assert (
        archive.unpack(zipped(files)) == files == archive.unpack(zipped(files, zipfile.ZIP_STORED))
    )
    assert archive.pack(files) == good


def test_a_zip_written_without_going_back_is_read(good):
    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

        def seek(self, *args: Any) -> int:
            raise OSError

        def tell(self) -> int:
            raise OSError

    out = Pipe()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as opened:
        for name, content in files_of(good).items():
            opened.writestr(name, content)
    assert archive.unpack(out.getvalue()) == files_of(good)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"PK",
        b"not a zip",
        b"\x1f\x8b" + bytes(100),
        b"PK\x05\x06" + bytes(18),
        bytes(1000),
        b"%PDF-1.7\n",
        b"PK\x03\x04" * 500,
    ],
    ids=["empty", "two", "text", "gzip", "empty zip", "zeros", "pdf", "marks"],
)
def test_what_is_no_zip(content):
    assert refusal(content).code == "not_a_package"


def test_junk_around_the_zip(good):
    for content in (
        b"x" + good,
        good + b"x",
        b"PK\x03\x04" + bytes(26) + good,
        good[:-1],
        good + good,
        good + bytes(22),
    ):
        assert refusal(content).code == "not_a_package"


def test_eleven_megabytes():
    assert refusal(bytes(11 * 1024 * 1024)).code == "too_large"


def test_a_zip_bomb_is_not_unpacked(good):
    started = time.monotonic()
    bombs = zipped({f"connections/a{number}.yaml": bytes(1_000_000) for number in range(60)})
    one = zipped({**files_of(good), "connections/bomb.yaml": bytes(200_000_000)})
    assert {refusal(bombs).code, refusal(one).code} == {"too_large"}
    assert time.monotonic() - started < 20


def test_a_size_that_lies_unpacks_no_more(good):
    content = bytearray(zipped({"package.yaml": bytes(50_000_000)}))
    for mark, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        struct.pack_into("<L", content, content.rindex(mark) + offset, 10)
    assert refusal(bytes(content)).code in ("too_large", "not_a_package")


def test_three_thousand_files():
    assert (
        refusal(zipped({f"connections/a{number}.yaml": b"" for number in range(3000)})).code
        == "too_large"
    )


def test_entries_that_share_their_bytes(good):
    """As in a better zip bomb: https://www.bamsoftware.com/hacks/zipbomb/"""
    files = files_of(good)
    content = bytearray(
        archive.pack({**files, "connections/other.yaml": files["connections/production.yaml"]})
    )
    second = content.rindex(b"PK\x01\x02", 0, content.rindex(b"connections/production.yaml"))
    struct.pack_into("<L", content, second + 42, 0)
    assert refusal(bytes(content)).code == "not_a_package"


@pytest.mark.parametrize(
    "name",
    [
        "../evil.yaml",
        "connections/../../evil.yaml",
        "/etc/passwd",
        "C:/evil.yaml",
        "connections\\evil.yaml",
        "connections/",
        "connections/UPPER.yaml",
        "connections/a--b.yaml/",
        "connections/é.yaml",
        "connections/a.yml",
        "readme.txt",
        "__MACOSX/._package.yaml",
        "connections/" + "a" * 200 + ".yaml",
    ],
)
def test_names_that_do_not_belong_there(good, name):
    assert refusal(zipped({**files_of(good), name: b"x"})).code in (
        "unexpected_file",
        "not_a_package",
    )


def test_a_name_with_a_null_character(good):
    content = zipped({**files_of(good), "connections/aXb.yaml": b"x"}).replace(
        b"connections/aXb", b"connections/a\0b"
    )
    assert refusal(content).code == "unexpected_file"


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_file_that_is_there_twice(good):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as opened:
        for name, content in [*files_of(good).items(), ("package.yaml", b"x: 1")]:
            opened.writestr(name, content)
    assert refusal(out.getvalue()).code == "unexpected_file"


def test_other_methods_and_encryption(good):
    assert refusal(zipped(files_of(good), zipfile.ZIP_BZIP2)).code == "not_a_package"
    content = bytearray(good)
    struct.pack_into("<H", content, content.index(b"PK\x01\x02") + 8, 1)
    assert refusal(bytes(content)).code == "not_a_package"


def test_bytes_changed_on_the_way(good):
    content = bytearray(zipped(files_of(good), zipfile.ZIP_STORED))
    content[content.index(b"Production")] ^= 1
    assert refusal(bytes(content)).code == "not_a_package"


# What package.yaml says


def test_a_newer_format(good):
    files = files_of(good)
    content = resummed(files, format_version=2, something_new=True)
    assert refusal(content).code == "newer_version" and "format 2" in refusal(content).message


def test_another_format(good):
    for about in ({"format": "other"}, {"format": None}):
        assert refusal(resummed(files_of(good), **about)).code == "not_a_package"
    for about in (
        {"format_version": "1"},
        {"format_version": True},
        {"format_version": 0},
        {"surprise": 1},
        {"types": {}},
    ):
        assert refusal(resummed(files_of(good), **about)).code == "bad_document"


def test_sums_that_are_wrong_missing_or_too_many(good):
    files = files_of(good)
    changed = {**files, "connections/production.yaml": files["connections/production.yaml"] + b"\n"}
    assert refusal(zipped(changed)).code == "wrong_sum"
    assert refusal(zipped({**files, "connections/more.yaml": b"x"})).code == "unexpected_file"
    assert (
        refusal(
            zipped({name: one for name, one in files.items() if not name.startswith("profiles")})
        ).code
        == "unexpected_file"
    )
    assert (
        refusal(zipped({name: one for name, one in files.items() if name != "package.yaml"})).code
        == "not_a_package"
    )


# Documents


WRONG = {
    "unknown field": lambda one: one.update(surprise=1),
    "missing field": lambda one: one.pop("name"),
    "id": lambda one: one.update(id="1234"),
    "id in braces": lambda one: one.update(id="{" + one["id"] + "}"),
    "alias": lambda one: one.update(alias="Not An Alias"),
    "other file": lambda one: one.update(alias="other"),
    "provider": lambda one: one.update(provider="../../x"),
    "name of a number": lambda one: one.update(name=7),
    "name too long": lambda one: one.update(name="x" * 300),
    "active as text": lambda one: one.update(is_active="yes"),
    "tags as text": lambda one: one.update(tags="a, b"),
    "settings as list": lambda one: one.update(settings=[1]),
    "nested settings": lambda one: one.update(settings={"region": {"a": {"b": "c"}}}),
    "setting of a list": lambda one: one.update(settings={"region": [1, 2]}),
    "setting of nothing": lambda one: one.update(settings={"region": None}),
    "placeholder of a number": lambda one: one.update(secrets={"api_key": {"placeholder": 5}}),
    "type version": lambda one: one.update(type_version=-1),
    "plain among secrets": lambda one: one.update(secrets={"region": {"placeholder": "x"}}),
    "entries of one secret": lambda one: one.update(
        secrets={"api_key": {"a": {"placeholder": "x"}}}
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_documents_that_are_wrong(good, name):
    assert refusal(edited(good, WRONG[name])).code in ("bad_document", "clear_secret")
    assert Connection.objects.get().version == 1


CLEAR = {
    "secret": lambda one: one.update(secrets={"api_key": SECRET}),
    "dollar": lambda one: one.update(secrets={"api_key": f"${SECRET} with blanks"}),
    "escaped": lambda one: one.update(secrets={"api_key": f"$${SECRET}"}),
    "plain": lambda one: one.update(settings={"api_key": SECRET}),
    "entry": lambda one: one.update(secrets={"api_key": {"a": SECRET, "b": SECRET}}),
}


@pytest.mark.parametrize("name", CLEAR)
def test_a_secret_in_clear_is_refused_and_not_repeated(good, name):
    said = refusal(edited(good, CLEAR[name]))
    assert (
        said.code == "clear_secret"
        and SECRET not in said.message
        and "production.yaml" in said.message
    )


@pytest.mark.parametrize(
    "text",
    [
        "a: !!python/object/apply:os.system ['true']",
        "- 1",
        "",
        "a: 'b",
        "\x00",
        "[" * 100_000,
        '{"a": 1e999}',
        "<<: {a: 1}",
    ],
)
def test_yaml_that_acts_or_grows_or_is_none(good, text):
    files = files_of(good)
    for path in ("connections/production.yaml", "profiles/answers.yaml"):
        assert refusal(resummed({**files, path: text.encode()})).code == "bad_document"
    assert refusal(zipped({**files, "package.yaml": text.encode()})).code in (
        "bad_document",
        "not_a_package",
    )


@pytest.mark.parametrize(
    "raw", [b"\xff\xfe\x00a", b"\x80", "a: \ud800".encode("utf-8", "surrogatepass")]
)
def test_bytes_that_are_no_text(good, raw):
    assert (
        refusal(resummed({**files_of(good), "connections/production.yaml": raw})).code
        == "bad_document"
    )


def test_two_documents_of_one_id(good):
    files = files_of(good)
    twin = yaml.safe_load(files["connections/production.yaml"]) | {"alias": "twin"}
    assert (
        refusal(resummed({**files, "connections/twin.yaml": yaml.safe_dump(twin).encode()})).code
        == "bad_document"
    )


def test_a_profile_whose_settings_are_nonsense_is_refused_in_the_plan(good):
    content = edited(
        good, lambda one: one.update(settings={"temperature": {"a": [1]}}), "profiles/answers.yaml"
    )
    plan = package_services.plan_import(
        content, actor=None, decisions=Decisions(on_conflict="replace")
    )
    assert [one.action for one in plan.conflicts] == ["refuse"] and plan.conflicts[0].notes


# Sealed secrets


def test_a_wrong_passphrase_and_changed_documents_are_told_apart_by_nothing(good):
    swapped = edited(
        good, lambda one: one.update(settings={"base_url": "https://evil.example.com"})
    )
    aside = edited(good, lambda one: one.update(name="Other"), "profiles/answers.yaml")
    renamed = resummed(files_of(good), made_by="Somebody")
    said = {
        (one.code, one.message)
        for one in (
            refusal(good, "not the passphrase"),
            *(refusal(c, PASSPHRASE) for c in (swapped, aside, renamed)),
        )
    }
    assert len(said) == 1 and said.pop()[0] == "wrong_passphrase"


def test_sealed_bytes_that_are_none(good):
    for sealed in (b"", b"x", b"\xff" * 100, files_of(good)["secrets.sealed"][:-4]):
        assert (
            refusal(resummed({**files_of(good), "secrets.sealed": sealed}), PASSPHRASE).code
            == "wrong_passphrase"
        )


def test_a_file_does_not_choose_how_dear_a_passphrase_is(good):
    seal = yaml.safe_load(files_of(good)["package.yaml"])["sealed"]
    started = time.monotonic()
    for change in ({"n": 2**30}, {"r": 4096}, {"p": 1000}, {"n": 2}):
        assert (
            refusal(resummed(files_of(good), sealed=seal | change), PASSPHRASE).code
            == "not_a_package"
        )
    assert time.monotonic() - started < 3


def test_what_is_sealed_and_what_package_yaml_says_of_it_go_together(good):
    files = files_of(good)
    without = {name: one for name, one in files.items() if name != "secrets.sealed"}
    assert refusal(resummed(without)).code == "bad_document"
    manifest = yaml.safe_load(files["package.yaml"])
    manifest.pop("sealed")
    assert (
        refusal(resummed({**files, "package.yaml": yaml.safe_dump(manifest).encode()})).code
        == "bad_document"
    )


def test_a_sealed_package_without_its_passphrase_says_what_is_left_out(good):
    plan = package_services.plan_import(good, actor=None)
    assert plan.is_sealed and "left out" in plan.notes[-1]


# Anything at all


def _tried(content: bytes) -> None:
    """Either it is a package, or it is refused in words."""
    before = Connection.objects.count()
    try:
        package_services.plan_import(
            content, actor=None, decisions=Decisions(on_conflict="replace")
        )
    except PackageError as refused:
        assert refused.message.endswith(".")
    assert Connection.objects.count() == before


FUZZ = settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@FUZZ
@given(content=st.binary(max_size=400))
def test_any_bytes(db, content):
    _tried(content)
    _tried(b"PK\x03\x04" + content + b"PK\x05\x06" + content)


@FUZZ
@given(data=st.data())
def test_any_change_of_a_good_package(good, data):
    content = bytearray(good)
    for _ in range(data.draw(st.integers(1, 4))):
        position = data.draw(st.integers(0, len(content) - 1))
        content[position] = data.draw(st.integers(0, 255))
    _tried(bytes(content))
    _tried(bytes(content[: data.draw(st.integers(0, len(content)))]))


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
JSON = st.recursive(
    SCALARS,
    lambda one: st.lists(one, max_size=3) | st.dictionaries(st.text(max_size=8), one, max_size=3),
    max_leaves=8,
)


@FUZZ
@given(data=st.data())
def test_any_value_in_a_document(good, data):
    files = files_of(good)
    path = data.draw(
        st.sampled_from(["connections/production.yaml", "profiles/answers.yaml", "package.yaml"])
    )
    document = yaml.safe_load(files[path])
    document[data.draw(st.sampled_from(sorted(document)))] = data.draw(JSON)
    text = json.dumps(document, ensure_ascii=data.draw(st.booleans())).encode(
        errors="surrogatepass"
    )
    changed = {**files, path: text}
    _tried(zipped(changed) if path == "package.yaml" else resummed(changed))


def test_a_deflate_stream_with_something_behind_it(good):
    files = files_of(good)
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = packer.compress(files["package.yaml"]) + packer.flush() + b"more"
    name = b"package.yaml"
    shared = (
        20,
        0,
        8,
        0,
        0x21,
        zlib.crc32(files["package.yaml"]),
        len(packed),
        len(files["package.yaml"]),
        len(name),
        0,
    )
    body = archive.LOCAL.pack(b"PK\x03\x04", *shared) + name + packed
    directory = archive.CENTRAL.pack(b"PK\x01\x02", 20, *shared, 0, 0, 0, 0, 0) + name
    content = (
        body + directory + archive.END.pack(b"PK\x05\x06", 0, 0, 1, 1, len(directory), len(body), 0)
    )
    assert refusal(content).code == "not_a_package"
    assert read_package(good).connections

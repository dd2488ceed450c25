"""`.env` files, by the grammar of python-dotenv."""

from pathlib import Path

import pytest

from providers.core.env_file import (
    EnvFileError,
    decode_text,
    load_env_file,
    read_env,
    read_env_lines,
)

GRAMMAR = [
    ("A=b", {"A": "b"}),
    ("export A=b", {"A": "b"}),
    ("  A = b  ", {"A": "b"}),
    ("A='b c'", {"A": "b c"}),
    ('A="b c" # why', {"A": "b c"}),
    ('A="x\\ny\\t\\"z\\\\"', {"A": 'x\ny\t"z\\'}),
    ("A='x\\ny\\'s'", {"A": "x\\ny's"}),
    ('A="one\ntwo"\nB=3', {"A": "one\ntwo", "B": "3"}),
    ("A=b # why", {"A": "b"}),
    ("A=b#c", {"A": "b#c"}),
    ("A= # why", {"A": ""}),
    ("# nothing\n\n  # more\nA=b", {"A": "b"}),
    ("A=", {"A": ""}),
    ("'A b'=1", {"A b": "1"}),
    ("A=b=c", {"A": "b=c"}),
    ("A=1\r\nB=2\r\n", {"A": "1", "B": "2"}),
    ("\ufeffA=1", {"A": "1"}),
    ("A=x y", {"A": "x y"}),
    ("", {}),
    ("A=${OUT}/b$C", {"A": "${OUT}/b$C"}),
    ("A\nB=1", {"A": None, "B": "1"}),
]


@pytest.mark.parametrize(("text", "pairs"), GRAMMAR)
def test_a_file_is_read_as_python_dotenv_reads_it(text: str, pairs: dict[str, str | None]):
    assert dict(read_env(text)) == pairs


def test_pairs_keep_their_order_and_may_be_there_twice():
    assert read_env("A=1\nB=2\nA=3") == [("A", "1"), ("B", "2"), ("A", "3")]


@pytest.mark.parametrize(
    "text",
    ["A=1\n=b", "A=1\nB='open", 'A=1\nB="a" junk', "A=1\nB C", "\r\n  =b"],
)
def test_a_broken_line_is_refused_with_its_number(text: str):
    with pytest.raises(EnvFileError, match="Line 2 is not NAME=value"):
        read_env(text)


@pytest.mark.parametrize("line", ["{} {}", "={}{}", "A='{}' {}", 'A="{}{}', "export {} = '{}"])
def test_a_refusal_repeats_nothing_of_the_line(line: str):
    with pytest.raises(EnvFileError) as caught:
        read_env(line.format("hunter2", "hunter3"))
    assert "hunter" not in str(caught.value)


def test_the_environment_wins_over_the_file_and_the_later_line_over_the_first(tmp_path: Path):
    path = tmp_path / ".env"
    path.write_text("A=file\nB=first\nB=second\nexport B\n")
    environ = {"A": "environment"}
    load_env_file(path, environ)
    assert environ == {"A": "environment", "B": "second"}


def test_no_file_is_no_fault(tmp_path: Path):
    environ: dict[str, str] = {}
    load_env_file(tmp_path / ".env", environ)
    assert environ == {}


def test_a_folder_in_its_place_is_told(tmp_path: Path):
    with pytest.raises(EnvFileError, match="cannot be read"):
        load_env_file(tmp_path, {})


def test_a_value_that_broke_in_two_is_refused_and_not_shown(tmp_path: Path):
    path = tmp_path / ".env"
    path.write_text("A=hunter\n\nhunter2\n")
    with pytest.raises(EnvFileError, match="Line 3 is not NAME=value") as caught:
        load_env_file(path, {})
    assert "hunter" not in str(caught.value)


@pytest.mark.parametrize("name", ["$env:HTTPS", "'A=B'", "'A B'", "`A`", '"A'])
def test_a_name_that_no_program_reads_is_refused(tmp_path: Path, name: str):
    path, environ = tmp_path / ".env", {}
    path.write_text(f"HTTPS=false\n{name}=hunter2\n")
    with pytest.raises(EnvFileError, match="Line 2 is not NAME=value") as caught:
        load_env_file(path, environ)
    assert "hunter2" not in str(caught.value) and environ == {}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_text_is_read_in_the_encodings_that_say_what_they_are(encoding: str):
    assert decode_text("A=\u00e4\r\n".encode(encoding)) == "A=\u00e4\r\n"


def test_utf_16_is_read_in_either_order():
    assert decode_text(b"\xfe\xff\0A\0=") == decode_text(b"\xff\xfeA\0=\0") == "A="


@pytest.mark.parametrize("data", [b"A=\xe4", b"A\0=\0", b"\xff\xfeA", b"\xff\xfe\0\0A\0\0\0"])
def test_other_encodings_are_refused_with_a_cure(data: bytes):
    with pytest.raises(EnvFileError, match="Save it as UTF-8"):
        decode_text(data)


CUT = {  # whether a comment was cut off that quotes would have kept
    "A=b # c": True,
    "export A=b\t#c": True,
    'A={"note":"a # b"}': True,
    "A=b#c": False,
    "A='b' # c": False,
    'A="b # c"': False,
    "A= # c": False,
    "A=b\n# c": False,
}


@pytest.mark.parametrize("text", CUT)
def test_a_line_says_whether_a_comment_was_cut_off(text: str):
    assert read_env_lines(text)[0].is_cut == CUT[text]


def test_a_line_shows_no_value():
    assert "hunter2" not in repr(read_env_lines("A=hunter2"))

"""`.env` files, by the grammar of python-dotenv."""

from pathlib import Path

import pytest

from connections.promptflow.format.env_text import parse
from connections.promptflow.format.errors import Refused
from connections.promptflow.format.files import env_name, is_env

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
    ("A=1\nA=2", {"A": "2"}),
    ("A=", {"A": ""}),
    ("A\nB=1", {"A": "", "B": "1"}),
    ("'A b'=1", {"A b": "1"}),
    ("A=b=c", {"A": "b=c"}),
    ("A=1\r\nB=2\r\n", {"A": "1", "B": "2"}),
    ("\ufeffA=1", {"A": "1"}),
    ("A=x y", {"A": "x y"}),
    ("A=${OUT}/b", {"A": "outside/b"}),
    ("A=1\nB=${A}2\nC='${B}3'", {"A": "1", "B": "12", "C": "123"}),
    ("A=${NOT:-there}", {"A": "there"}),
    ("OUT=in\nA=${OUT}", {"OUT": "in", "A": "in"}),
    ("A=$OUT", {"A": "$OUT"}),
    ("A=${env:OUT}", {"A": "${env:OUT}"}),
    ("", {}),
]


@pytest.mark.parametrize(("text", "pairs"), GRAMMAR)
def test_a_file_is_read_as_python_dotenv_reads_it(text: str, pairs: dict[str, str]):
    assert parse(text, {"OUT": "outside"})[0] == pairs


def test_a_variable_that_is_nowhere_is_warned_about():
    pairs, warnings = parse("A=x${NOWHERE}", {})
    assert pairs == {"A": "x"}
    assert warnings == [
        "A: ${NOWHERE} is set neither in the file nor in the environment, so it is empty."
    ]


@pytest.mark.parametrize("text", ["A=1\n=b", "A=1\nB='open", 'A=1\nB="a" junk', "A=1\nB C"])
def test_a_broken_line_is_refused_with_its_number_and_without_its_value(text: str):
    with pytest.raises(Refused, match="Line 2 is not NAME=value"):
        parse(text, {})


@pytest.mark.parametrize(
    ("name", "known"),
    [
        (".env", True),
        ("prod.env", True),
        (".env.prod", True),
        ("a.yaml", False),
        (".env.yaml", False),
        ("environment", False),
    ],
)
def test_a_file_is_known_by_its_name(name: str, known: bool):
    assert is_env(name) is known


@pytest.mark.parametrize(
    ("name", "called"), [("prod.env", "prod"), (".env.prod", "prod"), (".env", "")]
)
def test_a_file_in_a_folder_names_its_connection(name: str, called: str):
    assert env_name(Path(name)) == called

"""`.env` files as connections: their names, and variables in their values."""

from pathlib import Path

import pytest

from connections.promptflow.format.errors import Refused
from connections.promptflow.format.files import env_name, env_pairs, is_env

INTERPOLATED = [
    ("A\nB=1", {"A": "", "B": "1"}),
    ("A=${OUT}/b", {"A": "outside/b"}),
    ("A=1\nA=${A}2", {"A": "12"}),
    ("A=1\nB=${A}2\nC='${B}3'", {"A": "1", "B": "12", "C": "123"}),
    ("A=${NOT:-there}", {"A": "there"}),
    ("OUT=in\nA=${OUT}", {"OUT": "in", "A": "in"}),
    ("A=$OUT", {"A": "$OUT"}),
    ("A=${env:OUT}", {"A": "${env:OUT}"}),
]


@pytest.mark.parametrize(("text", "pairs"), INTERPOLATED)
def test_variables_stand_for_what_is_set(text: str, pairs: dict[str, str]):
    assert env_pairs(text, {"OUT": "outside"})[0] == pairs


def test_a_variable_that_is_nowhere_is_warned_about():
    pairs, warnings = env_pairs("A=x${NOWHERE}", {})
    assert pairs == {"A": "x"}
    assert warnings == [
        "A: ${NOWHERE} is set neither in the file nor in the environment, so it is empty."
    ]


def test_a_broken_line_is_refused():
    with pytest.raises(Refused, match="Line 2 is not NAME=value"):
        env_pairs("A=1\n=b", {})


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


def test_a_value_that_a_comment_cut_is_told_and_not_shown():
    pairs, warnings = env_pairs('SA={"note":"a # hunter2"}\nB="a # b"', {})
    assert pairs == {"SA": '{"note":"a', "B": "a # b"}
    assert warnings == [
        "SA: the text behind # in line 1 was taken as a comment. Quotes around the value keep it."
    ]

"""Texts with half characters."""

import json

import pytest

from providers.core.texts import HalfJoiner, has_half, mended, mended_tree, parse_json

FIRST, SECOND = "\ud83d", "\ude00"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Grüße 😀", "Grüße 😀"),
        (f"a{FIRST}{SECOND}b", "a😀b"),
        (f"a{FIRST}b", "a\ufffdb"),
        (f"{SECOND}{FIRST}", "\ufffd\ufffd"),
    ],
)
def test_halves_are_joined_or_replaced(text: str, expected: str):
    assert mended(text) == expected


@pytest.mark.parametrize(
    ("pieces", "expected"),
    [
        (["Hi ", FIRST, SECOND, " end"], "Hi 😀 end"),
        ([f"a{FIRST}", "b"], "a\ufffdb"),
        ([SECOND, "a"], "\ufffda"),
        ([FIRST, FIRST, SECOND], "\ufffd😀"),
        ([FIRST, "", SECOND], "😀"),
        (["a", FIRST], "a\ufffd"),
    ],
)
def test_halves_are_joined_over_pieces(pieces: list[str], expected: str):
    joiner = HalfJoiner()
    text = "".join(joiner.join("content", piece) for piece in pieces)
    assert text + joiner.flush("content") == expected and not joiner.holds


def test_texts_are_joined_apart():
    joiner = HalfJoiner()
    assert [joiner.join("a", FIRST), joiner.join("b", "x"), joiner.join("a", SECOND)] == [
        "",
        "x",
        "😀",
    ]


def test_json_with_halves_or_other_bytes_is_read():
    found = parse_json(b'{"a": ["\\ud83d"], "b": "\xff"}')
    assert has_half(found) and not has_half(found["b"])
    json.dumps(mended_tree(found), ensure_ascii=False).encode()
    assert mended_tree(found) == {"a": ["\ufffd"], "b": "\ufffd"}

"""What tools/plain_words.py finds, and what it lets pass."""

import re

import pytest

from tools.plain_words import in_markdown, problems, stripped

RULES = [(re.compile(r"\b(?:doors?)\b", re.I), "an address")]
LONG = "word " * 36

WRONG = {
    "Each door is watched.": "“door”: an address",
    f"{LONG.strip()}.": "36 words without a stop",
    f"{'two words: ' * 26}end.": "53 words in one sentence",
    "Nothing is read without a key.": "two negations (Nothing, without)",
    "A name that was not found, never a stored one.": "",
    "It is not stored, and nobody reads it.": "",
    "It no longer works without a key.": "",
}


@pytest.mark.parametrize("text", WRONG)
def test_what_is_hard_to_read_is_found(text: str):
    found = list(problems(text, RULES))
    assert [one[: len(WRONG[text])] for one in found] == ([WRONG[text]] if WRONG[text] else [])


def test_code_is_not_read_and_a_row_of_it_is_one_word():
    page = "One.\n```\nnothing without a door\n```\n| `a`, `b` and `c` | [here](door.md) |\n"
    assert [(line, text) for _file, line, text in in_markdown("a.md", page)] == [
        (1, "One."),
        (5, "X"),
        (5, "here"),
    ]
    assert stripped("**See** `x.py`[^mark].") == "See X."

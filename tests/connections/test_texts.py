"""What is the same text for people, and what nobody sees."""

import pytest

from connections.texts import counted, folded, invisible, without_doubles


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("\xc9CLAIR", "e\u0301clair"),
        ("STRASSE", "stra\xdfe"),
        ("\uff30rod", "prod"),
        ("\u0130zmir", "izmir"),
        ("\ud55c\uad6d", "\u1112\u1161\u11ab\u1100\u116e\u11a8"),
    ],
)
def test_case_accents_and_form_make_no_difference(one: str, other: str):
    assert folded(one) == folded(other)


def test_of_equal_tags_the_first_stays():
    tags = ["Prod", "prod", "pr\xf6d", "pro\u0308d", "PR\xd6D", "other"]
    assert without_doubles(tags) == ["Prod", "pr\xf6d", "other"]


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("\u200b", "U+200B (ZERO WIDTH SPACE)"),
        ("\u202eabc", "U+202E (RIGHT-TO-LEFT OVERRIDE)"),
        ("soft\xadhyphen", "U+00AD (SOFT HYPHEN)"),
        ("a\x1bb", "U+001B (a control character)"),
        ("a\u200db", "U+200D (ZERO WIDTH JOINER)"),
        ("a\u200cb", "U+200C (ZERO WIDTH NON-JOINER)"),
        ("\u3164", "U+3164 (HANGUL FILLER)"),
        ("Team\ufe0f", "U+FE0F (VARIATION SELECTOR-16)"),
        ("a\U000e0067", "U+E0067 (TAG LATIN SMALL LETTER G)"),
        ("\U0001f469\u200d", "U+200D (ZERO WIDTH JOINER)"),
    ],
)
def test_what_nobody_sees_is_named(text: str, named: str):
    assert invisible(text) == named


@pytest.mark.parametrize(
    "text",
    [
        "\U0001f469\U0001f3fd\u200d\U0001f4bb",  # a woman with a computer
        "\u2764\ufe0f",
        "1\ufe0f\u20e3",
        "\U0001f3c3\u200d\u2642\ufe0f",
        "\U0001f3f4\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f",  # Scotland
        "\u0646\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",  # Persian
        "\u0915\u094d\u200d\u0937",  # Hindi
        "\u845b\U000e0100",  # a variant of a Japanese name
    ],
)
def test_what_draws_an_emoji_or_a_letter_is_seen(text: str):
    assert invisible(text) == ""


@pytest.mark.parametrize(("number", "said"), [(0, "0 days"), (1, "1 day"), (1000, "1,000 days")])
def test_one_thing_is_counted_as_one(number: int, said: str):
    assert counted(number, "day") == said

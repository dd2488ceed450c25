"""The one reader and writer of YAML: what plain scalars mean, what is refused and where, and the
way there and back.
"""

import time
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as some

from providers.core.yaml import Rules, YamlError, read, read_all, scalar_kind, write

CORE = Rules(largest=100_000)
SHARING = Rules(largest=100_000, plain=lambda text: text, aliases=True, loader=yaml.SafeLoader)


def refusal(text: str, rules: Rules = CORE) -> YamlError:
    with pytest.raises(YamlError) as caught:
        read(text, rules)
    return caught.value


# Plain scalars


@pytest.mark.parametrize(
    "word",
    ["no", "yes", "on", "off", "NO", "0123", "1_000", "12:30:45", "2024-01-01", "1e", "0x1F"],
)
def test_words_that_yaml_1_1_reads_otherwise_are_texts(word: str):
    assert read(f"a: {word}", CORE) == {"a": word}


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("true", True),
        ("null", None),
        ("~", None),
        ("", None),
        ("12", 12),
        ("-1", -1),
        ("1.5", 1.5),
        ("1e3", 1000.0),
    ],
)
def test_scalars_are_those_of_yaml_1_2(word: str, value: object):
    assert read(f"a: {word}", CORE) == {"a": value}


def test_quotes_make_a_text_of_anything():
    assert read("a: 'true'\nb: \"12\"", CORE) == {"a": "true", "b": "12"}


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("true", "true or false"),
        ("0o17", "a number"),
        ("0b11", "a number"),
        ("1_000", "a number"),
        ("-0x1F", "a number"),
        ("1e3", "a number"),
        (".5", "a number"),
        ("-.inf", "a number"),
        (".NaN", "a number"),
        ("2024-01-01", "a date"),
        ("2024-1-1 10:30:00 +01:00", "a date"),
        ("", "null"),
        ("~", "null"),
        ("<<", "a merge key"),
        ("_", ""),
        ("yes", ""),
        ("10:30", ""),
        ("=", ""),
        (".5e3", ""),
        ("sk-1", ""),
    ],
)
def test_a_scalar_is_of_the_kind_that_ruamel_yaml_takes_it_for(text: str, kind: str):
    assert scalar_kind(text) == kind


# What is refused


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: &x 1\nb: *x", "Anchors"),
        ("a: *x", "aliases"),
        ("a: !!python/object/apply:os.system ['true']", "Tags"),
        ("a: !x 1", "Tags"),
        ("a: 1\na: 2", "The key a is there twice"),
        ("a: 1\n---\nb: 2", "One document is expected, not 2"),
        ("", "One document is expected, not 0"),
        ("a: [1", "This is not YAML: "),
        ("[" * 50 + "]" * 50, "20 levels"),
        ("[" * 90_000, "20 levels"),
        ("{" + "\n" * 90_000, "This is not YAML: "),
        ("a: 1\n" * 20_000, "there twice"),
        ("- " * 3000 + "a", "20 levels"),
        ("a: 1" + "0" * 400 + ".0", "too large"),
        ('a: "\\0"', "characters that no text has"),
        ("a: \x00", "characters that no text has"),
        ("a: \ud800", "characters that no text has"),
        ("? [1, 2]\n: 3", "A key is a text"),
        ("true: 3", "A key is a text"),
        ("a: " + "x" * 100_000, "97 KB"),
        ("a: " + "é" * 50_000, "97 KB"),
    ],
)
def test_what_could_grow_or_act_or_be_misread_is_refused_at_once(text: str, said: str):
    started = time.monotonic()
    assert said in refusal(text).sentence
    assert time.monotonic() - started < 3


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: *x", "found undefined alias"),
        ("a: &x 1\nb: &x 2", "found duplicate anchor"),
        ("a: !env X", "the tag !env means nothing here"),
        ("a: !!python/name:os.system", "means nothing here"),
        ("a: !!map x", "means nothing here"),
        ("a: &a\n  <<: *a", "<< takes a map without << of its own"),
        ("a: &a {b: c}\nd: &d\n  <<: *a\ne:\n  <<: *d", "<< takes a map without << of its own"),
        ("<<: x", "<< takes a map"),
        ("a:\tb", "cannot start any token"),
        ('a: "\\ud800"', "characters that no text has"),
        ("a: \x01", "#x0001 may not stand in YAML"),
    ],
)
def test_with_aliases_the_same_is_bounded_and_more_is_named(text: str, said: str):
    assert said in refusal(text, SHARING).problem


def test_merges_that_multiply_values_are_refused():
    many = "a: &a {" + ", ".join(f"k{number}: v" for number in range(1000)) + "}\n"
    merging = many + "".join(f"m{number}: {{<<: *a}}\n" for number in range(1000))
    assert "too many values" in refusal(merging, SHARING).problem


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("a: 1\nb: [1, 2\n", (3, 1, ())),
        ("a:\n  b: x\n  b: y\n", (3, 3, ("a", "b"))),
        ("a:\n  - b\n  - !x y\n", (3, 5, ("a", "1"))),
        ("", (0, 0, ())),
    ],
)
def test_an_error_knows_line_column_and_keys(text: str, place: tuple[Any, ...]):
    error = refusal(text)
    assert (error.line, error.column, error.path) == place


def test_an_error_repeats_no_value():
    assert (
        "hunter2" not in str(refusal("a: hunter2: 'hunter2").args) + refusal("a: 'hunter2").problem
    )


# Aliases and merges


def test_aliases_and_merges_are_resolved():
    text = "a: &a\n  b: &v x\n  c: *v\nd:\n  <<: *a\n  c: y\ne:\n  <<: [{b: 1}, *a]\n"
    assert read(text, SHARING) == {
        "a": {"b": "x", "c": "x"},
        "d": {"b": "x", "c": "y"},
        "e": {"b": "1", "c": "x"},
    }


def test_yamls_own_tags_are_read_with_aliases():
    assert read("a: !!str 5\nb: !!map {c: !!seq [d]}", SHARING) == {"a": "5", "b": {"c": ["d"]}}


def test_without_aliases_a_merge_key_merges_nothing():
    assert read("<<: {a: 1}", CORE) == {"<<": {"a": 1}}


def test_a_byte_order_mark_is_no_part_of_a_text():
    assert read("\ufeffa: 1", CORE) == {"a": 1}


def test_every_document_is_read_where_several_are_expected():
    assert read_all("# nothing", CORE) == []
    assert read_all("a: 1\n---\n- b", CORE) == [{"a": 1}, ["b"]]


# There and back

TEXTS = some.text(some.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30)
ODDITIES = some.text("0179_.eE+-xobf:~<=TtZ #'\"\\\n\t\x85\u2028\ufeffé&*!|>%@`[]{},?", max_size=12)
DATA = some.recursive(
    some.none() | some.booleans() | some.integers(-(10**17), 10**17) | TEXTS,
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)


@settings(deadline=None)
@given(DATA)
def test_whatever_is_written_is_read_as_the_same(data: Any):
    assert read(write({"data": data}), CORE) == {"data": data}


@settings(deadline=None)
@given(some.floats(allow_nan=False, allow_infinity=False))
def test_a_number_that_is_written_is_read_as_the_same(number: float):
    assert read(write({"a": number}), CORE) == {"a": number}


@settings(deadline=None)
@given(TEXTS | ODDITIES, some.sampled_from([20, 120, 100_000]))
def test_a_text_that_is_written_is_a_text_to_every_reader(text: str, width: int):
    written = write({"a": text}, width)
    assert read(written, CORE) == {"a": text}
    assert read(written, Rules(100_000, scalar_kind_or_text, aliases=True)) == {"a": text}
    assert yaml.safe_load(written) == {"a": text}


def scalar_kind_or_text(text: str) -> str:
    kind = scalar_kind(text)
    return f"not a text: {kind}" if kind else text


WORDS = ["yes", "null", "~", "true", "=", "<<", "", "\x85", "a: b", "2024-02-01", "10:30"]
NUMBERS = ["0o17", "1e3", "1_000", ".5", ".5e3", "0x1F", "012", "1."]


@pytest.mark.parametrize("text", [*WORDS, *NUMBERS])
def test_a_text_that_looks_like_something_else_is_quoted(text: str):
    assert write({"a": text})[3] in "'\""


def test_a_plain_text_stays_plain():
    assert write({"a": "gpt-4.1", "b": ["https://a.example.com/é", "1.2.3"]}) == (
        "a: gpt-4.1\nb:\n- https://a.example.com/é\n- 1.2.3\n"
    )

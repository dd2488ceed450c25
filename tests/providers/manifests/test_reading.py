"""A document becomes a manifest, or every reason why not is said with its place."""

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.manifests import ManifestError, manifest_text, read_manifest
from providers.manifests.parsing import LARGEST, plain_data

from .manifests import manifest, problems, text


def refused(given: str) -> str:
    with pytest.raises(ManifestError) as caught:
        read_manifest(given)
    return str(caught.value)


def test_yaml_and_json_say_the_same():
    assert read_manifest(json.dumps(plain_data(text()))) == read_manifest(text())


def test_a_byte_order_mark_is_no_part_of_it():
    assert read_manifest("\ufeff" + text()).key == "acme"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("a: !!python/object/apply:os.system ['true']", "Tags"),
        ("a: 1\na: 2", "line 2: The key a is there twice"),
        ('{"a": 1, "a": 2}', "a: This key is there twice"),
        ("a: 1\n---\nb: 2", "One document is expected, not 2"),
        ("a: [1", "line"),
        ('{"a": "b}', "line 1: This is not JSON"),
        ("[" * 100_000, "levels"),
        ("{" + "\n" * 200_000, "line"),
        ("{" * 100_000, "This is not JSON"),
        ('{"a": NaN}', "NaN is not a number"),
        ('{"a": 1e999}', "too large"),
        ('{"a": ' + "1" * 5000 + "}", "too many digits"),
        ('{"a": "\\u0000"}', "characters that no text has"),
        ('{"a": "\\ud800"}', "characters that no text has"),
        ("a: " + "x" * LARGEST, "256 KB"),
        ("just a text", "A manifest is a mapping"),
        ("[]", "A manifest is a mapping"),
    ],
)
def test_what_could_grow_or_act_or_be_misread_is_refused(given: str, said: str):
    started = time.monotonic()
    assert said in refused(given)
    assert time.monotonic() - started < 3


def test_every_problem_is_said_with_its_place():
    found = problems(
        version="'1'",
        labell="x",
        fields="[{key: a, kind: strng}, {ky: b}]",
        auth="{use: bassic}",
        icon="../x",
    )
    assert found.keys() == {
        "version",
        "labell",
        "fields[0].kind",
        "fields[1].key",
        "fields[1].ky",
        "auth[0]",
        "icon",
    }
    assert found["labell"] == "There is no labell here. Did you mean label?"
    assert found["fields[1].ky"].endswith("Did you mean key?")
    assert found["auth[0]"].endswith("Did you mean basic?")


@pytest.mark.parametrize(
    ("changes", "place", "said"),
    [
        (
            {"auth": "[{use: basic, username: a, passwort: b}]"},
            "auth[0].passwort",
            "Did you mean password?",
        ),
        (
            {"test": "{cost: free, request: {metod: GET}}"},
            "test[0].request.metod",
            "Did you mean method?",
        ),
        (
            {"test": "{cost: free, meanings: {401: {cod: x}}}"},
            "test[0].meanings[401].cod",
            "Did you mean code?",
        ),
        (
            {"fields": "[{key: a, kind: choice, choices: [{valu: b}]}]"},
            "fields[0].choices[0].valu",
            "Did you mean value?",
        ),
        ({"variants": "[{key: a, lable: b}]"}, "variants[0].lable", "Did you mean label?"),
        (
            {"migrations": "[{from: 1, renam: {a: b}}]"},
            "migrations[0].renam",
            "Did you mean rename?",
        ),
        ({"test": "{request: {}}"}, "test[0].cost", "required"),
        ({"test": "{cost: cheap}"}, "test[0].cost", "Choose one of"),
        (
            {"test": "{cost: free, meanings: {401: nonsense}}"},
            "test[0].meanings[401].code",
            "not a meaning",
        ),
        (
            {"test": "{cost: free, meanings: {99: forbidden}}"},
            "test[0].meanings[99]",
            "at least 200",
        ),
        ({"docs": "javascript:alert(1)"}, "docs", "form that is not used"),
        ({"docs": "http://example.com"}, "docs", "form that is not used"),
        ({"key": "Acme"}, "key", "form that is not used"),
        ({"version": "0"}, "version", "at least 1"),
        ({"version": "true"}, "version", "whole number"),
        ({"label": "12"}, "label", "Put numbers"),
        ({"fields": "{a: b}"}, "fields", "a list"),
        ({"fields": "[text]"}, "fields[0]", "mapping"),
        ({"auth": "[bearer]"}, "auth[0]", "mapping"),
        ({"fields": "[{key: a, docs: x, docs_url: y}]"}, "fields[0].docs", "no docs here"),
    ],
)
def test_a_part_that_is_wrong_is_named(changes: dict[str, str], place: str, said: str):
    assert said in problems(**changes)[place]


def test_other_names_of_keys_are_known():
    found = manifest(
        "docs_url: https://example.com/\nbase_url: https://example.com\ntests: [{cost: free, map: "
        "{401: bad_key, 403: missing_scope}}]",
        fields="[{key: a, kind: int, env_hint: A_B}, {key: b, kind: bool, env: C_D}]",
    )
    assert found.docs == "https://example.com/" and [field.kind for field in found.fields] == [
        "integer",
        "boolean",
    ]
    assert [field.environment for field in found.fields] == ["A_B", "C_D"]
    assert {status: one.code for status, one in found.test[0].meanings.items()} == {
        401: "unauthorized",
        403: "forbidden",
    }


@pytest.mark.parametrize(
    ("fields", "place", "said"),
    [
        ("[{key: name}]", "fields[0].key", "means something else"),
        ("[{key: timeout}]", "fields[0].key", "means something else"),
        ("[{key: variant}]", "fields[0].key", "means something else"),
        ("[{key: model_dump}]", "fields[0].key", "means something else"),
        ("[{key: _a}]", "fields[0].key", "form that is not used"),
        ("[{key: a-b}]", "fields[0].key", "form that is not used"),
        ("[{key: api_key}, {key: apiKey}]", "fields[1].key", "cannot be told apart"),
        ("[{key: a, label: X}, {key: b, label: x}]", "fields[1].label", "same label"),
        ("[{key: a, kind: choice}]", "fields[0].choices", "at least one choice"),
        ("[{key: a, choices: [b]}]", "fields[0].choices", "no other field"),
        ("[{key: a, kind: choice, choices: [b, b]}]", "fields[0].choices", "twice"),
        (
            "[{key: a, kind: choice, choices: [b], default: c}]",
            "fields[0].default",
            "not a value of the field",
        ),
        (
            "[{key: a, kind: integer, default: '1'}]",
            "fields[0].default",
            "not a value of the field",
        ),
        (
            "[{key: a, kind: integer, default: true}]",
            "fields[0].default",
            "not a value of the field",
        ),
        (
            "[{key: a, kind: url, default: nonsense}]",
            "fields[0].default",
            "not a value of the field",
        ),
        ("[{key: a, kind: slug, default: a.b}]", "fields[0].default", "not a value of the field"),
        (
            "[{key: a, pattern: '[0-9]+', default: b}]",
            "fields[0].default",
            "not a value of the field",
        ),
        (
            "[{key: a, kind: secret, default: hunter2}]",
            "fields[0].default",
            "everybody could read it",
        ),
        ("[{key: a, kind: integer, secret: true}]", "fields[0].secret", "cannot be secret"),
        ("[{key: a, kind: boolean, pattern: x}]", "fields[0].pattern", "no pattern"),
        (
            "[{key: a, visible_when: {b: c}}, {key: b, kind: choice, choices: [c]}]",
            "fields[0].visible_when",
            "comes before",
        ),
        (
            "[{key: b, kind: choice, choices: [cat]}, {key: a, visible_when: {b: car}}]",
            "fields[1].visible_when",
            "Did you mean cat?",
        ),
        ("[{key: b}, {key: a, visible_when: {b: c}}]", "fields[1].visible_when", "is not a choice"),
        (
            "[{key: b, kind: boolean}, {key: a, visible_when: {b: 'true'}}]",
            "fields[1].visible_when",
            "never 'true'",
        ),
        ("[{key: a, visible_when: {variant: c}}]", "fields[0].visible_when", "is not a choice"),
        ("[]", "fields", "at least one field"),
    ],
)
def test_a_field_that_is_wrong_is_named(fields: str, place: str, said: str):
    assert said in problems(fields=fields)[place]


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("'(?=a)b'", "look-around"),
        ("'(?<!a)b'", "look-around"),
        (r"'(a)\1'", "back to a group"),
        ("'('", "cannot be used"),
        ("'a)(b'", "cannot be used"),
        (r"'\w{1000}{1000}'", "Count less"),
        (f"'{'a' * 301}'", "300 characters"),
    ],
)
def test_a_pattern_that_could_take_for_ever_is_refused(pattern: str, said: str):
    assert said in problems(fields=f"[{{key: a, pattern: {pattern}}}]")["fields[0].pattern"]


@pytest.mark.parametrize(
    "name", ["Host", "content-length", "Transfer-Encoding", "Connection", "bad name", "a:b"]
)
def test_headers_that_the_client_sets_itself_are_refused(name: str):
    base = "base_url: https://example.com"
    assert problems(f"{base}\nheaders: {{'{name}': x}}")
    assert problems(f"{base}\nauth: {{use: header, name: '{name}', value: '{{token}}'}}")
    assert problems(f"{base}\ntest: {{cost: free, request: {{headers: {{'{name}': x}}}}}}")


def test_what_needs_an_address_is_refused_without_one():
    assert {"auth", "test"} == problems(
        "auth: {use: bearer, token: '{token}'}\ntest: {cost: free}"
    ).keys()


def test_what_should_be_known_is_a_warning():
    assert "http://" in manifest("base_url: http://example.com").warnings[0]
    assert "no test" in manifest("base_url: https://example.com").warnings[0]
    assert "billed" in manifest("base_url: https://example.com\ntest: {cost: billed}").warnings[0]


def test_a_document_of_several_types_is_no_single_manifest():
    assert "describes 2 connection types: a, b" in refused(
        '[{"type": "a", "fields": [{"fieldName": "x"}]}, {"type": "b", "fields": [{"fieldName": '
        '"x"}]}]'
    )


def test_an_error_knows_what_the_document_is_called():
    with pytest.raises(ManifestError) as caught:
        read_manifest("a: 1", source="acme.yaml")
    assert caught.value.source == "acme.yaml"


words = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"], exclude_characters="{}"),
    min_size=1,
    max_size=40,
)


@given(label=words, help_text=words, choices=st.lists(words, min_size=1, max_size=4, unique=True))
def test_a_written_manifest_is_read_as_the_same(label: str, help_text: str, choices: list[str]):
    data = {
        "key": "acme",
        "version": 1,
        "label": label,
        "fields": [{"key": "a", "kind": "choice", "help": help_text, "choices": choices}],
    }
    found = read_manifest(json.dumps(data))
    assert read_manifest(manifest_text(found)) == found


@given(st.text(max_size=200))
def test_any_text_is_a_manifest_or_an_error_with_sentences(given_text: str):
    try:
        read_manifest(given_text)
    except ManifestError as error:
        assert error.problems and all(message for _, message in error.problems)

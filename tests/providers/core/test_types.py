"""Types of settings: addresses, keys, headers."""

import pytest
from pydantic import TypeAdapter, ValidationError

from providers.core.types import ApiKey, HeaderName, Headers, HttpUrl, Text, is_empty


def code(kind: object, value: object) -> str:
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(kind).validate_python(value)
    return caught.value.errors()[0]["type"]


@pytest.mark.parametrize(
    "url",
    [
        "https://api.example.com/v1",
        "http://localhost:11434",
        "http://[::1]:8080/v1",
        "https://a.example/",
    ],
)
def test_an_address_is_kept_as_typed(url: str):
    assert TypeAdapter(HttpUrl).validate_python(url) == url


@pytest.mark.parametrize(
    "url",
    [
        "ftp://a.example",
        "api.example.com",
        "https://",
        "https://a b.example",
        "http://[::1",
        "http://a:99999",
    ],
)
def test_what_is_no_web_address_is_refused(url: str):
    assert code(HttpUrl, url) == "url"


def test_an_address_carries_no_password_and_no_query():
    assert code(HttpUrl, "https://user:secret@a.example") == "url_credentials"
    assert (
        code(HttpUrl, "https://a.example/?key=secret")
        == code(HttpUrl, "https://a.example/#x")
        == "url_query"
    )


METADATA = (
    "169.254.169.254",
    "2852039166",
    "0xA9FEA9FE",
    "0251.0376.0251.0376",
    "169.16689662",
    "[::ffff:169.254.169.254]",
    "[fe80::1]",
    "169。254。169。254",
    "[64:ff9b:1::a9fe:a9fe]",
    "169.254.169.254%2e",
)


@pytest.mark.parametrize(
    "host",
    [
        *METADATA,
        "metadata.google.internal",
        "METADATA.GOOGLE.INTERNAL.",
        "168.63.129.16",
        "100.100.100.200",
    ],
)
def test_cloud_metadata_is_refused_in_every_spelling(host: str):
    assert code(HttpUrl, f"http://{host}/latest") == "blocked_address"


def test_a_line_break_is_refused():
    assert (
        code(Text, "a\nb")
        == code(ApiKey, "a\nb")
        == code(HttpUrl, "https://a.example\nHost: b")
        == "line_break"
    )


def test_a_key_loses_the_line_break_that_its_file_ends_with():
    assert TypeAdapter(ApiKey).validate_python(" sk-1\n").get_secret_value() == "sk-1"


def test_a_key_is_plain_text():
    assert code(ApiKey, "sk-\u00fc") == "not_ascii"


def test_headers_are_lines_or_a_mapping():
    adapter = TypeAdapter(Headers)
    expected = {"X-A": "1", "X-B": "a: b"}
    assert adapter.validate_python("X-A: 1\n\nX-B: a: b\n").get_secret_value() == expected
    assert adapter.validate_python(expected).get_secret_value() == expected


@pytest.mark.parametrize(
    "text",
    [
        "no colon",
        "X A: 1",
        ": 1",
        "X-A: \u00fc",
        "Host: evil.example",
        "content-length: 0",
        "Transfer-Encoding: chunked",
    ],
)
def test_a_header_that_is_none_is_refused(text: str):
    assert code(Headers, text) == "header"


@pytest.mark.parametrize("name", ["x y", "x:y", "Host", "\u00fc"])
def test_a_header_name_that_is_none_is_refused(name: str):
    assert code(HeaderName, name) == "header"


def test_headers_are_in_no_repr():
    made = TypeAdapter(Headers).validate_python("X-A: my-secret")
    assert "my-secret" not in f"{made!r} {made}"


def test_an_empty_secret_is_empty():
    assert (
        is_empty(TypeAdapter(ApiKey).validate_python(""))
        and is_empty(None)
        and is_empty("")
        and not is_empty(0)
    )

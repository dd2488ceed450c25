"""Origins as GATEWAY_CORS_ORIGINS lists them."""

import re

import pytest

from gateway.core.origins import read_origins


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        ("https://chat.example.com", "https://chat.example.com"),
        (" HTTPS://Chat.Example.com:443/ ", "https://chat.example.com"),
        ("http://localhost:3000", "http://localhost:3000"),
        ("http://[::1]:3000", "http://[::1]:3000"),
        ("tauri://localhost", "tauri://localhost"),
        ("https://example.com:80", "https://example.com:80"),
        ("*", "*"),
    ],
)
def test_an_origin_is_read_as_browsers_send_it(text: str, origin: str):
    assert read_origins([text, ""]) == {origin}


@pytest.mark.parametrize(
    "text",
    [
        *("chat.example.com", "https://", "https://a.example/chat", "https://a.example?x=1"),
        *("https://a@b.example", "https://a.example:port", "https://a.example:99999", "null"),
        *("https://*.example.com", "https://a b", "//a.example", "https://bücher.example"),
    ],
)
def test_what_is_not_an_origin_is_named(text: str):
    with pytest.raises(ValueError, match=re.escape(repr(text))):
        read_origins(["https://good.example", text])

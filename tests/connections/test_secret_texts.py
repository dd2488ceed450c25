"""What is refused or doubted as a secret."""

import pytest

from connections.secret_texts import doubt

PLACEHOLDERS = [
    *("your-api-key", "sk-your-key-here", "<your-api-key>", "YOUR_OPENAI_API_KEY", "changeme"),
    *("%OPENAI_API_KEY%", "{{ OPENAI_API_KEY }}", "os.environ/OPENAI_API_KEY", "change-me"),
    *('os.environ["KEY"]', 'os.getenv("KEY")', "process.env.KEY", "to_replace_with_key"),
    *("sk-...", "sk-xxxxxxxx", "insert-key-here", "REPLACE_ME", "sk-proj-xxxxxxxxxxxx"),
    *("${{ secrets.KEY }}", "#{KEY}#", "__API_KEY__", "@@KEY@@", "ENV['KEY']", "OPENAI_API_KEY"),
    *("@Microsoft.KeyVault(SecretUri=https://x.example)", "op://vault/item/field", "[YOUR_KEY]"),
    *("TODO", "placeholder", "change-this", "REPLACE_WITH_KEY", "key-goes-here"),
]
CODES = {  # of a key, by its text
    '"sk-abc"': "quoted",
    "'sk-abc'": "quoted",
    "\u201csk-abc\u201d": "quoted",
    '"sk-abc': "quoted",
    "sk-abc'": "quoted",
    "Bearer sk-abc": "bearer",
    "bearer sk-abc": "bearer",
    "Authorization: Bearer sk-abc": "bearer",
    "OPENAI_API_KEY=sk-abc": "assignment",
    "export OPENAI_API_KEY=sk-abc": "assignment",
    "sk-abc def": "blank_inside",
    "sk-abc\tdef": "blank_inside",
}
REAL = [
    *("sk-abc", "sk-proj-Your1x2y3z", "AIzaSyD-9tSrke72PouQMnMX-a7eZSW0jkFMBWY", "x", "ollama"),
    *("EMPTY", "none", "a%b%c", "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
    *("pa55word***", "yourself", "gsk_youRxYz", "0123456789abcdef0123456789abcdef", 'a"b"'),
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ4In0.c2ln",
]


@pytest.mark.parametrize("text", PLACEHOLDERS)
def test_a_placeholder_is_refused_as_a_key(text: str):
    found = doubt(text, free=False)
    assert found and (found.code, found.is_refused) == ("placeholder", True)


@pytest.mark.parametrize("text", CODES)
def test_what_was_pasted_along_is_told_and_not_shown(text: str):
    found = doubt(text, free=False)
    assert found and found.code == CODES[text] and "sk-abc" not in found.message


@pytest.mark.parametrize("text", REAL)
def test_a_real_key_raises_no_doubt(text: str):
    assert doubt(text, free=False) is None


@pytest.mark.parametrize("text", ["%a%", "Bearer x", "a b", "<s>", "x...", "xxxx", "my key"])
def test_a_free_secret_may_be_nearly_anything(text: str):
    assert doubt(text, free=True) is None


def test_a_free_secret_in_quotes_is_doubted_only():
    found = doubt('"a b"', free=True)
    assert found and (found.code, found.is_refused) == ("quoted", False)

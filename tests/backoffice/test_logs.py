"""The last line of defence in front of the log."""

import logging

import pytest

from backoffice.logs import NameRequest, RedactSecrets, redact
from providers.core.request_id import REQUEST_ID

SECRET = "sk-proj-1234567890abcdef"
LINES = [
    f"key {SECRET} refused",
    f"Authorization: Bearer {SECRET}",
    f'{{"authorization": "Bearer {SECRET}"}}',
    f"api_key={SECRET}&model=x",
    f"api-key: {SECRET}",
    f"APIKEY='{SECRET}'",
    f"x-api-key: {SECRET}",
    f"password = {SECRET}",
    f"client_secret: {SECRET}",
    f"OPENAI_API_KEY={SECRET}",
    "Authorization: Bearer a.plain.bearer.token-1234567890abcdef",
    "password=1234567890abcdef",
    "AIzaSy1234567890abcdef",
    "AKIA1234567890ABCDEF",
    "ghp_1234567890abcdef",
]


@pytest.mark.parametrize("line", LINES, ids=range(len(LINES)))
def test_what_looks_like_a_credential_is_redacted(line: str):
    assert "1234567890" not in redact(line) and "***" in redact(line)


@pytest.mark.parametrize(
    "line",
    [
        "GET /connections/ 200",
        "3 tokens used",
        "The API key is missing.",
        "sk-short",
        "task-1234567890abcdef",
    ],
)
def test_other_words_stay(line: str):
    assert redact(line) == line


ADDRESSES = {
    "GET /connections/allowed/?code=4/0AY-x_y.z~1&state=s-1 HTTP/1.1": (
        "GET /connections/allowed/?code=***&state=*** HTTP/1.1"
    ),
    "/sign-in/?next=/connections/allowed/%3Fstate%3Ds-1%26code%3Da%2Fb%26x=1": (
        "/sign-in/?next=/connections/allowed/%3Fstate%3D***%26code%3D***%26x=1"
    ),
    "/anything?CODE=a%26b": "/anything?CODE=***",
    "/usage/?encode=a&session_state=b": "/usage/?encode=a&session_state=b",
    "code=timeout": "code=timeout",
}


@pytest.mark.parametrize("address", ADDRESSES)
def test_what_oauth2_brings_back_is_hidden_in_every_address(address: str):
    assert redact(address) == ADDRESSES[address]


def record(message: str, *arguments: object, error: Exception | None = None) -> logging.LogRecord:
    info = (type(error), error, error.__traceback__) if error else None
    return logging.LogRecord("somebody", logging.ERROR, "file.py", 1, message, arguments, info)


def test_arguments_are_redacted_with_the_message():
    one = record("asked with %s at %s", f"api_key={SECRET}", "host")
    assert RedactSecrets().filter(one) is True
    assert one.getMessage() == "asked with api_key=*** at host"


def test_a_traceback_is_redacted():
    try:
        raise ValueError(f"key {SECRET}")
    except ValueError as error:
        one = record("failed", error=error)
    RedactSecrets().filter(one)
    assert SECRET not in logging.Formatter().format(
        one
    ) and "ValueError" in logging.Formatter().format(one)


@pytest.mark.parametrize(
    ("name", "level"),
    [("django.request", logging.WARNING), ("django.security.DisallowedHost", logging.ERROR)],
)
def test_a_refusal_leaves_no_traceback(name, level):
    one = logging.LogRecord(
        name,
        level,
        "file.py",
        1,
        "Forbidden: %s",
        ("/",),
        (ValueError, ValueError(SECRET), None),
    )
    RedactSecrets().filter(one)
    assert logging.Formatter().format(one) == "Forbidden: /"


def test_the_console_is_redacted(settings):
    assert settings.LOGGING["handlers"]["console"]["filters"] == ["redact", "request"]
    assert settings.LOGGING["root"]["handlers"] == ["console"]
    runserver = logging.getLogger("django.server")
    assert (runserver.handlers, runserver.propagate) == ([], True)


def test_a_line_names_the_request_that_it_is_about():
    record = logging.LogRecord("gateway", logging.ERROR, "", 0, "It failed", (), None)
    REQUEST_ID.set("order-17")
    NameRequest().filter(record)
    REQUEST_ID.set("")
    assert record.request == "[order-17] "
    NameRequest().filter(record)
    assert record.request == ""

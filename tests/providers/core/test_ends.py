"""Ends as services write them, and ends that a key carries itself."""

import json
from base64 import b64encode, urlsafe_b64encode
from datetime import UTC, datetime
from typing import Any

import pytest

from providers.core.ends import end_in_keys, moment
from tests.fakes import SECRET, FakeSettings

END = datetime(2031, 2, 3, 10, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    "told",
    [
        "2031-02-03T10:15:00Z",
        "2031-02-03T10:15:00.000Z",
        "2031-02-03T12:15:00+02:00",
        "2031-02-03 10:15:00 UTC",
        "2031-02-03 12:15:00 +0200",
        "2031-02-03T10:15:00",
        int(END.timestamp()),
        END.timestamp() * 1000,
        str(int(END.timestamp())),
        END,
        END.replace(tzinfo=None),
    ],
)
def test_a_moment_is_read_in_every_form(told: Any):
    assert moment(told) == END


def test_a_day_lasts_to_its_end():
    assert moment("2031-02-03") == datetime(2031, 2, 3, 23, 59, 59, tzinfo=UTC)


@pytest.mark.parametrize(
    "told",
    [None, "", "never", "2031-02-31", "x" * 99, True, 0, -5, 10**40, float("nan"), [], {}, "²"],
)
def test_what_is_not_a_moment_is_none(told: Any):
    assert moment(told) is None


def token(claims: Any) -> str:
    parts = [json.dumps(one).encode() for one in ({"alg": "HS256"}, claims)]
    return ".".join([*(urlsafe_b64encode(one).decode().rstrip("=") for one in parts), "sig"])


def end_of(secret: str) -> Any:
    found = end_in_keys(FakeSettings(api_key=secret))
    return found and (found.at, found.source)


@pytest.mark.parametrize(
    ("query", "end"),
    [
        ("X-Amz-Date=20310202T221500Z&X-Amz-Expires=43200&X-Amz-Signature=ab", END),
        ("X-Amz-Date=20310202T221500Z&X-Amz-Expires=soon", None),
        ("X-Amz-Expires=43200", None),
    ],
)
def test_a_short_term_key_of_bedrock_says_when_it_ends(query: str, end: datetime | None):
    signed = b64encode(f"bedrock.amazonaws.com/?Action=CallWithBearerToken&{query}".encode())
    found = end_of(f"bedrock-api-key-{signed.decode()}")
    assert found == (end and (end, "the key itself (X-Amz-Expires)"))


def test_a_web_token_says_when_it_ends():
    said = token({"exp": int(END.timestamp()), "access": "r"})
    assert end_of(said) == (END, "the key itself (exp)")


def test_a_shared_access_signature_says_when_it_ends():
    said = "sv=2024-11-04&se=2031-02-03T10%3A15%3A00Z&sp=r&sig=abc%3D"
    for one in (said, f"?{said}", f"https://a.blob.core.windows.net/x?{said}"):
        assert end_of(one) == (END, "the shared access signature itself (se)")


@pytest.mark.parametrize(
    "secret",
    [SECRET, token([1]), token({"exp": "soon"}), token({}), "eyJh.%%.x", "se=2031-02-03&sig="],
)
def test_another_key_says_nothing(secret: str):
    assert end_of(secret) is None

"""Headers that say when to ask again."""

import time
from email.utils import formatdate

import pytest

from providers.core.waits import seconds_to_wait


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "20"}, 20),
        ({"retry-after": "1.5"}, 1.5),
        ({"retry-after": "0"}, 0),
        ({"retry-after-ms": "250", "retry-after": "1"}, 0.25),
        ({"retry-after": "Sun, 06 Nov 1994 08:49:37 GMT"}, 0),
        ({"retry-after": "99999999"}, None),
        ({"retry-after": "-5"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "nan"}, None),
        ({"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "6m0s"}, 360),
        ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "20ms"}, 0.02),
        ({"x-ratelimit-remaining-requests": "5", "x-ratelimit-reset-requests": "9s"}, None),
        ({"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "20"}, 20.0),
        (
            {
                "anthropic-ratelimit-requests-remaining": "0",
                "anthropic-ratelimit-requests-reset": "2020-01-15T09:30:00Z",
            },
            0.0,
        ),
        ({}, None),
    ],
)
def test_a_wait_is_read(headers: dict[str, str], seconds: float | None):
    assert seconds_to_wait(headers) == pytest.approx(seconds)


def test_a_wait_until_a_date_is_the_time_that_is_left():
    left = seconds_to_wait({"retry-after": formatdate(time.time() + 200, usegmt=True)})
    assert left is not None and 198 <= left <= 200

"""Ids of requests: those that callers tell, and those that are none."""

import pytest

from providers.core.request_id import told_request_id

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


@pytest.mark.parametrize(
    "told",
    [
        f"00-{TRACE}-{PARENT}-01",
        f"00-{TRACE}-{PARENT}-ff",
        f"01-{TRACE}-{PARENT}-01",
        f"cc-{TRACE}-{PARENT}-01-what-will-be-there",
        f"fe-{TRACE}-{PARENT}-01-",
    ],
)
def test_the_trace_of_every_version_is_an_id(told: str):
    assert told_request_id("", told) == TRACE


@pytest.mark.parametrize(
    "told",
    [
        f"ff-{TRACE}-{PARENT}-01",
        f"00-{TRACE}-{PARENT}-01-more",
        f"01-{TRACE}-{PARENT}-01more",
        f"01-{TRACE}-{PARENT}",
        f"00-{TRACE.upper()}-{PARENT}-01",
        f"00-{TRACE}-{PARENT.upper()}-01",
        f"0A-{TRACE}-{PARENT}-01",
        f"00-{'0' * 32}-{PARENT}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE[1:]}-{PARENT}-01",
        f"00-{TRACE}-{PARENT}-0x",
        f"00-{TRACE}-{PARENT}-01,00-{TRACE}-{PARENT}-01",
        "",
    ],
)
def test_what_is_no_trace_is_no_id(told: str):
    assert told_request_id("", told) == ""


@pytest.mark.parametrize("told", ["", "two words", "a,b", "x" * 129, "\xe9", "id\n", "id\x00"])
def test_an_id_that_is_none_gives_way_to_the_trace(told: str):
    assert told_request_id(told, f"00-{TRACE}-{PARENT}-01") == TRACE

"""The one exception a provider raises."""

import socket
import ssl

import httpx2
import pytest

from providers.core.errors import (
    CODES,
    AnswerTooLarge,
    BlockedAddress,
    ProviderError,
    RedirectRefused,
    chain,
    from_status,
)
from providers.core.network_faults import from_network


@pytest.mark.parametrize(
    ("status", "code", "permanent"),
    [
        *(
            (401, "unauthorized", True),
            (402, "quota", True),
            (403, "forbidden", True),
            (404, "not_found", True),
            (408, "timeout", False),
        ),
        *(
            (429, "rate_limited", False),
            (301, "bad_response", True),
            (400, "bad_request", True),
            (422, "bad_request", True),
        ),
        *((status, "error", False) for status in (424, 498, 499)),
        *((500, "error", False), (529, "error", False)),
    ],
)
def test_a_status_has_a_code(status: int, code: str, permanent: bool):
    error = from_status(status, "api.example.com")
    assert (error.code, error.permanent) == (code, permanent) and "api.example.com" in error.message


@pytest.mark.parametrize(
    ("cause", "code"),
    [
        (socket.gaierror(socket.EAI_NONAME, "x"), "dns"),
        (socket.gaierror(socket.EAI_AGAIN, "x"), "dns"),
        (ConnectionRefusedError(), "refused"),
        (TimeoutError(), "timeout"),
        (httpx2.ReadTimeout("x"), "timeout"),
        (httpx2.RemoteProtocolError("x"), "error"),
        (ConnectionResetError(), "error"),
        (httpx2.TooManyRedirects("x"), "bad_response"),
        (httpx2.LocalProtocolError("x"), "bad_request"),
        (ssl.SSLCertVerificationError(), "tls"),
        (ssl.SSLError(), "tls"),
        (BlockedAddress("No."), "blocked_address"),
        (AnswerTooLarge(), "bad_response"),
        (RedirectRefused(), "bad_response"),
        *(
            (one, "bad_response")
            for one in (AttributeError(), TypeError(), KeyError(), ValueError(), RecursionError())
        ),
        (ProviderError("x", "quota"), "quota"),
    ],
)
def test_a_cause_has_a_code_however_deep_it_lies(cause: Exception, code: str):
    outer = RuntimeError("secret text")
    outer.__cause__ = ValueError("more text")
    outer.__cause__.__context__ = cause
    found = from_network(outer, "api.example.com")
    assert found.code == code and "text" not in found.message


def test_the_name_service_that_is_away_is_worth_another_try():
    assert not from_network(socket.gaierror(socket.EAI_AGAIN, "x"), "a").permanent
    assert from_network(socket.gaierror(socket.EAI_NONAME, "x"), "a").permanent


def test_a_chain_that_bites_its_tail_ends():
    first, second = ValueError(), TypeError()
    first.__context__, second.__context__ = second, first
    assert list(chain(first)) == [first, second]


def test_a_code_that_is_none_is_refused():
    with pytest.raises(ValueError, match="no_such_code"):
        ProviderError("x", "no_such_code")


def test_the_codes_are_those_of_the_design():
    known = (
        "unauthorized forbidden not_found rate_limited quota timeout dns refused tls bad_request "
        "bad_response blocked_address context_too_long"
    )
    assert {*known.split(), "not_installed", "error"} == CODES

"""What every service over HTTP shares: how a test's answer is read, and when none is asked."""

from typing import Any

import pytest

from providers.core.errors import ProviderError
from providers.core.settings import ProviderSettings
from providers.core.values import CHECK_LIMITS
from providers.http.checks import StatusFailure, TestRequest
from providers.http.credentials import Credential, Header
from providers.http.service import HttpService
from tests.httpserver import Answer, HttpServer


class NoSettings(ProviderSettings):
    """None."""


class Shop(HttpService[NoSettings]):
    """A service whose parts a test puts in place."""

    id, name = "shop", "Shop"
    base_url, allowed_hosts, test_request = "", (), None  # type: ignore[assignment]
    steps: tuple[Credential, ...] = (Header("X-Key", "key-secret-8841"),)

    @property
    def access(self) -> tuple[Credential, ...]:
        return self.steps


def shop(url: str, test: TestRequest | None, **parts: Any) -> Shop:
    parts = {
        "base_url": url,
        "allowed_hosts": (url.partition("//")[2],),
        "test_request": test,
        **parts,
    }
    return type("Shop", (Shop,), parts)(NoSettings(), None, CHECK_LIMITS)


def verdict(answer: Answer, test: TestRequest) -> str:
    with HttpServer(default=answer) as server:
        return shop(server.url, test).check().verdict


def failure(answer: Answer, test: TestRequest) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        verdict(answer, test)
    return caught.value


def test_a_test_request_is_sent_as_it_is_written():
    test = TestRequest(
        "POST", "/rpc?a=1", {"b": "x y&"}, {"Accept": "text/xml"}, '{"ä": 1}', "application/json"
    )
    with HttpServer() as server:
        result = shop(f"{server.url}/v1", test, allowed_hosts=(server.host,)).check()
    request = server.requests[0]
    assert (
        request.line == "POST /v1/rpc?a=1&b=x%20y%26 HTTP/1.1"
        and request.body == '{"ä": 1}'.encode()
    )
    assert (request.values("content-type"), request.values("accept")) == (
        ["application/json"],
        ["text/xml"],
    )
    assert result.asked == f"POST {server.url}/v1/rpc?a=1&b=x%20y%26"


def test_a_status_means_what_the_service_says_it_means():
    test = TestRequest(
        failures={
            400: StatusFailure("unauthorized"),
            422: StatusFailure("not_found", "There is no such shop. Correct its name."),
        }
    )
    error = failure(Answer(400), test)
    assert (error.code, error.permanent) == (
        "unauthorized",
        True,
    ) and "does not accept the credentials" in error.message
    assert failure(Answer(422), test).message == "There is no such shop. Correct its name."
    assert failure(Answer(404), test).code == "not_found"


@pytest.mark.parametrize(
    ("code", "permanent"),
    [
        ("rate_limited", False),
        ("timeout", False),
        ("error", False),
        ("quota", True),
        ("bad_request", True),
    ],
)
def test_a_meaning_says_whether_trying_again_helps(code: str, permanent: bool):
    error = failure(Answer(409), TestRequest(failures={409: StatusFailure(code)}))
    assert (error.code, error.permanent) == (code, permanent) and error.message.endswith(".")


def test_a_success_may_mean_a_failure():
    assert failure(Answer(202), TestRequest(failures={202: StatusFailure("quota")})).code == "quota"


def test_a_status_that_passes_elsewhere_passes_where_it_is_said():
    assert (
        verdict(Answer(400), TestRequest("POST", ok=frozenset({200, 400}))) == "It works: HTTP 400."
    )


@pytest.mark.parametrize(
    ("body", "path", "values"),
    [
        ({"ok": True}, ("ok",), ("true",)),
        ({"status": "OK"}, ("status",), ("OK", "ZERO_RESULTS")),
        ({"rows": [{"id": 7}]}, ("rows", 0, "id"), ("7",)),
        ({"error": None}, ("error",), ("null",)),
        ([1.5], (0,), ("1.5",)),
    ],
)
def test_a_value_of_the_answer_may_be_looked_at(body: Any, path: tuple, values: tuple[str, ...]):
    assert (
        verdict(Answer(body=body), TestRequest(json_path=path, json_values=values))
        == "It works: HTTP 200."
    )


@pytest.mark.parametrize(
    "body",
    [
        {"ok": False, "error": "secret-echo"},
        {},
        [],
        None,
        7,
        {"ok": {"ok": True}},
        {"ok": "secret-echo"},
    ],
)
def test_another_value_fails_without_being_repeated(body: Any):
    test = TestRequest(json_path=("ok",), json_values=("true",))
    error = failure(Answer(body=body), test)
    assert error.code == "bad_response" and "secret-echo" not in error.message
    told = TestRequest(
        json_path=("ok",),
        json_values=("true",),
        failures={200: StatusFailure("unauthorized", "The key is wrong. Enter another.")},
    )
    assert failure(Answer(body=body), told).message == "The key is wrong. Enter another."


@pytest.mark.parametrize("body", ["<html>", b"\xff\xfe", "[" * 100_000, b"x" * 5 * 1024 * 1024])
def test_what_is_no_json_is_a_bad_response(body: Any):
    assert (
        failure(Answer(body=body), TestRequest(json_path=("ok",), json_values=("true",))).code
        == "bad_response"
    )


def test_a_test_that_costs_money_is_not_made():
    with HttpServer() as server:
        for made in (
            shop(server.url, TestRequest(cost="billed")),
            shop(server.url, TestRequest(), check_cost="billed"),
        ):
            assert "costs money" in made.check().verdict
        assert server.requests == []


def test_who_has_no_address_asks_nobody():
    made = shop("", None, allowed_hosts=())
    result = made.check()
    assert "Nothing was asked" in result.verdict and "nothing is asked" in result.asked


def test_a_base_url_outside_of_the_allowed_hosts_is_never_asked():
    with HttpServer() as server:
        with pytest.raises(ProviderError) as caught:
            shop(server.url, TestRequest(), allowed_hosts=("*.good.example",)).check()
        assert caught.value.code == "blocked_address" and server.requests == []


def test_it_has_no_models_and_shows_no_key():
    made = shop("https://shop.example", None)
    assert (
        made.list_models() == []
        and "key-secret" not in f"{made!r} {made.client!r} {made.access!r} {made.asks}"
    )

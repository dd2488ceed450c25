"""Every provider against every way a service can misbehave: the right code, in time, and nothing
else escapes.
"""

import socket
import time
import traceback

import pytest

from providers.core.base import Limits, Provider
from providers.core.errors import ProviderError
from providers.core.schema import validate
from providers.http.service import HttpService
from tests.upstreams import MODES, NONSENSE, Upstream

from .samples import NETWORK, PATIENT, SHORT, WITH_MODELS, checked, sample, sample_settings

CODES = {
    "401": "unauthorized",
    "403": "forbidden",
    "404": "not_found",
    "429": "rate_limited",
    "500": "error",
    "hang": "timeout",
    "drip": "timeout",
    "drip_head": "timeout",
    "close": "error",
    "html": "bad_response",
    **dict.fromkeys(NONSENSE, "bad_response"),
    "redirect_away": "bad_response",
    "redirect_loop": "bad_response",
    "self_signed": "tls",
    "large": "bad_response",
    "gzip_bomb": "bad_response",
}
PERMANENT = {
    "unauthorized",
    "forbidden",
    "not_found",
    "bad_response",
    "tls",
    "blocked_address",
    "bad_request",
}

WITH_SDK = {one: provider for one, provider in WITH_MODELS.items() if provider.packages}
every_network = pytest.mark.parametrize("provider", NETWORK.values(), ids=NETWORK)
# a test request of these is judged by its status: whatever comes after that is not read
BY_STATUS = {one for one, provider in NETWORK.items() if issubclass(provider, HttpService)}
IN_THE_BODY = ("drip", "html", *NONSENSE, "large")
NEVER_ENDING = ("hang", "drip", "drip_head")
# One provider for each way to ask; those who ask the same way need not be waited for as well.
WAITED_FOR = {
    (provider.check, provider.list_models, provider.packages): one
    for one, provider in NETWORK.items()
}.values()
FAULTS = [
    (one, mode)
    for one in NETWORK
    for mode in CODES
    if not (one in BY_STATUS and mode in IN_THE_BODY)
    and not (mode in NEVER_ENDING and one not in WAITED_FOR)
]


def failure(provider: type[Provider], url: str, limits: Limits = PATIENT) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        sample(provider, url, limits=limits).check()
    return caught.value


def test_every_mode_of_the_upstream_is_in_the_matrix():
    assert {*CODES, "good", "redirect_within"} == set(MODES)


@pytest.mark.usefixtures("warm")
@pytest.mark.parametrize(("one", "mode"), FAULTS)
def test_a_fault_has_its_code_and_ends_in_time(one: str, mode: str):
    provider = NETWORK[one]
    with Upstream() as other, Upstream(mode=mode, target=other.url) as upstream:
        started = time.monotonic()
        error = failure(provider, upstream.url, SHORT if CODES[mode] == "timeout" else PATIENT)
        assert time.monotonic() - started < SHORT.seconds + 3
    assert (error.code, error.permanent) == (CODES[mode], CODES[mode] in PERMANENT)
    assert "good-key" not in "".join(traceback.format_exception(error))
    assert other.requests == []


@pytest.mark.parametrize("mode", IN_THE_BODY)
def test_an_answer_that_is_judged_by_its_status_may_have_any_body(mode: str):
    with Upstream(mode=mode) as upstream:
        started = time.monotonic()
        assert (
            sample(NETWORK["http"], upstream.url, limits=PATIENT).check().verdict
            == "It works: HTTP 200."
        )
        assert time.monotonic() - started < SHORT.seconds + 3


@every_network
def test_a_redirect_within_the_host_is_followed(provider: type[Provider]):
    with Upstream(mode="redirect_within") as upstream:
        checked(sample(provider, upstream.url))
    assert any(request.path.startswith("/moved/") for request in upstream.requests)


@every_network
def test_a_fault_names_the_host_in_one_sentence_of_cause_and_one_of_cure(provider: type[Provider]):
    with Upstream(mode="500") as upstream:
        message = failure(provider, upstream.url).message
    assert (
        upstream.host in message
        and message.endswith(".")
        and "\n" not in message
        and "made_up" not in message
    )


@every_network
def test_a_closed_port_is_refused(provider: type[Provider]):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        assert failure(provider, f"http://127.0.0.1:{taken.getsockname()[1]}").code == "refused"


@every_network
def test_an_unknown_host_is_told(provider: type[Provider], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(socket, "getaddrinfo", no_such_host)
    error = failure(provider, "http://nobody.example")
    assert error.code == "dns" and "nobody.example" in error.message


@every_network
def test_a_name_that_leads_to_the_metadata_service_is_blocked(
    provider: type[Provider], monkeypatch: pytest.MonkeyPatch
):
    answer = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("169.254.169.254", 80))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: answer)
    assert failure(provider, "http://innocent.example").code == "blocked_address"


@every_network
def test_a_service_that_speaks_no_tls_is_told(provider: type[Provider], upstream: Upstream):
    assert failure(provider, f"https://{upstream.host}").code == "tls"


@pytest.mark.parametrize("provider", WITH_SDK.values(), ids=WITH_SDK)
def test_a_use_that_is_no_check_repeats_what_failed(provider: type[Provider]):
    with Upstream(mode="500") as upstream, pytest.raises(ProviderError):
        values = {**sample_settings(provider, upstream.url), "max_retries": 1}
        provider(validate(provider, values)[0]).list_models()
    assert len(upstream.requests) == 2


def test_listing_again_gets_its_own_time_and_size(upstream: Upstream):
    made = sample(NETWORK["openai"], upstream.url, limits=Limits(seconds=0.5, budget=1500))
    for _ in range(3):
        assert made.list_models()
        time.sleep(0.3)


def no_such_host(*_: object, **__: object) -> None:
    raise socket.gaierror(socket.EAI_NONAME, "made up")

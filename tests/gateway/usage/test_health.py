"""What the gateway meets is what pages and API say of a connection's health."""

import time
from typing import Any

import pytest

from tests.gateway.serving import Gateway, eventually

pytestmark = pytest.mark.server


def health(gate: Gateway, profile: str) -> dict[str, Any]:
    """The health of a profile, as the API tells it."""
    return dict(gate.office.health_of_profile(profile))


def test_a_revoked_key_is_red_within_a_second_and_green_after_a_good_call(gate: Gateway):
    profile = gate.profile("words?mark=health")
    gate.chat(profile)
    eventually(lambda: health(gate, profile)["state"] == "ok")
    gate.upstream.behave["words?mark=health"] = "status?code=401"
    began = time.monotonic()
    gate.chat(profile)
    eventually(lambda: health(gate, profile)["state"] == "failed")
    assert time.monotonic() - began < 2 and health(gate, profile)["code"] == "unauthorized"
    del gate.upstream.behave["words?mark=health"]
    gate.chat(profile)
    eventually(lambda: health(gate, profile)["state"] == "ok")


@pytest.mark.parametrize("model", ["status?code=400", "status?code=422"])
def test_a_request_that_is_refused_is_no_fault_of_the_connection(gate: Gateway, model: str):
    profile = gate.profile(model)
    gate.chat(profile)
    gate.record(profile)
    assert health(gate, profile)["state"] == "never"


def test_a_cool_down_rests_and_its_profile_is_degraded(gate: Gateway):
    spare = gate.profile("words?mark=spare")
    profile = gate.profile("status?code=429&mark=resting", fallbacks=[spare])
    gate.chat(profile)
    eventually(lambda: health(gate, profile)["state"] == "resting")
    shown = gate.office.health_of_profile(profile, with_fallbacks=True)
    assert (shown["state"], shown["code"]) == ("degraded", "rate_limited")


def test_a_call_that_lacks_a_variable_is_no_fault_of_the_connection(gate: Gateway):
    profile = gate.profile("words?mark=variable", system_prompt_template="In {language}")
    assert gate.chat(profile).status_code == 400
    record = gate.record(profile)
    assert record["outcome"] == "missing_variable"
    assert health(gate, profile)["state"] == "never"

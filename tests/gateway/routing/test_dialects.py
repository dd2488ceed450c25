"""What callers send and services do not take, through the running gateway and each of its doors."""

import json
from typing import Any

import pytest

from tests.gateway.serving import HELLO, Gateway
from tests.gateway.upstream import SAID

from .test_fallbacks import own

pytestmark = pytest.mark.server

TOOLS = [{"type": "function", "function": {"name": "get weather: now"}}]
WORKERS = 2
API = "/api/v1/chat/{}/"


@pytest.fixture(scope="module")
def odd_names(gate: Gateway) -> str:
    """A profile of a service that takes plain names of tools only, and calls the first of them."""
    return gate.profile("tools", gate.connection(not_taken="tool_names"))


@pytest.mark.parametrize("stream", [False, True])
def test_v1_gives_the_callers_own_name_of_a_tool_back(gate: Gateway, odd_names: str, stream: bool):
    answer = gate.chat(odd_names, tools=TOOLS, stream=stream)
    assert answer.status_code == 200 and '"get weather: now"' in answer.text
    told = gate.upstream.of("tools")[-1].body["tools"][0]["function"]["name"]
    assert told == "get_weather__now" not in answer.text


@pytest.mark.parametrize("door", ["complete", "stream"])
def test_the_api_gives_the_callers_own_name_of_a_tool_back(
    gate: Gateway, odd_names: str, door: str
):
    body = {"messages": HELLO, "tools": TOOLS}
    answer = gate.post(API.format(odd_names) + door, body)
    assert answer.status_code == 200 and '"get weather: now"' in answer.text


def test_a_field_that_a_service_refuses_is_refused_once_to_each_worker(gate: Gateway):
    model = f"picky?field=stream_options&n={own('x')}"
    profile = gate.profile(model)
    for _ in range(6):
        answer = gate.chat(profile, stream=True)
        assert answer.status_code == 200 and "[DONE]" in answer.text
    with_it = [one for one in gate.upstream.of(model) if "stream_options" in one.body]
    assert 1 <= len(with_it) <= WORKERS and len(gate.upstream.of(model)) == 6 + len(with_it)


def left_out(gate: Gateway, is_chosen: bool, **fields: Any) -> Any:
    profile = gate.profile("echo-1", gate.connection("echo"), leave_out_unsupported=is_chosen)
    return gate.chat(profile, **fields)


@pytest.mark.parametrize("stream", [False, True])
def test_a_profile_may_leave_out_what_the_model_does_not_take(gate: Gateway, stream: bool):
    answer = left_out(gate, True, tools=TOOLS, n=2, temperature=1.5, stream=stream)
    assert answer.status_code == 200
    assert set(answer.headers["x-switchboard-left-out"].split(", ")) == {"tools", "n"}


def test_without_that_setting_it_is_refused_by_name(gate: Gateway):
    error = left_out(gate, False, n=2).json()["error"]
    assert (error["code"], error["param"]) == ("unsupported", "n")


def test_what_a_message_holds_is_never_left_out(gate: Gateway):
    image = {"type": "image_url", "image_url": {"url": "https://a.example/a.png"}}
    answer = left_out(gate, True, messages=[{"role": "user", "content": [image]}])
    assert answer.status_code == 400 and answer.json()["error"]["param"] == "image_url"


def test_a_default_of_the_protocol_overrides_no_profile_that_lets_nothing_be_set(gate: Gateway):
    profile = gate.profile(top_p=0.5, presence_penalty=1, allowed_overrides=[])
    for field in ({"top_p": 1}, {"presence_penalty": 0}):
        assert gate.chat(profile, **field).json()["error"]["code"] == "override_not_allowed"
    whole = gate.chat(profile, n=1, tool_choice="auto")
    assert json.loads(whole.text)["choices"][0]["message"]["content"] == SAID

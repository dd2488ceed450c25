"""Chains: what moves on, what does not, who rests and for how long, and who is said to have
served.
"""

import time
from itertools import count
from typing import Any

import pytest

from tests.gateway.lines import lines
from tests.gateway.serving import HELLO, Gateway, eventually
from tests.gateway.upstream import SAID, VECTOR

_marks = count(1)


def own(model: str) -> str:
    """The same behaviour under a name that no other test asks for."""
    return f"{model}{'&' if '?' in model else '?'}mark={next(_marks)}"


def chain(
    gate: Gateway,
    model: str,
    settings: dict[str, Any] | None = None,
    second: str = "words",
    **more: Any,
) -> tuple[str, str, str]:
    """A profile whose service behaves so, and its fallback: (profile, fallback, the model of the
    fallback).
    """
    last = own(second)
    fallback = gate.profile(last)
    return (
        gate.profile(model, gate.connection(**(settings or {})), fallbacks=[fallback], **more),
        fallback,
        last,
    )


MOVES_ON: dict[str, tuple[str, dict[str, Any]]] = {
    "unauthorized": ("status?code=401", {}),
    "quota": ("status?code=429&reason=insufficient_quota", {}),
    "billing": ("status?code=402", {}),
    "rate_limited": ("status?code=429", {}),
    "timeout": ("silent", {"timeout": 0.4}),
    "refused": ("words", {"base_url": "http://127.0.0.1:9/v1"}),
    "500": ("status?code=500", {}),
    "529": ("status?code=529", {}),
    "cut off": ("dies", {}),
}


@pytest.mark.parametrize(("model", "connected"), MOVES_ON.values(), ids=MOVES_ON)
def test_a_failure_moves_on_to_the_fallback(gate: Gateway, model: str, connected: dict[str, Any]):
    profile, fallback, last = chain(gate, model, connected)
    response = gate.chat(profile)
    assert (response.status_code, response.json()["choices"][0]["message"]["content"]) == (
        200,
        SAID,
    )
    assert (
        response.headers["x-switchboard-profile"],
        response.headers["x-switchboard-attempts"],
    ) == (fallback, "2")
    assert [one.body["model"] for one in gate.upstream.of(last)] == [last]


STREAMS = {
    **{name: row for name, row in MOVES_ON.items() if name != "cut off"},
    "empty": ("empty", {}),
    "event": ("error-event?before=0", {}),
}


@pytest.mark.parametrize(("model", "connected"), STREAMS.values(), ids=STREAMS)
def test_a_stream_moves_on_before_its_first_chunk(
    gate: Gateway, model: str, connected: dict[str, Any]
):
    profile, fallback, last = chain(gate, model, connected)
    response = gate.chat(profile, stream=True)
    assert (
        response.status_code == 200
        and response.text.endswith("data: [DONE]\n\n")
        and "Grüße" in response.text
    )
    assert (
        response.headers["x-switchboard-profile"] == fallback and len(gate.upstream.of(last)) == 1
    )


@pytest.mark.parametrize("model", ["dies", "stops", "error-event?delay=0.05"])
def test_a_stream_does_not_move_on_after_its_first_chunk(gate: Gateway, model: str):
    profile, _, last = chain(gate, model)
    response = gate.chat(profile, stream=True)
    assert response.headers["x-switchboard-profile"] == profile and '"error"' in response.text
    assert gate.upstream.of(last) == []


STAYS = {
    "400": ("status?code=400", 400),
    "403": ("status?code=403", 502),
    "404": ("status?code=404", 404),
    "html": ("html", 502),
}


@pytest.mark.parametrize(("model", "status"), STAYS.values(), ids=STAYS)
@pytest.mark.parametrize("stream", [False, True])
def test_a_failure_that_is_no_reason_stays(gate: Gateway, model: str, status: int, stream: bool):
    profile, _, last = chain(gate, model)
    response = gate.chat(profile, stream=stream)
    assert (response.status_code, response.headers["x-switchboard-attempts"]) == (status, "1")
    assert gate.upstream.of(last) == []


def test_a_request_that_a_provider_cannot_do_stays(gate: Gateway):
    last = own("words")
    profile = gate.profile("echo-1", gate.connection("echo"), fallbacks=[gate.profile(last)])
    assert (
        gate.chat(profile, tools=[{"type": "function", "function": {"name": "f"}}]).status_code
        == 400
    )
    assert gate.upstream.of(last) == []


def test_a_profile_says_itself_what_moves_on(gate: Gateway):
    profile, fallback, _ = chain(gate, "html", fallback_on=["bad_response"])
    assert gate.chat(profile).headers["x-switchboard-profile"] == fallback
    profile, _, last = chain(gate, "status?code=500", fallback_on=["bad_response"])
    assert gate.chat(profile).status_code == 502 and gate.upstream.of(last) == []


def test_vectors_move_on_too(gate: Gateway):
    fallback = gate.profile(capability="Embedding")
    profile = gate.profile("status?code=500", capability="Embedding", fallbacks=[fallback])
    response = gate.post("/v1/embeddings", {"model": profile, "input": "one"})
    assert (response.json()["data"][0]["embedding"], response.headers["x-switchboard-profile"]) == (
        VECTOR,
        fallback,
    )


def test_the_other_door_moves_on_too(gate: Gateway):
    profile, fallback, _ = chain(gate, "status?code=500")
    response = gate.post(f"/api/v1/chat/{profile}/complete", {"messages": HELLO})
    assert (response.json()["message"]["content"], response.headers["x-switchboard-profile"]) == (
        SAID,
        fallback,
    )


def test_the_chain_is_asked_in_its_order(gate: Gateway):
    second, third = gate.profile("status?code=500"), gate.profile()
    response = gate.chat(gate.profile("status?code=429", fallbacks=[second, third]))
    assert (
        response.headers["x-switchboard-profile"],
        response.headers["x-switchboard-attempts"],
    ) == (third, "3")


def test_when_all_fail_the_last_one_is_told(gate: Gateway):
    profile, fallback, _ = chain(gate, "status?code=500", second="status?code=429&after=5")
    response = gate.chat(profile)
    assert (
        response.status_code,
        response.json()["error"]["code"],
        response.headers["retry-after"],
    ) == (429, "rate_limited", "5")
    assert response.headers["x-switchboard-profile"] == fallback


def test_the_first_of_a_chain_is_not_asked_again_before_it_moves_on(gate: Gateway):
    model = own("status?code=500")
    gate.chat(chain(gate, model, {"max_retries": 3})[0])
    assert len(gate.upstream.of(model)) == 1


# Who rests


@pytest.mark.server
def test_a_connection_that_failed_is_not_asked_again_by_any_worker(gate: Gateway):
    model = own("status?code=500")
    profile, _, _ = chain(gate, model)
    held = lines(gate)
    assert held[0].chat(profile) == (200, "")
    time.sleep(0.2)  # on PostgreSQL the word takes some milliseconds
    assert [line.chat(profile) for line in held * 3] == [(200, "")] * len(held) * 3
    assert len(gate.upstream.of(model)) == 1


@pytest.mark.server
def test_it_is_asked_again_when_it_has_rested(gate: Gateway):
    model = own("status?code=500")
    connection = gate.connection()
    fallback = gate.profile()
    profile = gate.profile(model, connection, fallbacks=[fallback])
    gate.chat(profile)
    gate.upstream.behave[model] = "words"
    gate.office.wake(connection)
    eventually(lambda: gate.chat(profile).headers["x-switchboard-profile"] == profile)


@pytest.mark.server
@pytest.mark.parametrize(
    ("model", "seconds"),
    [
        ("status?code=429&after=100", 100),
        ("status?code=500", 30),
        ("status?code=429&after=9000", 300),
    ],
)
def test_it_rests_as_long_as_the_service_asks(gate: Gateway, model: str, seconds: int):
    connection = gate.connection()
    gate.chat(gate.profile(model, connection, fallbacks=[gate.known("words")]))
    found = gate.office.resting(connection)
    assert seconds - 15 < found["seconds"] <= seconds
    assert found["code"] == ("rate_limited" if "429" in model else "error")


def test_without_a_fallback_nobody_rests(gate: Gateway):
    model, connection = own("status?code=500"), gate.connection()
    profile = gate.profile(model, connection)
    for _ in range(3):
        assert gate.chat(profile).status_code == 502
    assert gate.office.resting(connection) is None and len(gate.upstream.of(model)) == 3


@pytest.mark.server
def test_when_all_rest_they_are_asked_all_the_same(gate: Gateway):
    profile, fallback, last = chain(gate, "status?code=500", second="status?code=500")
    assert [gate.chat(profile).headers["x-switchboard-attempts"] for _ in range(3)] == [
        "2",
        "2",
        "2",
    ]
    gate.upstream.behave[last] = "words"
    assert gate.chat(profile).headers["x-switchboard-profile"] == fallback


def test_a_bad_request_sends_nobody_to_rest(gate: Gateway):
    connection = gate.connection()
    gate.chat(gate.profile("status?code=400", connection, fallbacks=[gate.known("words")]))
    assert gate.office.resting(connection) is None


# What cannot be used


def refused(gate: Gateway, profile: str) -> tuple[int, str]:
    response = gate.chat(profile)
    return response.status_code, response.json().get("error", {}).get("code", "")


def unusable(gate: Gateway, how: str) -> str:
    """A connection that cannot be used."""
    alias = gate.connection()
    if how == "connection_inactive":
        gate.office.switch_connection(alias, False)
    elif how == "undecryptable":
        gate.office.spoil_credentials(alias)
    elif how == "unknown_provider":
        gate.office.spoil("connection", alias, provider_id="gone")
    elif how == "unresolved_reference":
        gate.office.change_connection(alias, api_key="$OpenAICompatible:NobodySetThis")
    elif how == "invalid_settings":
        gate.office.spoil("connection", alias, settings={"timeout": "never"})
    elif how == "misplaced":
        gate.office.spoil("connection", alias, settings={"base_url": "https://evil.example.com"})
    return alias


WHYS = [
    "connection_inactive",
    "undecryptable",
    "unknown_provider",
    "unresolved_reference",
    "invalid_settings",
    "misplaced",
]


def made_with(gate: Gateway, how: str, **more: Any) -> tuple[str, str]:
    """A profile on a connection that is spoiled only then, as a profile of an unknown provider
    could not be made: (profile, connection).
    """
    spare = gate.connection()
    profile, connection = gate.profile(connection=spare, **more), unusable(gate, how)
    gate.office.move(profile, connection)
    return profile, connection


@pytest.mark.parametrize("how", WHYS)
def test_a_connection_that_cannot_be_used_is_refused_with_its_own_code(gate: Gateway, how: str):
    profile, connection = made_with(gate, how)
    response = gate.chat(profile)
    assert (response.status_code, response.json()["error"]["code"]) == (409, how)
    assert connection in response.json()["error"]["message"]
    assert gate.record(profile)["outcome"] == how


GONE_ROUND = {"connection_inactive", "undecryptable", "unresolved_reference", "misplaced"}


@pytest.mark.server
@pytest.mark.parametrize("how", WHYS)
def test_it_is_gone_round_where_it_is_switched_off_or_lacks_its_key(gate: Gateway, how: str):
    profile, _ = made_with(gate, how, fallbacks=[gate.known("words")])
    assert refused(gate, profile) == ((200, "") if how in GONE_ROUND else (409, how))


@pytest.mark.parametrize("how", sorted(GONE_ROUND))
def test_it_is_not_gone_round_where_the_profile_does_not_say_so(gate: Gateway, how: str):
    profile, _ = made_with(gate, how, fallbacks=[gate.known("words")], fallback_on=["error"])
    assert refused(gate, profile) == (409, how)


def test_where_no_fallback_can_be_used_the_first_reason_is_told(gate: Gateway):
    broken, _ = made_with(gate, "undecryptable")
    profile, _ = made_with(gate, "connection_inactive", fallbacks=[broken])
    assert refused(gate, profile) == (409, "connection_inactive")


@pytest.mark.parametrize("how", WHYS)
def test_it_is_passed_over_as_a_fallback(gate: Gateway, how: str):
    broken, _ = made_with(gate, how)
    good = gate.profile()
    response = gate.chat(gate.profile("status?code=500", fallbacks=[broken, good]))
    assert (
        response.headers["x-switchboard-profile"],
        response.headers["x-switchboard-attempts"],
    ) == (good, "2")


def test_the_name_of_the_reference_is_not_told_to_a_caller(gate: Gateway):
    profile, _ = made_with(gate, "unresolved_reference")
    message = gate.chat(profile).json()["error"]["message"]
    assert "NobodySetThis" not in message and "cannot be used as it is" in message


def test_a_profile_that_is_switched_off_is_refused_and_passed_over(gate: Gateway):
    off = gate.profile()
    gate.office.switch_profile(off, False)
    assert refused(gate, off) == (409, "profile_inactive")
    good = gate.profile()
    assert (
        gate.chat(gate.profile("status?code=500", fallbacks=[off, good])).headers[
            "x-switchboard-profile"
        ]
        == good
    )

"""One record for each request, every column of it right, and no text unless a setting asks for
it.
"""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.gateway.serving import HELLO, Gateway, another_server
from tests.gateway.upstream import SAID

WHO = {"user_name": "olaf", "token_name": "test", "endpoint": "v1", "prompt": "", "answer": ""}


def has(row: dict[str, Any], **wanted: Any) -> None:
    assert {name: row[name] for name in wanted} == wanted


@pytest.mark.server
def test_a_plain_answer_is_recorded(gate: Gateway):
    connection = gate.connection()
    profile = gate.profile("words?first=0.2", connection)
    began = datetime.now(UTC)
    gate.chat(profile)
    row = gate.record(profile)
    has(
        row,
        **WHO,
        outcome="ok",
        capability="Chat",
        profile_alias=profile,
        connection_alias=connection,
        connection_version=1,
    )
    has(
        row,
        provider_id="openai-compatible",
        model="words?first=0.2",
        is_stream=False,
        attempts=1,
        input_tokens=9,
        output_tokens=4,
    )
    assert 200 <= row["latency_ms"] < 5000 and row["first_chunk_ms"] is None
    assert began <= datetime.fromisoformat(row["started_at"]) <= began + timedelta(seconds=5)
    assert (
        row["token_id"] == gate.office.token_id(gate.token)
        and row["user_id"]
        and row["profile_id"]
        and row["connection_id"]
    )


@pytest.mark.parametrize(
    "asked",
    [{}, {"stream_options": {"include_usage": True}}],
    ids=["usage not asked for", "usage asked for"],
)
def test_a_stream_is_recorded_with_its_first_chunk(gate: Gateway, asked: Any):
    profile = gate.profile("words?first=0.2&chunks=5&delay=0.05")
    gate.chat(profile, stream=True, **asked)
    row = gate.record(profile)
    has(row, **WHO, outcome="ok", is_stream=True, input_tokens=9, output_tokens=4)
    assert 200 <= row["first_chunk_ms"] <= row["latency_ms"] - 200


@pytest.mark.server
@pytest.mark.parametrize("stream", [False, True])
def test_a_failure_is_recorded(gate: Gateway, stream: bool):
    profile = gate.profile("status?code=500")
    gate.chat(profile, stream=stream)
    has(
        gate.record(profile),
        **WHO,
        outcome="error",
        is_stream=stream,
        attempts=1,
        input_tokens=None,
        output_tokens=None,
        first_chunk_ms=None,
    )


@pytest.mark.server
def test_a_request_that_fell_back_names_who_was_asked_and_who_answered(gate: Gateway):
    connection = gate.connection()
    fallback = gate.profile("words?fell=back", connection)
    profile = gate.profile("status?code=500", fallbacks=[fallback])
    gate.chat(profile)
    row = gate.record(profile)
    has(
        row,
        **WHO,
        outcome="ok",
        attempts=2,
        answered_profile_alias=fallback,
        connection_alias=connection,
        model="words?fell=back",
        input_tokens=9,
    )
    assert gate.office.records(profile_alias=fallback) == []
    failed, answered = gate.office.attempts(row["key"])
    has(failed, profile_alias=profile, outcome="failed", code="error", status=500, position=0)
    assert "HTTP 500" in failed["error"]
    has(answered, profile_alias=fallback, outcome="ok", code="", status=None, position=1)


def test_a_target_that_is_passed_over_has_its_reason(gate: Gateway):
    connection, good = gate.connection(), gate.known("words")
    profile = gate.profile("words", connection, fallbacks=[good])
    gate.office.switch_connection(connection, False)
    gate.chat(profile)
    row = gate.record(profile)
    has(row, attempts=1, answered_profile_alias=good)
    has(gate.office.attempts(row["key"])[0], outcome="passed_over", code="connection_inactive")


@pytest.mark.server
def test_what_was_sent_and_lost_is_not_sent_again(gate: Gateway):
    profile = gate.profile("closes", gate.connection(max_retries=2))
    gate.chat(profile)
    has(gate.office.attempts(gate.record(profile)["key"])[0], retries=0, code="error")


def test_a_retry_is_counted_in_its_attempt(gate: Gateway):
    profile = gate.profile("status?code=500&after=0", gate.connection(max_retries=2))
    gate.chat(profile)
    assert [one["retries"] for one in gate.office.attempts(gate.record(profile)["key"])] == [2]


def test_tokens_are_recorded_in_full(gate: Gateway):
    profile = gate.profile("words?usage=full")
    answer = gate.chat(profile).json()
    assert answer["usage"]["prompt_tokens_details"] == {"cached_tokens": 6}
    has(gate.record(profile), input_tokens=9, output_tokens=4, cached_tokens=6, reasoning_tokens=3)


@pytest.mark.parametrize("usage", ["none", "absurd"])
def test_what_no_service_can_have_counted_is_estimated(gate: Gateway, usage: str):
    profile = gate.profile(f"words?usage={usage}")
    assert gate.chat(profile).status_code == 200
    row = gate.record(profile)
    assert row["is_estimated"] and 1 <= row["input_tokens"] < 50 and 1 <= row["output_tokens"] < 50


def test_a_sum_that_is_told_alone_is_divided_by_estimates(gate: Gateway):
    profile = gate.profile("words?usage=sum")
    gate.chat(profile)
    row = gate.record(profile)
    assert row["is_estimated"] and row["input_tokens"] + row["output_tokens"] == 40
    assert 5 < row["input_tokens"] < 35


def test_usage_that_a_service_does_not_tell_is_null_at_the_other_door(gate: Gateway):
    for usage, told in (("none", False), ("sum", False), ("absurd", False), ("full", True)):
        profile = gate.known(f"words?usage={usage}")
        answer = gate.post(f"/api/v1/chat/{profile}/complete", {"messages": HELLO}).json()
        assert (answer["usage"] is not None) is told


# The request's id

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
IDS = {
    "own": ({"x_request_id": "order-17/a"}, "order-17/a"),
    "trace": ({"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"}, TRACE),
}


@pytest.mark.parametrize(("headers", "wanted"), IDS.values(), ids=IDS)
def test_an_id_of_the_caller_is_in_record_answer_and_request(
    gate: Gateway, headers: dict[str, str], wanted: str
):
    model = f"words?id={wanted[:3]}"
    profile = gate.profile(model)
    response = gate.post("/v1/chat/completions", {"model": profile, "messages": HELLO}, **headers)
    assert response.headers["x-request-id"] == wanted
    assert gate.record(profile)["request_id"] == wanted
    assert gate.upstream.of(model)[0].headers["x-request-id"] == wanted


@pytest.mark.parametrize("given", [b"two words", b"x" * 129, b"\xe9"])
def test_an_id_that_is_not_one_is_replaced(gate: Gateway, given: bytes):
    headers = {b"X-Request-ID": given}
    response = gate.client.get(f"{gate.url}/v1/models", headers=headers)
    made = response.headers["x-request-id"]
    assert response.status_code == 401 and len(made) == 32


@pytest.mark.parametrize("path", ["/v1/models", "/api/v1/connections"])
def test_an_id_that_is_told_twice_is_none(gate: Gateway, path: str):
    trace = (b"traceparent", f"00-{TRACE}-00f067aa0ba902b7-01".encode())
    headers = [(b"X-Request-ID", b"one"), (b"X-Request-ID", b"two"), trace]
    assert gate.client.get(gate.url + path, headers=headers).headers["x-request-id"] == TRACE


def test_vectors_are_recorded(gate: Gateway):
    profile = gate.profile(capability="Embedding")
    gate.post("/v1/embeddings", {"model": profile, "input": ["one", "two"]})
    has(
        gate.record(profile),
        **WHO,
        outcome="ok",
        capability="Embedding",
        is_stream=False,
        input_tokens=5,
        output_tokens=0,
    )


def test_an_answer_of_the_built_in_provider_is_recorded(gate: Gateway):
    profile = gate.profile("echo-1", gate.connection("echo"))
    gate.chat(profile, stream=True)
    has(
        gate.record(profile),
        **WHO,
        outcome="ok",
        provider_id="echo",
        model="echo-1",
        input_tokens=3,
        output_tokens=4,
    )


@pytest.mark.parametrize("how", ["complete", "stream"])
def test_the_other_door_is_recorded_as_itself(gate: Gateway, how: str):
    profile = gate.profile()
    gate.post(f"/api/v1/chat/{profile}/{how}", {"messages": HELLO})
    has(
        gate.record(profile),
        **{**WHO, "endpoint": "api"},
        outcome="ok",
        is_stream=how == "stream",
        input_tokens=9,
        output_tokens=4,
    )


@pytest.mark.server
def test_a_changed_connection_is_recorded_with_its_version(gate: Gateway):
    connection = gate.connection()
    profile = gate.profile(connection=connection)
    gate.office.change_connection(connection, timeout=30)
    gate.chat(profile)
    has(gate.record(profile), connection_version=2)


@pytest.mark.server
def test_a_broken_stream_is_recorded_once(gate: Gateway):
    profile = gate.profile("dies")
    gate.chat(profile, stream=True)
    has(gate.record(profile), outcome="error", is_stream=True)
    assert len(gate.records(profile, 1)) == 1


@pytest.mark.server
def test_of_many_requests_none_is_lost_or_counted_twice(gate: Gateway):
    profile = gate.profile()
    for _ in range(100):
        gate.chat(profile)
    gate.chat(gate.known("words"))
    assert len(gate.records(profile, 100)) == 100


@pytest.mark.server
def test_a_record_stays_when_what_it_tells_about_is_gone(gate: Gateway):
    profile = gate.profile()
    gate.chat(profile)
    gate.record(profile)
    gate.office.delete_profile(profile)
    has(gate.record(profile), profile_alias=profile, outcome="ok")


# Texts


@pytest.fixture(scope="module")
def recording(gate: Gateway, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A server that records texts."""
    place = tmp_path_factory.mktemp("recording")
    settings = {"GATEWAY_RECORD_TEXT": "true", "WEB_CONCURRENCY": "1"}
    with another_server(gate, place / "log", "--graceful-timeout=1", **settings) as one:
        yield one


@pytest.mark.server
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("door", ["v1", "api"])
@pytest.mark.parametrize("provider", ["openai-compatible", "echo"])
def test_texts_are_recorded_where_a_setting_asks_for_it(
    recording: Gateway, provider: str, door: str, stream: bool
):
    model = {"echo": "echo-1"}.get(provider, "words")
    profile = recording.profile(
        model, recording.connection(provider), system_prompt_template="Be kind."
    )
    if door == "v1":
        recording.chat(profile, stream=stream)
    else:
        recording.post(
            f"/api/v1/chat/{profile}/{'stream' if stream else 'complete'}", {"messages": HELLO}
        )
    row = recording.record(profile)
    assert [one["content"] for one in json.loads(row["prompt"])] == ["How are you?"]
    assert row["answer"] == {"echo": "Echo: How are you?"}.get(provider, SAID)


def test_an_odd_stream_is_recorded_as_its_text(recording: Gateway):
    profile = recording.profile("odd?cut=5")
    recording.chat(profile, stream=True)
    assert recording.record(profile)["answer"] == SAID


def test_what_was_embedded_is_recorded(recording: Gateway):
    profile = recording.profile(capability="Embedding")
    recording.post("/v1/embeddings", {"model": profile, "input": ["one", "two"]})
    has(recording.record(profile), prompt='["one", "two"]', answer="")


@pytest.mark.server
def test_a_null_in_a_text_does_not_lose_the_record(recording: Gateway):
    profile = recording.profile("echo-1", recording.connection("echo"))
    assert (
        recording.chat(profile, messages=[{"role": "user", "content": "a\x00b"}]).status_code == 200
    )
    assert recording.record(profile)["outcome"] == "ok"


ODD_CHOICES = ['["x"]', '[{"delta": {"content": 5}}]', '[{"delta": {"content": [{"type": "x"}]}}]']


@pytest.mark.parametrize("choices", ODD_CHOICES)
def test_recording_texts_changes_no_answer(recording: Gateway, choices: str):
    odd = f'data: {{"model": "m", "choices": {choices}}}\n\n'
    good = 'data: {"model": "m", "choices": [{"delta": {"content": "Hi"}}]}\n\n'
    end = 'data: {"model": "m", "choices": [{"delta": {}, "finish_reason": "stop"}]}\n\n'
    model = f"raw?sse=1&odd={len(choices)}"
    recording.upstream.raw[model] = [good, odd, end, "data: [DONE]\n\n"]
    profile = recording.profile(model)
    assert recording.chat(profile, stream=True).text == f"{good}{odd}{end}data: [DONE]\n\n"
    has(recording.record(profile), outcome="ok", answer="Hi")


def test_recording_texts_refuses_no_whole_answer(recording: Gateway):
    model = "raw?whole=1"
    recording.upstream.raw[model] = [
        '{"model": "m", "choices": [{"message": {"role": "assistant", "content": 5}}]}'
    ]
    profile = recording.profile(model)
    assert recording.chat(profile).status_code == 200
    has(recording.record(profile), outcome="ok", answer="")

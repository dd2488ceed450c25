"""What a token may use: which profiles, how often, how much. Counted over all workers together."""

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2
import openai
import pytest
from openai import OpenAI

from tests.gateway.lines import closed, lines
from tests.gateway.serving import HELLO, Gateway, eventually


def in_one_minute() -> None:
    """Requests are counted by the minute of the clock: waits where it is about to end."""
    if (left := 60 - time.time() % 60) < 8:
        time.sleep(left + 0.1)


@pytest.mark.server
def test_requests_of_a_minute_are_counted_over_all_workers(gate: Gateway):
    in_one_minute()
    token = gate.office.token(requests_per_minute=7)
    held = lines(gate, token)
    answers = Counter(line.chat(gate.known("words")) for line in held * 10)
    closed(held)
    assert answers == {(200, ""): 7, (429, "rate_limited"): len(held) * 10 - 7}


@pytest.mark.parametrize("door", ["v1", "api"])
def test_over_the_limit_the_time_to_wait_is_told(gate: Gateway, door: str):
    in_one_minute()
    token, profile = gate.office.token(requests_per_minute=1), gate.known("words")
    path, body = {
        "v1": ("/v1/chat/completions", {"model": profile}),
        "api": (f"/api/v1/chat/{profile}/complete", {}),
    }[door]
    assert gate.post(path, {"messages": HELLO, **body}, token).status_code == 200
    response = gate.post(path, {"messages": HELLO, **body}, token)
    assert response.status_code == 429 and 0 < int(response.headers["retry-after"]) <= 60
    told = response.json()
    assert (told.get("code") or told["error"]["code"]) == "rate_limited"


def test_the_sdk_raises_a_rate_limit_error(gate: Gateway):
    in_one_minute()
    token = gate.office.token(requests_per_minute=1)
    with (
        OpenAI(base_url=f"{gate.url}/v1", api_key=token, max_retries=0) as sdk,
        pytest.raises(openai.RateLimitError),
    ):
        for _ in range(2):
            sdk.chat.completions.create(model=gate.known("words"), messages=HELLO)  # type: ignore[arg-type]


@pytest.mark.server
def test_a_refused_request_reaches_no_service_and_is_recorded(gate: Gateway):
    in_one_minute()
    token, model = gate.office.token(requests_per_minute=1), "words?limited=1"
    profile = gate.profile(model)
    for _ in range(3):
        gate.chat(profile, token)
    assert len(gate.upstream.of(model)) == 1
    assert [(row["outcome"], row["attempts"]) for row in gate.records(profile, 3)] == [
        ("ok", 1),
        ("rate_limited", 0),
        ("rate_limited", 0),
    ]


def test_tokens_of_a_day_that_are_used_up_are_told(gate: Gateway):
    token = gate.office.token(tokens_per_day=100)
    assert gate.chat(gate.known("words"), token).status_code == 200
    gate.office.spend(token, 100)
    response = gate.chat(gate.known("words"), token)
    assert (response.status_code, response.json()["error"]["code"]) == (429, "token_limit")
    assert 0 < int(response.headers["retry-after"]) <= 86400


@pytest.mark.server
@pytest.mark.parametrize("stream", [False, True])
def test_what_answers_take_is_counted(gate: Gateway, stream: bool):
    token = gate.office.token(tokens_per_day=13)  # what one answer takes
    assert gate.chat(gate.known("words"), token, stream=stream).status_code == 200
    eventually(lambda: gate.chat(gate.known("words"), token).status_code == 429)


@pytest.mark.server
@pytest.mark.parametrize("stream", [False, True])
def test_parallel_calls_pass_the_limit_by_one_reservation_at_most(gate: Gateway, stream: bool):
    token = gate.office.token(tokens_per_day=12)
    profile = gate.known("words?first=0.3")

    def ask(_: int) -> int:
        return gate.chat(profile, token, stream=stream, max_tokens=20).status_code

    with ThreadPoolExecutor(16) as pool:
        codes = list(pool.map(ask, range(16)))
    assert sorted(codes) == [200] + [429] * 15


@pytest.mark.server
def test_a_stream_that_is_cut_counts_what_was_sent(gate: Gateway):
    token = gate.office.token(tokens_per_day=1000)
    profile = gate.profile("words?chunks=200&delay=0.02")
    body = {"model": profile, "messages": HELLO, "stream": True}
    headers = {"Authorization": f"Bearer {token}"}
    with gate.client.stream(
        "POST", f"{gate.url}/v1/chat/completions", json=body, headers=headers
    ) as response:
        pieces = response.iter_raw()
        for _ in range(20):
            next(pieces)
    row = gate.record(profile)
    assert (row["outcome"], row["is_estimated"]) == ("client_closed", True)
    assert 20 <= row["output_tokens"] < 200
    eventually(lambda: gate.office.counts(token) == [row["input_tokens"] + row["output_tokens"]])


@pytest.mark.server
@pytest.mark.parametrize("kind", ["whole", "stream", "refused"])
def test_who_has_seen_the_end_of_an_answer_is_judged_by_it(gate: Gateway, kind: str):
    """Each call is one to any of the workers, and may use all that is left."""
    used = 0 if kind == "refused" else 13
    profile = gate.known("status?code=500" if used == 0 else "words")
    token = gate.office.token(tokens_per_day=20 * used or 100)
    body = {"model": profile, "messages": HELLO, "stream": kind == "stream", "max_tokens": 300}
    request = {"headers": {"Authorization": f"Bearer {token}"}, "json": body}
    codes = []
    for _ in range(21):
        with (
            httpx2.Client(timeout=30) as client,
            client.stream("POST", f"{gate.url}/v1/chat/completions", **request) as answer,
        ):
            codes.append(answer.status_code)
            next((line for line in answer.iter_lines() if line == "data: [DONE]"), None)
    assert codes == ([200] * 20 + [429] if used else [502] * 21)


@pytest.mark.parametrize("stream", [False, True])
def test_an_absurd_length_is_no_fault_of_ours(gate: Gateway, stream: bool):
    token = gate.office.token(tokens_per_day=10_000)
    answer = gate.chat(gate.known("words"), token, stream=stream, max_tokens=10**30)
    assert answer.status_code < 500


@pytest.mark.server
def test_what_was_reserved_is_given_back(gate: Gateway):
    token = gate.office.token(tokens_per_day=10_000)
    gate.chat(gate.known("words"), token)
    gate.chat(gate.known("status?code=500"), token)
    eventually(lambda: gate.office.counts(token) == [13])


def test_the_answer_tells_what_is_left(gate: Gateway):
    token = gate.office.token(tokens_per_day=100, requests_per_minute=5)
    headers = gate.chat(gate.known("words"), token).headers
    told = {name: value for name, value in headers.items() if name.startswith("x-ratelimit")}
    assert told.pop("x-ratelimit-reset-tokens") and told.pop("x-ratelimit-reset-requests")
    assert told == {
        "x-ratelimit-limit-requests": "5",
        "x-ratelimit-remaining-requests": "4",
        "x-ratelimit-limit-tokens": "100",
        "x-ratelimit-remaining-tokens": "87",
    }


@pytest.mark.server
def test_vectors_are_counted_too(gate: Gateway):
    token = gate.office.token(tokens_per_day=5)
    body = {"model": gate.known("words", "Embedding"), "input": "one"}
    assert gate.post("/v1/embeddings", body, token).status_code == 200
    eventually(lambda: gate.post("/v1/embeddings", body, token).status_code == 429)


def test_of_a_token_without_limits_nothing_is_counted(gate: Gateway):
    token = gate.office.token()
    gate.chat(gate.known("words"), token)
    assert gate.office.counts(token) == []


# Which profiles


def code_of(response: Any) -> tuple[int, str]:
    return response.status_code, "" if response.status_code == 200 else response.json()["error"][
        "code"
    ]


def test_a_limited_token_may_use_its_profiles_only(gate: Gateway):
    mine, other = gate.profile(), gate.profile()
    token = gate.office.token(profiles=[mine])
    assert code_of(gate.chat(mine, token)) == (200, "")
    refused, unknown = gate.chat(other, token), gate.chat("nothing", token)
    assert code_of(refused) == code_of(unknown) == (404, "profile_not_found")
    assert refused.text.replace(other, "nothing") == unknown.text
    assert gate.record(other)["outcome"] == "profile_not_allowed"


def test_to_a_limited_token_another_profile_has_no_capability_and_no_faults(gate: Gateway):
    mine, vectors, off = gate.profile(), gate.profile("Embedding"), gate.profile()
    token = gate.office.token(profiles=[mine])
    gate.office.spoil("profile", off, is_active=False)
    for other in (vectors, off):
        assert code_of(gate.chat(other, token)) == (404, "profile_not_found")


def test_a_token_for_networks_is_refused_from_elsewhere(gate: Gateway):
    profile, far = gate.profile(), gate.office.token(networks=["203.0.113.0/24"])
    near = gate.office.token(networks=["203.0.113.0/24", "127.0.0.1"])
    assert code_of(gate.chat(profile, near)) == (200, "")
    refused = gate.chat(profile, far)
    assert code_of(refused) == (403, "address_not_allowed") and "127.0.0.1" in refused.text


def test_a_limited_token_sees_its_profiles_only(gate: Gateway):
    mine, other = gate.profile(), gate.profile()
    token = gate.office.token(profiles=[mine])
    assert [one["id"] for one in gate.get("/v1/models", token).json()["data"]] == [mine]
    assert code_of(gate.get(f"/v1/models/{other}", token)) == (404, "profile_not_found")


@pytest.mark.server
def test_a_token_does_not_grow_when_its_profile_is_deleted(gate: Gateway):
    mine = gate.profile()
    token = gate.office.token(profiles=[mine])
    assert code_of(gate.chat(mine, token)) == (200, "")
    gate.office.delete_profile(mine)
    assert code_of(eventually(lambda: gate.chat(gate.known("words"), token))) == (
        404,
        "profile_not_found",
    )
    assert gate.get("/v1/models", token).json()["data"] == []


def test_the_default_is_no_way_round(gate: Gateway):
    mine, other = gate.profile(), gate.profile()
    token = gate.office.token(profiles=[mine])
    gate.office.make_default("Chat", other)
    try:
        assert code_of(eventually(lambda: gate.chat("", token))) == (404, "no_default_profile")
    finally:
        gate.office.make_default("Chat", None)


# Who


@pytest.mark.parametrize("scope", ["connections:read", "profiles:write", "usage:read"])
def test_a_token_needs_the_scope(gate: Gateway, scope: str):
    token = gate.office.token(scopes=[scope])
    assert code_of(gate.chat(gate.known("words"), token)) == (403, "missing_scope")
    assert code_of(gate.get("/v1/models", token)) == (403, "missing_scope")


def test_the_scope_of_all_is_enough(gate: Gateway):
    assert code_of(gate.chat(gate.known("words"), gate.office.token(scopes=["admin"]))) == (200, "")


@pytest.mark.parametrize(
    ("group", "status"), [("Viewers", 403), ("", 403), ("Operators", 200), ("Administrators", 200)]
)
def test_a_token_reaches_as_far_as_its_user(gate: Gateway, group: str, status: int):
    name = gate.name()
    gate.office.person(name, group)
    token = gate.office.token(user=name, scopes=["admin"])
    assert gate.chat(gate.known("words"), token).status_code == status
    assert bool(gate.get("/v1/models", token).json()["data"]) is (status == 200)


@pytest.mark.server
def test_a_token_that_ended_or_was_revoked_is_nobodys(gate: Gateway):
    revoked, expired = gate.office.token(), gate.office.token()
    gate.office.revoke(revoked)
    gate.office.expire(expired)
    assert (
        code_of(gate.chat(gate.known("words"), revoked))
        == code_of(gate.chat(gate.known("words"), expired))
        == (401, "invalid_token")
    )


@pytest.mark.server
def test_a_refused_token_leaves_few_events_that_say_why_and_from_where(gate: Gateway):
    """One a minute in each of the two workers."""
    expired, far = gate.office.token(), gate.office.token(networks=["203.0.113.0/24"])
    gate.office.expire(expired)
    for text, why in ((expired, "expired"), (far, "address_not_allowed")):
        for _ in range(10):
            gate.chat(gate.known("words"), text)
        found = eventually(lambda text=text: gate.office.refusals(text))
        assert len(found) <= 2
        told = {(one["code"], one["surface"], one["address"]) for one in found}
        assert told == {(why, "gateway", "127.0.0.1")}
        assert text not in str(found) and all(one["request_id"] for one in found)


def test_the_beginning_of_a_token_is_not_enough(gate: Gateway):
    for text in (gate.token[:11], gate.token[:-1], gate.token + "x", gate.token.swapcase()):
        assert code_of(gate.chat(gate.known("words"), text)) == (401, "invalid_token")

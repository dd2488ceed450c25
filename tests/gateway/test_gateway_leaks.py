"""A service's key and Switchboard's own tokens are searched for in everything that a caller, a log
or the database can show.
"""

import re
from typing import Any

import pytest

from providers.core.registry import get_provider
from tests.providers.samples import sample_settings
from tests.upstreams import Upstream as Repeating

from .serving import HELLO, Gateway, gateway
from .upstream import SAID

BEARER, OWN_HEADER, EXTRA, NATIVE = (
    "sk-leak-bearer-51c7",
    "leak-own-header-a83f",
    "leak-extra-header-0d2e",
    "leak-native-key-77b4",
)
SECRETS = (BEARER, OWN_HEADER, EXTRA, NATIVE)
CODES = (400, 401, 402, 403, 404, 409, 413, 422, 429, 500, 503)
MODELS = [
    *(f"status?code={code}&echo=1" for code in CODES),
    "error-event?before=0",
    "error-event?delay=0.03",
    "words",
    "dies",
    "html",
]
SOME_MODELS = ["status?code=400&echo=1", "status?code=500&echo=1", "error-event?before=0", "words"]
HOW: dict[str, dict[str, Any]] = {
    "bearer": {"api_key": BEARER},
    "a header of its own": {"api_key": OWN_HEADER, "api_key_header": "x-my-key"},
    "another header": {"extra_headers": {"X-Team": EXTRA}},
}


def asked_at_v1(gate: Gateway, profile: str) -> list[Any]:
    return [gate.chat(profile, stream=stream) for stream in (False, True)]


def asked_at_the_other_door(gate: Gateway, profile: str) -> list[Any]:
    return [
        gate.post(f"/api/v1/chat/{profile}/{how}", {"messages": HELLO})
        for how in ("complete", "stream")
    ]


def asked_every_way(gate: Gateway, profile: str) -> list[Any]:
    return asked_at_v1(gate, profile) + asked_at_the_other_door(gate, profile)


# each failure at one door, each door with two of them
NATIVE_MODES = {
    "400": asked_at_v1,
    "401": asked_at_the_other_door,
    "429": asked_at_v1,
    "500": asked_at_the_other_door,
}


@pytest.fixture(scope="module")
def said(gate: Gateway) -> str:
    """All that callers were told, headers included."""
    answers = []
    for number, settings in enumerate(HOW.values()):
        connection = gate.connection(**settings)
        # one place of a key meets every model, the others one of each kind
        for model in SOME_MODELS if number else MODELS:
            answers += asked_every_way(gate, gate.profile(model, connection))
        vectors = gate.profile("status?code=400&echo=1", connection, capability="Embedding")
        answers.append(gate.post("/v1/embeddings", {"model": vectors, "input": "one"}))
        broken = gate.profile(
            "status?code=401&echo=1",
            connection,
            fallbacks=[gate.profile("status?code=500&echo=1", connection)],
        )
        answers += asked_every_way(gate, broken)
        gate.office.switch_connection(connection, False)
        answers += asked_every_way(gate, broken)
    for provider in ("anthropic", "google", "mistral", "azure-openai", "ollama"):
        for mode, ask in NATIVE_MODES.items():
            answers += _native(gate, provider, mode, ask)
    gate.record(answers[-1].request.url.path.split("/")[4])  # the last one is written, so all are
    return "\n".join(f"{one.headers} {one.text}" for one in answers)


def _native(gate: Gateway, provider: str, mode: str, ask: Any) -> list[Any]:
    """A service that repeats the headers of what it refuses, asked through the provider's own SDK
    where it has one.
    """
    with Repeating() as service:
        service.mode = mode
        settings = sample_settings(get_provider(provider), service.url, NATIVE)
        profile = gate.profile("model-1", gate.connection(provider, **settings, max_retries=0))
        found = ask(gate, profile)
        assert any(NATIVE in str(one.headers) for one in service.requests)
        return found


@pytest.mark.server
def test_the_keys_did_arrive(gate: Gateway, said: str):
    sent = "\n".join(str(one.headers) for one in gate.upstream.seen)
    assert all(secret in sent for secret in (BEARER, OWN_HEADER, EXTRA))
    assert SAID in said and '"code":"bad_request"' in said


def test_no_answer_has_a_key(said: str):
    assert [secret for secret in SECRETS if secret in said] == []


def test_no_log_has_a_key(gate: Gateway, said: str):
    assert "POST /v1/chat/completions" in gate.log
    assert [secret for secret in SECRETS if secret in gate.log] == []


@pytest.mark.server
def test_no_row_has_a_key_in_clear(gate: Gateway, said: str):
    everything = gate.office.everything()
    assert "openai-compatible" in everything
    assert [secret for secret in SECRETS if secret in everything] == []


@pytest.mark.server
def test_no_log_and_no_row_has_a_token(gate: Gateway, said: str):
    assert gate.token not in gate.log and gate.token not in gate.office.everything()
    assert not re.search(re.escape(gate.token[11:]), gate.log)


def test_no_service_gets_the_callers_token(gate: Gateway, said: str):
    assert [
        one.path for one in gate.upstream.seen if gate.token in f"{one.headers}{one.body}"
    ] == []


def test_headers_of_the_caller_and_of_the_service_stay_where_they_are(gate: Gateway):
    model = "words?headers=stay"
    gate.post(
        "/v1/chat/completions",
        {"model": gate.profile(model), "messages": HELLO},
        OpenAI_Organization="org-of-the-caller",
        Cookie="a=b",
    )
    headers = gate.upstream.of(model)[0].headers
    assert "org-of-the-caller" not in str(headers) and "cookie" not in headers


def test_a_recorded_text_has_no_key(tmp_path: Any):
    with gateway(tmp_path, GATEWAY_RECORD_TEXT="true", WEB_CONCURRENCY="1") as one:
        connection = one.connection(api_key=BEARER)
        for model in ("words", "status?code=400&echo=1", "error-event?delay=0.03"):
            asked_every_way(one, profile := one.profile(model, connection))
        one.records(profile, 4)
        assert BEARER not in one.office.everything() and BEARER not in one.log

"""OpenAI's protocol as bytes: what a caller sends by itself is what the official SDK would have
sent, in each service's dialect.
"""

import asyncio
import json
import time
from types import SimpleNamespace
from typing import Any

import pytest

from providers.core.base import Capability, Provider, WireTarget
from providers.core.chat import ChatRequest, EmbeddingRequest
from providers.core.messages import Unsupported
from providers.core.registry import get_provider
from tests.upstreams import ReceivedRequest, Upstream

from .samples import CHATTING, PROVIDERS, protocol, sample

CHAT, EMBEDDING = Capability.CHAT, Capability.EMBEDDING
MESSAGES = [{"role": "user", "content": "Hi"}]
CHOICE = {
    "index": 0,
    "message": {"role": "assistant", "content": "Hello."},
    "finish_reason": "stop",
}
ANSWERS = {
    CHAT: {"id": "1", "object": "chat.completion", "created": 1, "model": "m", "choices": [CHOICE]},
    EMBEDDING: {
        "object": "list",
        "model": "m",
        "data": [{"object": "embedding", "index": 0, "embedding": [1.0]}],
    },
}
CREDENTIALS = (
    "authorization",
    "api-key",
    "x-api-key",
    "x-my-key",
    "openai-organization",
    "openai-project",
    "x-team",
    "x-made-up",
)
CASES: list[tuple[str, dict[str, Any]]] = [
    ("openai", {}),
    ("openai", {"organization": "org-1", "project": "proj-1"}),
    ("azure-openai", {}),
    ("azure-openai", {"api_version": "2025-01-01-preview"}),
    ("azure-openai", {"auth_mode": "meid_token"}),
    ("microsoft-foundry", {}),
    ("microsoft-foundry", {"auth_mode": "meid_token", "project_name": "blue"}),
    ("mistral", {}),
    ("ollama", {}),
    ("ollama", {"api_key": ""}),
    ("serverless", {}),
    ("openai-compatible", {}),
    ("openai-compatible", {"api_key": "", "extra_headers": None}),
    ("openai-compatible", {"api_key_prefix": "Token"}),
    ("openai-compatible", {"api_key_header": "X-My-Key", "api_key_prefix": "Key"}),
    ("openai-compatible", {"extra_headers": "X-Team: blue\nauthorization: Basic abc"}),
]


@pytest.fixture
def identity(monkeypatch: pytest.MonkeyPatch, upstream: Upstream) -> Upstream:
    """A machine whose own identity gets the good key as its token, and which answers besides."""
    monkeypatch.setenv("IDENTITY_ENDPOINT", f"{upstream.url}/msi/token")
    monkeypatch.setenv("IDENTITY_HEADER", "x")
    return upstream


def target(made: Provider, capability: Capability = CHAT, model: str = "m") -> WireTarget:
    found = asyncio.run(made.wire_target(capability, model))
    assert found
    return found


def sent_by_sdk(
    made: Provider, capability: Capability, upstream: Upstream, **asks: Any
) -> ReceivedRequest:
    """What arrives when the SDK asks."""

    async def ask() -> None:
        found = await made.wire_target(capability, asks["model"])
        assert found
        upstream.answers[found.url.removeprefix(upstream.url).partition("?")[0]] = (
            200,
            ANSWERS[capability],
        )
        if capability is CHAT:
            await made.chat(ChatRequest.model_validate({"messages": MESSAGES, **asks}))
        else:
            await made.embed(EmbeddingRequest.model_validate({"input": "Hi", **asks}))
        await made.aclose()

    asyncio.run(ask())
    return upstream.requests[-1]


@pytest.mark.parametrize(
    ("one", "changes", "capability"),
    [
        (one, changes, capability)
        for one, changes in CASES
        for capability in CHATTING[one].capabilities
    ],
)
def test_the_bytes_go_where_the_sdk_goes(
    one: str, changes: dict, capability: Capability, identity: Upstream
):
    made = sample(get_provider(one), identity.url, **changes)
    request = sent_by_sdk(
        made, capability, identity, model="my model/1" if one.startswith("azure") else "m"
    )
    found = target(
        sample(get_provider(one), identity.url, **changes),
        capability,
        json.loads(request.body)["model"],
    )
    assert found.url == identity.url + request.path
    sent = {name: value for name, value in request.headers.items() if name in CREDENTIALS}
    assert sent == {name.lower(): value for name, value in found.headers.items()}


def test_a_target_keeps_its_credentials_to_itself():
    assert "good-key" not in repr(target(sample(get_provider("openai"))))


def test_an_address_with_a_slash_at_its_end_is_the_same():
    made = sample(get_provider("openai"), base_url="https://api.example.com/v1/")
    assert target(made).url == "https://api.example.com/v1/chat/completions"


def test_azure_names_the_deployment_and_the_version():
    found = target(sample(get_provider("azure-openai"), "https://a.example"), EMBEDDING, "ada/2 x?")
    assert (
        found.url
        == "https://a.example/openai/deployments/ada%2F2%20x%3F/embeddings?api-version=2024-02-01"
    )


class Credential:
    """A credential that keeps nothing, as that of Azure's command line does.

    `seconds`: how long its tokens live.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds, self.asked = seconds, 0

    def get_token(self, _: str) -> Any:
        self.asked += 1
        time.sleep(0.05)
        return SimpleNamespace(token=f"token-{self.asked}", expires_on=time.time() + self.seconds)


def tokens(credential: Credential, times: int) -> set[str]:
    """The tokens of several targets that are asked for at once, and of one more after them."""

    async def ask() -> set[str]:
        made = sample(get_provider("azure-openai"), auth_mode="meid_token")
        made.__dict__["credential"] = credential
        found = [
            *await asyncio.gather(*(made.wire_target(CHAT, "m") for _ in range(times))),
            await made.wire_target(CHAT, "m"),
        ]
        return {one.headers["Authorization"] for one in found if one}

    return asyncio.run(ask())


def test_a_token_is_asked_for_once_however_many_need_it():
    credential = Credential(3600)
    assert tokens(credential, 8) == {"Bearer token-1"} and credential.asked == 1


def test_a_token_about_to_end_is_asked_for_anew():
    assert tokens(Credential(60), 1) == {"Bearer token-1", "Bearer token-2"}


def test_the_event_loop_goes_on_while_a_token_is_asked_for():
    async def ask() -> int:
        made = sample(get_provider("azure-openai"), auth_mode="meid_token")
        made.__dict__["credential"] = Credential(60)
        waiting, turns = asyncio.ensure_future(made.wire_target(CHAT, "m")), 0
        while not waiting.done():
            await asyncio.sleep(0.001)
            turns += 1
        return turns

    assert asyncio.run(ask()) > 3


@pytest.mark.parametrize(
    ("version", "asks"),
    [("2024-02-01", False), ("2024-08-01-preview", False), ("2024-10-21", True)],
)
def test_azure_is_asked_for_the_usage_of_a_stream_where_it_knows_how(version: str, asks: bool):
    made = sample(get_provider("azure-openai"), api_version=version)
    body = {
        "model": "m",
        "messages": MESSAGES,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    assert (
        target(made).asks_usage is asks and ("stream_options" in made.wire_body(CHAT, body)) is asks
    )


def test_who_speaks_another_protocol_has_no_target():
    others = {
        one
        for one, provider in CHATTING.items()
        if asyncio.run(sample(provider).wire_target(CHAT, "m")) is None
    }
    assert others == {one for one in CHATTING if protocol(PROVIDERS[one]) != "openai"}


def test_who_answers_no_chats_has_no_target():
    silent = [sample(provider) for provider in PROVIDERS.values() if not provider.capabilities]
    assert {asyncio.run(made.wire_target(CHAT, "m")) for made in silent} == {None}


def test_foundry_by_the_responses_api_has_a_target_for_vectors_only():
    made = sample(get_provider("microsoft-foundry"), use_responses_api=True)
    assert asyncio.run(made.wire_target(CHAT, "m")) is None and target(
        made, EMBEDDING
    ).url.endswith("/openai/v1/embeddings")


def body_for(one: str, capability: Capability = CHAT, **asks: Any) -> dict[str, Any]:
    """The body as the service gets it, without what was there before."""
    before = {
        "model": "m",
        **({"messages": MESSAGES} if capability is CHAT else {"input": "Hi"}),
        **asks,
    }
    kept = json.dumps(before)
    made = sample(get_provider(one)).wire_body(capability, before)
    assert json.dumps(before) == kept
    return {
        name: value
        for name, value in made.items()
        if name not in ("model", "input") and value != MESSAGES
    }


REASONING = (
    *(
        "o1",
        "o1-2024-12-17",
        "o3-mini",
        "o4-mini-2025-04-16",
        "openai/o3",
        "ft:o4-mini-2025-04-16:acme::1",
        "O3",
        "o3-deep-research",
    ),
    *(
        "gpt-5",
        "gpt-5-mini",
        "gpt-5-2025-08-07",
        "gpt-5-codex",
        "gpt-5.1-chat-latest",
        "gpt-5.2-pro",
        "gpt-5.5",
        "gpt-6-sol",
        "gpt-6.1-terra",
    ),
)
NOT_REASONING = (
    *(
        "gpt-4o",
        "gpt-4o-mini",
        "gpt-4.1-nano",
        "gpt-35-turbo",
        "gpt-3.5-turbo",
        "gpt-5-chat-latest",
        "gpt-5-chat",
        "openai/gpt-5-chat",
    ),
    *("gpt-oss-120b", "o1x", "my-o1", "turbo3", "gpt-55", "deepseek-r1", "", "chatgpt-4o-latest"),
)
HOUSES = ("openai", "azure-openai", "microsoft-foundry")


@pytest.mark.parametrize("one", HOUSES)
@pytest.mark.parametrize("model", REASONING)
def test_a_reasoning_model_takes_no_temperature(one: str, model: str):
    assert {"temperature", "top_p", "logit_bias"} <= sample(get_provider(one)).refused_parameters(
        model
    )
    with pytest.raises(Unsupported) as caught:
        body_for(one, model=model, temperature=0.5)
    assert caught.value.feature == "temperature" and model in caught.value.message


@pytest.mark.parametrize("one", HOUSES)
@pytest.mark.parametrize("model", NOT_REASONING)
def test_other_models_do(one: str, model: str):
    assert sample(get_provider(one)).refused_parameters(model) == frozenset()
    assert body_for(one, model=model, temperature=0.5) == {"temperature": 0.5}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("temperature", 0), ("top_p", 0.5), ("presence_penalty", 1), ("frequency_penalty", -1)),
        *(("logprobs", True), ("top_logprobs", 3), ("logit_bias", {"1": 2})),
    ],
)
def test_what_else_a_reasoning_model_refuses(name: str, value: Any):
    with pytest.raises(Unsupported) as caught:
        body_for("openai", model="o3", **{name: value})
    assert caught.value.feature == name


def test_what_asks_for_nothing_is_left_out_of_a_reasoning_models_request():
    nothing = {
        "temperature": 1,
        "top_p": 1.0,
        "presence_penalty": 0,
        "frequency_penalty": 0.0,
        "logprobs": False,
        "logit_bias": {},
    }
    assert body_for("openai", model="o3", **nothing, seed=7) == {"seed": 7}


@pytest.mark.parametrize("model", ["gpt-5.1", "gpt-5.2-2025-12-11", "gpt-5.4-mini"])
def test_a_model_that_may_leave_off_reasoning_takes_a_temperature_then(model: str):
    assert "temperature" not in sample(get_provider("openai")).refused_parameters(model)
    assert body_for("openai", model=model, temperature=0.5) == {"temperature": 0.5}
    with pytest.raises(Unsupported):
        body_for("openai", model=model, temperature=0.5, reasoning_effort="high")


def test_a_newer_model_takes_a_temperature_when_its_reasoning_is_switched_off():
    sent = {"temperature": 0.5, "reasoning_effort": "none"}
    assert body_for("openai", model="gpt-5.5", **sent) == sent


@pytest.mark.parametrize(
    ("one", "model", "asked", "sent"),
    [
        ("openai", "gpt-4o", "max_tokens", "max_completion_tokens"),
        ("openai", "o3", "max_tokens", "max_completion_tokens"),
        ("azure-openai", "gpt-4o", "max_tokens", "max_tokens"),
        ("azure-openai", "gpt-5-mini", "max_tokens", "max_completion_tokens"),
        ("azure-openai", "gpt-5.1", "max_tokens", "max_completion_tokens"),
        ("microsoft-foundry", "DeepSeek-R1", "max_tokens", "max_tokens"),
        ("mistral", "m", "max_completion_tokens", "max_tokens"),
        ("ollama", "m", "max_completion_tokens", "max_tokens"),
        ("serverless", "m", "max_completion_tokens", "max_tokens"),
        ("openai-compatible", "openai/o3", "max_tokens", "max_tokens"),
        ("openai-compatible", "m", "max_completion_tokens", "max_completion_tokens"),
    ],
)
def test_the_longest_answer_has_the_name_the_service_knows(
    one: str, model: str, asked: str, sent: str
):
    assert body_for(one, model=model, **{asked: 9}) == {sent: 9}


def test_a_name_with_braces_is_only_a_name():
    with pytest.raises(Unsupported, match=r"temperature is not taken by the model o3-\{x\}\{\}"):
        body_for("openai", model="o3-{x}{}", temperature=0)


def test_of_two_names_the_newer_wins():
    assert body_for("openai", max_tokens=1, max_completion_tokens=2) == {"max_completion_tokens": 2}


def test_what_nobody_here_knows_goes_to_openai_as_it_is():
    asked = {
        "n": 3,
        "verbosity": "low",
        "brand_new": {"a": [1]},
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    assert all(body_for(one, **asked) == asked for one in ("openai", "openai-compatible"))


def test_mistral_has_names_of_its_own():
    tools = [{"type": "function", "function": {"name": "f"}}]
    found = body_for(
        "mistral",
        seed=7,
        stream=True,
        stream_options={"include_usage": True},
        tools=tools,
        tool_choice="required",
        n=2,
    )
    assert found == {
        "random_seed": 7,
        "stream": True,
        "tools": tools,
        "tool_choice": "required",
        "n": 2,
    }
    assert body_for("mistral", EMBEDDING, dimensions=256) == {"output_dimension": 256}


DOCUMENTS: dict[str, tuple[dict[str, Any], dict[str, str]]] = {
    "data": (
        {"filename": "a.pdf", "file_data": "data:application/pdf;base64,QQ=="},
        {"document_url": "data:application/pdf;base64,QQ==", "document_name": "a.pdf"},
    ),
    "base64 alone": ({"file_data": "QQ=="}, {"document_url": "data:application/pdf;base64,QQ=="}),
    "address": (
        {"file_data": "https://example.com/a.pdf"},
        {"document_url": "https://example.com/a.pdf"},
    ),
    "a number": ({"file_id": "f1", "file_data": 7}, {"type": "file", "file_id": "f1"}),
    "uploaded": ({"file_id": "f1"}, {"type": "file", "file_id": "f1"}),
}


@pytest.mark.parametrize(("given", "told"), DOCUMENTS.values(), ids=DOCUMENTS)
def test_mistral_is_told_documents_in_its_own_words(given: dict[str, Any], told: dict[str, str]):
    text = {"type": "text", "text": "What is it?"}
    parts = [text, {"type": "file", "file": given}]
    found = body_for("mistral", messages=[{"role": "user", "content": parts}])
    expected = [text, {"type": "document_url", **told}]
    assert found["messages"] == [{"role": "user", "content": expected}]


@pytest.mark.parametrize(
    "name", ["logprobs", "top_logprobs", "logit_bias", "store", "service_tier", "functions"]
)
def test_what_mistral_does_not_know_is_refused_by_name(name: str):
    with pytest.raises(Unsupported) as caught:
        body_for("mistral", **{name: {"store": True, "logprobs": True}.get(name, "x")})
    assert caught.value.feature == name
    assert body_for("mistral", store=False, logprobs=False, service_tier="auto") == {}


@pytest.mark.parametrize("one", ["mistral", "ollama"])
def test_a_developers_message_is_a_systems_where_there_are_no_developers(one: str):
    found = body_for(one, messages=[{"role": "developer", "content": "Be kind."}])
    assert found["messages"] == [{"role": "system", "content": "Be kind."}]


@pytest.mark.parametrize(
    ("name", "value"),
    [("tool_choice", "none"), ("n", 2), ("logit_bias", {"1": 1}), ("parallel_tool_calls", False)],
)
def test_what_ollama_would_pass_over_is_refused_by_name(name: str, value: Any):
    tools = [{"type": "function", "function": {"name": one}} for one in "ab"]
    with pytest.raises(Unsupported) as caught:
        body_for("ollama", tools=tools, **{name: value})
    assert caught.value.feature == name
    assert body_for("ollama", tool_choice="auto", n=1, seed=1) == {"seed": 1}


@pytest.mark.parametrize("one", ["mistral", "ollama"])
@pytest.mark.parametrize("given", [[1, 2], [[1], [2]]])
def test_numbers_of_tokens_are_no_texts(one: str, given: Any):
    with pytest.raises(Unsupported) as caught:
        body_for(one, EMBEDDING, input=given)
    assert caught.value.feature == "input"

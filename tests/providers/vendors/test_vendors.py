"""What single vendors do in their own way."""

import pytest

from providers.core.base import Capability, Model, Provider
from providers.core.errors import ProviderError
from providers.core.registry import get_provider
from providers.core.schema import settings_fields, validate
from tests.providers.samples import sample, sample_settings
from tests.upstreams import Upstream

CHAT, EMBEDDING = frozenset({Capability.CHAT}), frozenset({Capability.EMBEDDING})


def abilities(models: list[Model]) -> dict[str, frozenset[Capability]]:
    return {model.id: model.capabilities for model in models}


def code(provider: Provider) -> str:
    with pytest.raises(ProviderError) as caught:
        provider.check()
    return caught.value.code


def test_openai_says_when_there_is_no_credit():
    answer = (
        429,
        {
            "error": {
                "message": "made up",
                "type": "insufficient_quota",
                "code": "insufficient_quota",
            }
        },
    )
    with Upstream(answers={"/v1/models": answer}) as upstream:
        assert code(sample(get_provider("openai"), upstream.url)) == "quota"


def test_openai_sends_organization_and_project_when_they_are_given(upstream: Upstream):
    sample(get_provider("openai"), upstream.url, organization="org-1", project="proj-1").check()
    headers = upstream.requests[0].headers
    assert (headers["openai-organization"], headers["openai-project"]) == ("org-1", "proj-1")


def test_openai_tells_an_embedding_model_by_its_name(upstream: Upstream):
    found = abilities(sample(get_provider("openai"), upstream.url).list_models())
    assert found == {"gpt-4o-mini": CHAT, "text-embedding-3-small": EMBEDDING}


def test_azure_asks_with_its_version_and_its_own_header(upstream: Upstream):
    found = abilities(sample(get_provider("azure-openai"), upstream.url + "/").list_models())
    request = upstream.requests[0]
    assert (
        request.path == "/openai/models?api-version=2024-02-01"
        and request.headers["api-key"] == "good-key"
    )
    assert "authorization" not in request.headers and found == {"gpt-4o": CHAT, "ada": EMBEDDING}


def test_azure_takes_promptflows_spellings():
    values = {
        **sample_settings(get_provider("azure-openai")),
        "auth_mode": "KEY",
        "resource_id": "/subscriptions/1",
    }
    assert validate(get_provider("azure-openai"), values)[1] == []


def test_anthropic_names_models_for_people(upstream: Upstream):
    assert sample(get_provider("anthropic"), upstream.url).list_models() == [
        Model("claude-made-up", "Claude Made Up", CHAT)
    ]


def test_gemini_models_come_without_their_folder(upstream: Upstream):
    found = abilities(sample(get_provider("google"), upstream.url).list_models())
    assert found == {"gemini-made-up": CHAT, "gemini-embedding": EMBEDDING}


def test_a_wrong_key_at_gemini_is_a_400_with_a_reason():
    answer = (
        400,
        {
            "error": {
                "code": 400,
                "status": "INVALID_ARGUMENT",
                "details": [{"reason": "API_KEY_INVALID"}],
            }
        },
    )
    with Upstream(answers={"/v1beta/models": answer}) as upstream:
        assert code(sample(get_provider("google"), upstream.url)) == "unauthorized"


@pytest.mark.parametrize("details", [None, [], "text", [1], [{"reason": "OTHER"}]])
def test_another_400_at_gemini_is_a_bad_request(details: object):
    with Upstream(
        answers={"/v1beta/models": (400, {"error": {"code": 400, "details": details}})}
    ) as upstream:
        assert code(sample(get_provider("google"), upstream.url)) == "bad_request"


def test_pages_without_end_at_gemini_come_to_an_end():
    page = {
        "models": [{"name": f"models/m{number}"} for number in range(1000)],
        "nextPageToken": "again",
    }
    with Upstream(answers={"/v1beta/models": (200, page)}) as upstream:
        assert len(sample(get_provider("google"), upstream.url).list_models()) == 5000


def test_mistral_uses_what_its_rows_say():
    rows = [("mistral-small", True), ("mistral-ocr", False), ("mistral-embed", False)]
    data = [
        {"id": name, "object": "model", "capabilities": {"completion_chat": chat}}
        for name, chat in rows
    ]
    with Upstream(answers={"/v1/models": (200, {"object": "list", "data": data})}) as upstream:
        found = abilities(sample(get_provider("mistral"), upstream.url).list_models())
    assert found == {"mistral-small": CHAT, "mistral-ocr": frozenset(), "mistral-embed": EMBEDDING}


def test_ollama_uses_what_its_rows_say_and_else_the_family():
    rows = [
        {"name": "a", "capabilities": ["embedding"]},
        {"name": "b", "capabilities": ["completion", "tools"]},
        {"name": "c"},
    ]
    with Upstream(
        answers={
            "/api/tags": (200, {"models": [*rows, {"name": "d", "details": {"family": "bert"}}]})
        },
        keys=None,
    ) as upstream:
        found = abilities(sample(get_provider("ollama"), upstream.url).list_models())
    assert found == {"a": EMBEDDING, "b": CHAT, "c": CHAT, "d": EMBEDDING}


def test_ollama_without_models_is_well():
    with Upstream(answers={"/api/tags": (200, {"models": []})}, keys=None) as upstream:
        assert sample(get_provider("ollama"), upstream.url).check().model_count == 0


@pytest.mark.parametrize(
    ("changes", "sent"),
    [
        ({}, {"authorization": "Bearer good-key"}),
        ({"api_key_prefix": "Token"}, {"authorization": "Token good-key"}),
        ({"api_key_header": "X-My-Key"}, {"x-my-key": "good-key"}),
        ({"api_key_header": "X-My-Key", "api_key_prefix": "Key"}, {"x-my-key": "Key good-key"}),
        ({"api_key_header": "Authorization"}, {"authorization": "good-key"}),
        ({"api_key": ""}, {}),
        (
            {"api_key": "", "extra_headers": "authorization: Basic abc"},
            {"authorization": "Basic abc"},
        ),
        (
            {"extra_headers": "X-My-Key: other"},
            {"authorization": "Bearer good-key", "x-my-key": "other"},
        ),
    ],
)
def test_a_compatible_service_gets_its_key_where_it_wants_it(changes: dict, sent: dict):
    with Upstream(keys=None) as upstream:
        sample(
            get_provider("openai-compatible"), upstream.url, **{"extra_headers": None, **changes}
        ).check()
    headers = upstream.requests[0].headers
    assert {
        name: headers[name] for name in ("authorization", "x-my-key") if name in headers
    } == sent


def test_more_headers_are_sent(upstream: Upstream):
    sample(
        get_provider("openai-compatible"), upstream.url, extra_headers="X-Team: blue\nX-Zone: 1"
    ).check()
    assert (upstream.requests[0].headers["x-team"], upstream.requests[0].headers["x-zone"]) == (
        "blue",
        "1",
    )


AWS_CODES = {
    "UnrecognizedClientException": (400, "unauthorized"),
    "InvalidSignatureException": (403, "unauthorized"),
    "ExpiredTokenException": (403, "unauthorized"),
    "AccessDeniedException": (403, "forbidden"),
    "ThrottlingException": (400, "rate_limited"),
    "ServiceQuotaExceededException": (400, "quota"),
    "ValidationException": (400, "bad_request"),
    "InternalServerException": (500, "error"),
}


@pytest.mark.parametrize("name", AWS_CODES)
def test_bedrock_errors_are_told_apart_by_their_code(name: str):
    status, expected = AWS_CODES[name]
    with (
        Upstream(
            answers={"/foundation-models": (status, {"__type": name, "message": "made up"})}
        ) as upstream,
        pytest.raises(ProviderError) as caught,
    ):
        sample(get_provider("amazon"), upstream.url).check()
    assert (caught.value.code, caught.value.status) == (expected, status)


def test_bedrock_requests_are_signed_for_the_region(upstream: Upstream):
    sample(get_provider("amazon"), upstream.url, region="eu-central-1").check()
    assert "/eu-central-1/bedrock/aws4_request" in upstream.requests[0].headers["authorization"]
    assert upstream.requests[0].headers["x-amz-security-token"] == "good-key"
    assert not any(secret in upstream.requests[0].path for secret in ("good-key",))


def test_bedrock_is_asked_at_aws_unless_an_endpoint_is_given(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://elsewhere.example")
    monkeypatch.setenv("AWS_ENDPOINT_URL_BEDROCK", "http://elsewhere.example")
    made = sample(get_provider("amazon"), endpoint=None, region="eu-west-1")
    assert made.client.meta.endpoint_url == "https://bedrock.eu-west-1.amazonaws.com"


def test_bedrock_agrees_with_a_second_opinion(upstream: Upstream):
    from botocore.stub import Stubber

    made = sample(get_provider("amazon"), upstream.url)
    with Stubber(made.client) as stubber:
        stubber.add_response(
            "list_foundation_models",
            {"modelSummaries": [{"modelArn": "arn:aws:bedrock:::x", "modelId": "a.b"}]},
        )
        assert made.list_models() == [Model("a.b", "a.b")]


def test_a_machine_without_aws_credentials_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path):
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    assert code(sample(get_provider("amazon"), auth_mode="default")) == "unauthorized"


def test_the_default_chain_of_aws_reads_the_machine(
    monkeypatch: pytest.MonkeyPatch, upstream: Upstream
):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "good-key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "made-up")
    assert (
        sample(get_provider("amazon"), upstream.url, auth_mode="DEFAULT").check().model_count == 2
    )


@pytest.mark.parametrize("region", ["evil.example/#", "us east", "US-EAST-1", "x"])
def test_a_region_is_no_way_to_another_host(region: str):
    _, errors = validate(
        get_provider("amazon"), {**sample_settings(get_provider("amazon")), "region": region}
    )
    assert [one.field for one in errors] == ["region"]


def test_aws_keys_are_wanted_with_keys_only():
    needed = {one.field for one in validate(get_provider("amazon"), {})[1]}
    assert needed == {"access_key_id", "secret_access_key"}
    assert validate(get_provider("amazon"), {"auth_mode": "default"})[1] == []
    assert settings_fields(get_provider("amazon"))["auth_mode"].choices[1] == (
        "default",
        "Default AWS credential chain",
    )

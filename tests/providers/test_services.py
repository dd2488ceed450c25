"""What single services without models do in their own way, and the serverless endpoint of Azure."""

import logging
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pytest

from providers.core.base import EgressPolicy, Model, Provider
from providers.core.errors import ProviderError
from providers.core.registry import get_provider
from providers.core.schema import settings_fields, validate
from providers.vendors.service import Service
from tests.upstreams import GOOD_KEY, Upstream

from .samples import SERVICES, WRONG_KEY, sample, sample_settings

ENTRA = ("azure-ai-search", "azure-ai-services")
ASKED = {
    "azure-ai-search": ("/servicestats?api-version=2023-11-01", {"api-key": GOOD_KEY}),
    "azure-ai-services": ("/openai/models?api-version=2024-10-21", {"api-key": GOOD_KEY}),
    "azure-content-safety": (
        "/contentsafety/text/blocklists?api-version=2023-10-01",
        {"ocp-apim-subscription-key": GOOD_KEY},
    ),
    "azure-document-intelligence": (
        "/formrecognizer/info?api-version=2023-07-31",
        {"ocp-apim-subscription-key": GOOD_KEY},
    ),
    "qdrant": ("/collections", {"api-key": GOOD_KEY}),
    "serpapi": (f"/account?api_key={GOOD_KEY}", {}),
    "weaviate": ("/v1/meta", {"authorization": f"Bearer {GOOD_KEY}"}),
}
CREDENTIALS = ("authorization", "api-key", "ocp-apim-subscription-key", "x-api-key")
ADDRESSES = {
    "azure-ai-search": "endpoint",
    "azure-ai-services": "endpoint",
    "azure-content-safety": "endpoint",
    "azure-document-intelligence": "endpoint",
    "qdrant": "url",
    "serpapi": "base_url",
    "weaviate": "url",
}

every_service = pytest.mark.parametrize("one", ASKED)


@pytest.fixture
def identity(monkeypatch: pytest.MonkeyPatch, upstream: Upstream) -> Upstream:
    """A machine with a managed identity, whose token is the good key."""
    monkeypatch.setenv("IDENTITY_ENDPOINT", f"{upstream.url}/msi/token")
    monkeypatch.setenv("IDENTITY_HEADER", "x")
    return upstream


def failure(made: Provider) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        made.check()
    return caught.value


def at(one: str, address: str) -> Provider:
    """A service at this very address."""
    provider = get_provider(one)
    settings, errors = validate(provider, {**sample_settings(provider), ADDRESSES[one]: address})
    assert settings, errors
    return provider(settings)


def test_every_service_is_in_the_tables():
    assert (
        {one for one, provider in SERVICES.items() if issubclass(provider, Service)}
        == set(ASKED)
        == set(ADDRESSES)
    )


@every_service
def test_it_asks_its_own_question_with_its_key_in_its_own_place(one: str, upstream: Upstream):
    sample(get_provider(one), upstream.url).check()
    sent = upstream.requests[0]
    assert (
        sent.path,
        {name: sent.headers[name] for name in CREDENTIALS if name in sent.headers},
    ) == ASKED[one]


@every_service
def test_a_slash_at_the_end_of_the_address_changes_nothing(one: str, upstream: Upstream):
    at(one, f"{upstream.url}/").check()
    assert upstream.requests[0].path == ASKED[one][0]


@every_service
def test_what_it_asks_is_said_without_a_key(one: str):
    made = sample(get_provider(one), "https://api.example.com")
    assert GOOD_KEY not in made.asks and made.asks.startswith("GET https://api.example.com/")


@every_service
def test_its_client_is_made_once_and_asks_nothing_yet(one: str, upstream: Upstream):
    made = sample(get_provider(one), upstream.url)
    assert made.client is made.client and upstream.requests == []


@every_service
def test_a_host_that_may_not_be_asked_is_not(one: str, upstream: Upstream):
    provider = get_provider(one)
    made = provider(
        validate(provider, sample_settings(provider, upstream.url))[0],
        EgressPolicy(allow=("api.example.com",)),
    )
    assert failure(made).code == "blocked_address" and upstream.requests == []


@every_service
def test_a_version_of_the_api_is_a_part_of_no_other_question(one: str):
    if "api_version" in settings_fields(get_provider(one)):
        made = sample(get_provider(one), api_version="2024-01-01&x=/../y")
        assert made.asks.endswith("?api-version=2024-01-01%26x%3D%2F..%2Fy")


def test_azure_ai_search_says_what_a_refused_key_may_be():
    answer = {"/servicestats": (403, {"error": {"code": "", "message": "made up"}})}
    with Upstream(answers=answer) as upstream:
        error = failure(sample(get_provider("azure-ai-search"), upstream.url))
    assert (error.code, error.permanent) == ("forbidden", True)
    assert (
        upstream.host in error.message
        and "admin key" in error.message
        and "made up" not in error.message
    )


def test_an_old_qdrant_refuses_a_wrong_key_with_403():
    with Upstream(answers={"/collections": (403, {})}) as upstream:
        error = failure(sample(get_provider("qdrant"), upstream.url, key=WRONG_KEY))
    assert (
        error.code == "forbidden"
        and "does not accept this key" in error.message
        and WRONG_KEY not in error.message
    )


@pytest.mark.parametrize(
    ("version", "room"),
    [
        ("2022-08-31", "formrecognizer"),
        ("2023-07-31", "formrecognizer"),
        ("2023-10-31-preview", "documentintelligence"),
    ],
)
def test_document_intelligence_moved_with_its_name(version: str, room: str, upstream: Upstream):
    sample(get_provider("azure-document-intelligence"), upstream.url, api_version=version).check()
    assert upstream.requests[0].path == f"/{room}/info?api-version={version}"


def test_weaviate_is_asked_below_v1_once(upstream: Upstream):
    at("weaviate", f"{upstream.url}/v1/").check()
    assert upstream.requests[0].path == "/v1/meta"


@pytest.mark.parametrize(
    ("one", "resource"),
    [*zip(ENTRA, ("search.azure.com", "cognitiveservices.azure.com"), strict=True)],
)
def test_a_token_is_asked_for_the_service_it_is_for(one: str, resource: str, identity: Upstream):
    sample(get_provider(one), identity.url, auth_mode="meid_token").check()
    asked = parse_qs(urlsplit(identity.requests[0].path).query)
    assert asked["resource"] == [f"https://{resource}"]


@pytest.mark.parametrize("one", ENTRA)
def test_a_token_that_ended_is_asked_for_anew(one: str, identity: Upstream):
    ended = {
        "access_token": GOOD_KEY,
        "token_type": "Bearer",
        "expires_in": "1",
        "expires_on": "1",
        "resource": "made-up",
    }
    identity.answers["/msi/token"] = (200, ended)
    made = sample(get_provider(one), identity.url, auth_mode="meid_token")
    assert made.check().asked and made.check().asked
    assert [request.path.partition("?")[0] for request in identity.requests].count(
        "/msi/token"
    ) == 2


@pytest.mark.parametrize("one", ENTRA)
def test_a_token_that_the_service_refuses_is_unauthorized(one: str, identity: Upstream):
    identity.answers["/msi/token"] = (
        200,
        {"access_token": "other-token-11", "expires_on": "4102444800", "resource": "made-up"},
    )
    error = failure(sample(get_provider(one), identity.url, auth_mode="meid_token"))
    assert error.code == "unauthorized" and "other-token-11" not in error.message


@pytest.mark.parametrize("one", ENTRA)
def test_a_key_is_wanted_with_a_key_only(one: str):
    wanted = {"endpoint": "https://a.example"}
    assert [(error.field, error.code) for error in validate(get_provider(one), wanted)[1]] == [
        ("api_key", "required")
    ]
    assert validate(get_provider(one), {**wanted, "auth_mode": "Meid_Token"})[1] == []


class Kept(logging.Handler):
    """What a logger was told, as it was told: before any filter of the product takes a secret
    out.
    """

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture) -> Iterator[list[str]]:
    """The lines of the HTTP client's log."""
    caplog.set_level("DEBUG", "httpx2")
    kept, client = Kept(), logging.getLogger("httpx2")
    client.addHandler(kept)
    yield kept.lines
    client.removeHandler(kept)


def test_serpapis_key_is_in_no_address_that_is_logged_wherever_the_service_sends_it(
    told: list[str],
):
    with Upstream(mode="redirect_within") as upstream:
        sample(get_provider("serpapi"), upstream.url).check()
    assert [request.path for request in upstream.requests] == [
        f"{path}?api_key={GOOD_KEY}" for path in ("/account", "/moved/account")
    ]
    assert [line.split()[3].removeprefix(upstream.url) for line in told] == [
        "/account",
        "/moved/account",
    ]


def test_serpapis_key_does_not_follow_to_another_host(upstream: Upstream):
    with Upstream(mode="redirect_away", target=upstream.url) as elsewhere:
        error = failure(sample(get_provider("serpapi"), elsewhere.url))
    assert error.code == "bad_response" and upstream.requests == []


def test_a_key_of_serpapi_arrives_as_it_is():
    key = "a b&c=d/e?f#g"
    with Upstream(keys={key}) as upstream:
        assert sample(get_provider("serpapi"), upstream.url, key=key).check().asked


@pytest.mark.parametrize("end", ["", "/", "/v1", "/v1/"])
def test_a_serverless_endpoint_is_asked_below_v1_once(end: str, upstream: Upstream):
    made = sample(get_provider("serverless"), upstream.url, endpoint=upstream.url + end)
    assert made.check().model_count and made.answers_url == f"{upstream.url}/v1"
    assert [request.path for request in upstream.requests] == ["/v1/models"]


def test_a_serverless_endpoint_without_a_list_tells_its_model():
    answers = {
        "/v1/models": (404, {}),
        "/info": (200, {"model_name": "Phi-4", "model_type": "chat-completion"}),
    }
    with Upstream(answers=answers) as upstream:
        assert [
            model.id for model in sample(get_provider("serverless"), upstream.url).list_models()
        ] == ["Phi-4"]
        assert upstream.requests[-1].headers["authorization"] == f"Bearer {GOOD_KEY}"


@pytest.mark.parametrize(
    ("answer", "code"),
    [((404, {}), "not_found"), ((401, {}), "unauthorized"), ((200, {}), "bad_response")],
)
def test_a_serverless_endpoint_that_tells_nothing_fails(answer: tuple, code: str):
    with Upstream(answers={"/v1/models": (404, {}), "/info": answer}) as upstream:
        assert failure(sample(get_provider("serverless"), upstream.url)).code == code


def test_a_serverless_endpoint_offers_chats_only():
    rows = {
        "object": "list",
        "data": [{"id": one, "object": "model"} for one in ("phi-4", "cohere-embed-v3")],
    }
    with Upstream(answers={"/v1/models": (200, rows)}) as upstream:
        models = sample(get_provider("serverless"), upstream.url).list_models()
    chat = frozenset(get_provider("serverless").capabilities)
    assert models == [
        Model("phi-4", "phi-4", chat),
        Model("cohere-embed-v3", "cohere-embed-v3", frozenset()),
    ]

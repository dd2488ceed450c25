"""Microsoft Entra ID, offline: a managed identity (IDENTITY_ENDPOINT) and an app registration, both
end to end.
"""

import asyncio

import pytest

from providers.core.base import EgressPolicy, Provider
from providers.core.errors import ProviderError
from providers.core.registry import get_provider
from providers.core.schema import validate
from providers.http import egress
from tests.providers.samples import PATIENT, sample
from tests.upstreams import Upstream, trusting_context

AZURE = ("azure-openai", "microsoft-foundry", "azure-ai-search", "azure-ai-services")
APP = {
    "auth_mode": "meid_token",
    "tenant_id": "contoso.onmicrosoft.com",
    "client_id": "made-up-app",
    "client_secret": "app-secret-4417",
}

every_azure = pytest.mark.parametrize("provider", [get_provider(one) for one in AZURE], ids=AZURE)


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (
        "AZURE_TENANT_ID",
        "AZURE_CLIENT_ID",
        "AZURE_CLIENT_SECRET",
        "IDENTITY_ENDPOINT",
        "IDENTITY_HEADER",
        "MSI_ENDPOINT",
    ):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def identity(monkeypatch: pytest.MonkeyPatch, upstream: Upstream) -> Upstream:
    """A machine with a managed identity, whose token is the good key."""
    monkeypatch.setenv("IDENTITY_ENDPOINT", f"{upstream.url}/msi/token")
    monkeypatch.setenv("IDENTITY_HEADER", "x")
    return upstream


@pytest.fixture
def authority(monkeypatch: pytest.MonkeyPatch):
    """Microsoft Entra ID itself: Azure's library speaks to it over TLS only."""
    monkeypatch.setattr(egress, "trusted_authorities", trusting_context)
    with Upstream(mode="self_signed") as running:
        yield running


def code(provider: Provider) -> str:
    with pytest.raises(ProviderError) as caught:
        provider.check()
    assert "app-secret-4417" not in caught.value.message
    return caught.value.code


@every_azure
def test_the_machines_own_identity_opens_the_door(provider: type[Provider], identity: Upstream):
    made = sample(provider, identity.url, auth_mode="meid_token")
    assert made.check().asked and made.check().asked
    asked = [request.path.partition("?")[0] for request in identity.requests]
    assert (
        asked.count("/msi/token") == 1
        and identity.requests[-1].headers["authorization"] == "Bearer good-key"
    )
    assert "api-key" not in identity.requests[-1].headers


def test_a_fetched_token_is_a_secret_too(identity: Upstream):
    made = sample(get_provider("azure-openai"), identity.url, auth_mode="meid_token")
    assert made.held_secrets == ()
    assert asyncio.run(made.held_token()) == "good-key"
    assert made.held_secrets == ("good-key",)


@every_azure
def test_a_key_that_was_kept_is_not_sent_with_a_token(provider: type[Provider], identity: Upstream):
    sample(provider, identity.url, auth_mode="MEID_TOKEN", api_key="left-over").check()
    assert not any("left-over" in request for request in identity.requests)


@every_azure
def test_an_app_registration_opens_the_door(
    provider: type[Provider], authority: Upstream, upstream: Upstream
):
    assert sample(provider, upstream.url, **APP, authority=authority.url).check().asked
    assert (
        "app-secret-4417" in authority.requests[-1]
        and upstream.requests[0].headers["authorization"] == "Bearer good-key"
    )
    assert not any("app-secret-4417" in request for request in upstream.requests)


def test_a_wrong_app_secret_is_unauthorized(authority: Upstream, upstream: Upstream):
    authority.answers[f"/{APP['tenant_id']}/oauth2/v2.0/token"] = (
        401,
        {"error": "invalid_client", "error_description": "made up"},
    )
    assert (
        code(sample(get_provider("azure-openai"), upstream.url, **APP, authority=authority.url))
        == "unauthorized"
    )
    assert upstream.requests == []


@pytest.mark.parametrize(
    ("mode", "expected"), [("hang", "timeout"), ("redirect_away", "bad_response")]
)
def test_a_token_service_that_misbehaves_is_told(
    mode: str, expected: str, authority: Upstream, upstream: Upstream
):
    authority.mode, authority.target = mode, upstream.url
    made = sample(
        get_provider("azure-openai"), upstream.url, **APP, authority=f"https://{authority.host}"
    )
    made.limits = made.limits.__class__(timeout=0.5, max_retries=0)
    assert code(made) == expected and upstream.requests == []


def test_egress_rules_hold_for_the_token_service_too(upstream: Upstream):
    settings = sample(get_provider("azure-openai"), upstream.url, **APP).settings
    made = get_provider("azure-openai")(settings, EgressPolicy(allow=("127.0.0.1",)), PATIENT)
    assert code(made) == "blocked_address"


@every_azure
@pytest.mark.parametrize("absent", ["tenant_id", "client_id", "client_secret"])
def test_all_three_or_none(provider: type[Provider], absent: str):
    values = {**APP, "endpoint": "https://a.example", absent: ""}
    assert [(one.field, one.code) for one in validate(provider, values)[1]] == [
        (absent, "incomplete")
    ]


def test_a_tenant_is_no_path():
    _, errors = validate(
        get_provider("azure-openai"),
        {**APP, "endpoint": "https://a.example", "tenant_id": "../evil"},
    )
    assert [(one.field, one.code) for one in errors] == [("tenant_id", "tenant_id")]


def test_a_project_lists_its_deployments(identity: Upstream):
    made = sample(
        get_provider("microsoft-foundry"), identity.url, auth_mode="meid_token", project_name="blue"
    )
    assert [(model.id, model.name) for model in made.list_models()] == [("my-chat", "gpt-4o")]
    assert identity.requests[-1].path == "/api/projects/blue/deployments?api-version=v1"
    assert "ai.azure.com" in identity.requests[0].path


def test_the_next_page_is_asked_of_the_same_host_only(identity: Upstream):
    path = "/api/projects/blue/deployments"
    with Upstream() as other:
        identity.answers[path] = (200, {"value": [], "nextLink": f"{other.url}/next"})
        assert (
            code(
                sample(
                    get_provider("microsoft-foundry"),
                    identity.url,
                    auth_mode="meid_token",
                    project_name="blue",
                )
            )
            == "bad_response"
        )
    assert other.requests == []


def test_pages_without_end_come_to_an_end(identity: Upstream):
    path = "/api/projects/blue/deployments"
    identity.answers[path] = (200, {"value": [{"name": "one"}], "nextLink": identity.url + path})
    assert (
        len(
            sample(
                get_provider("microsoft-foundry"),
                identity.url,
                auth_mode="meid_token",
                project_name="blue",
            ).list_models()
        )
        == 20
    )


def test_a_project_that_is_refused_is_told(identity: Upstream):
    identity.answers["/api/projects/blue/deployments"] = (403, {})
    assert (
        code(
            sample(
                get_provider("microsoft-foundry"),
                identity.url,
                auth_mode="meid_token",
                project_name="blue",
            )
        )
        == "forbidden"
    )

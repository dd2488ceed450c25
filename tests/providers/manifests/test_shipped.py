"""The types that come with the application: whole, and between them every feature of the
language.
"""

import base64
import re
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

import httpx2
import pytest
from pydantic import BaseModel

from providers.core.errors import ProviderError
from providers.core.registry import all_providers, get_provider
from providers.core.schema import secret_names, settings_fields, validate
from providers.http.hosts import Hosts
from providers.manifests import Manifest, ManifestProvider, manifest_text, read_manifest, shipped
from providers.manifests.auth import STEPS
from providers.manifests.document import Kind, TypeField, Variant
from providers.manifests.requests import RequestTemplate, Test
from tests.httpserver import Answer, HttpServer
from tests.upstreams import ROOT

from .manifests import made
from .shipped import KEY, SETTINGS

MANIFESTS = {one.key: one for one in shipped()}
CASES = [(key, index) for key, rows in SETTINGS.items() for index in range(len(rows))]
every = pytest.mark.parametrize("key", MANIFESTS)
every_case = pytest.mark.parametrize(("key", "index"), CASES)


def parts(value: Any) -> Iterator[BaseModel]:
    """The value and everything in it that is a part of a manifest."""
    if isinstance(value, BaseModel):
        yield value
        value = [getattr(value, name) for name in type(value).model_fields]
    for one in (
        value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    ):
        yield from parts(one)


def features(manifest: Manifest) -> Iterator[str]:
    """What of the language a manifest uses, as `TypeField.pattern` or `TypeField.kind=url`."""
    for part in parts(manifest):
        for name, info in type(part).model_fields.items():
            value = getattr(part, name)
            if value != info.get_default(call_default_factory=True):
                yield f"{type(part).__name__}.{name}"
            if name in ("kind", "use", "cost", "method", "client_in"):
                yield f"{name}={value}"
            if name in ("allowed_hosts", "body") and value is not None:
                yield f"{name}={'{}' if '{' in str(value) else 'literal'}"


def test_the_twenty_five_are_there():
    names = {
        "Zendesk",
        "Jira Cloud",
        "Salesforce",
        "Slack webhook",
        "Twilio",
        "Elasticsearch",
        "GitHub",
        "GitLab",
        "Stripe",
        "ServiceNow",
        "Google Maps",
    }
    names |= {
        "Weights & Biases",
        "Hugging Face",
        "Notion",
        "HubSpot",
        "Shopify",
        "Confluence",
        "Datadog",
        "PagerDuty",
        "Snowflake",
        "BigQuery",
        "SendGrid",
        "Pinecone",
        "Azure DevOps",
        "Telegram",
    }
    assert {one.label for one in MANIFESTS.values()} == names
    assert all(
        issubclass(get_provider(key), ManifestProvider) and get_provider(key) in all_providers()
        for key in MANIFESTS
    )
    assert SETTINGS.keys() == MANIFESTS.keys()


def test_between_them_they_use_every_feature():
    used = {feature for one in MANIFESTS.values() for feature in features(one)}
    wanted = (
        {f"kind={kind}" for kind in Kind.__args__}
        | {f"use={use}" for use in STEPS}
        | {f"cost={cost}" for cost in ("free", "tiny", "billed")}
    )
    for part in {type(part) for one in MANIFESTS.values() for part in parts(one)}:
        wanted |= {f"{part.__name__}.{name}" for name in part.model_fields}
    # what no vendor here wants has its own tests, in test_steps.py and test_requests.py
    unused = {
        "Manifest.deprecated",
        "Variant.addresses",
        "RequestTemplate.address",
        *(f"RevokeRequest.{one}" for one in ("address", "query", "headers", "content_type")),
        *(
            f"{step.__name__}.{name}"
            for step in STEPS.values()
            for name in ("when", "parameters", "scope", "header", "scheme")
        ),
        *(
            f"use={use}"
            for use in STEPS.keys() & {"jwt", "oauth2_jwt", "oauth2_code"}
            | {"aws_v4", "azure_hmac", "client_certificate", "hmac"}
        ),
        "GoogleServiceAccount.subject",
        "GoogleServiceAccount.token_url",
    }
    assert wanted - used - unused == set()
    assert {
        "HeaderAuth.when",
        "PasswordGrant.scope",
        "allowed_hosts={}",
        "allowed_hosts=literal",
    } <= used


@every
def test_a_file_says_where_it_was_looked_up(key: str):
    text = files("providers.manifests").joinpath("types", f"{key}.yaml").read_text("utf-8")
    assert re.match(r"# https://\S+\n", text) and MANIFESTS[key].docs
    assert (
        MANIFESTS[key].warnings == ()
        and read_manifest(manifest_text(MANIFESTS[key])) == MANIFESTS[key]
    )


@every
def test_every_setting_is_explained_by_the_vendor_s_words(key: str):
    provider = get_provider(key)
    assert all(
        field.help
        for field in MANIFESTS[key].fields
        if field.kind not in ("secret",) and not field.default
    )
    assert secret_names(provider) and all(
        field.help.endswith(".") for field in settings_fields(provider).values()
    )


def moved(manifest: Manifest, url: str) -> Manifest:
    """The same type at another address, which every path, step and test stays as it is."""

    def there(text: str) -> str:
        return re.sub(r"^(https://[^/]*|\{(url|node|host|server|webhook_url)\})", url, text)

    def step(one: Any) -> Any:
        return (
            one.model_copy(update={"token_url": there(one.token_url)})
            if hasattr(one, "token_url")
            else one
        )

    def changes(one: Any) -> dict[str, Any]:
        auth = one.auth if one.auth is None else [step(each) for each in one.auth]
        return {
            "base_url": one.base_url and there(one.base_url),
            "addresses": {} if isinstance(one, Manifest) else None,
            "allowed_hosts": None,
            "auth": auth,
        }

    variants = [one.model_copy(update=changes(one)) for one in manifest.variants]
    return manifest.model_copy(update=changes(manifest) | {"variants": variants})


def basic(username: str, password: str = KEY) -> str:
    return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()


WIRE: dict[str, list[tuple[str, str]]] = {
    "zendesk": [
        ("GET /api/v2/users/me.json", basic("jo@example.com/token")),
        ("GET /api/v2/users/me.json", f"Bearer {KEY}"),
    ],
    "jira": [("GET /rest/api/3/myself", basic("jo@example.com"))],
    "salesforce": [("GET /services/data/v62.0/limits", "Bearer fetched")] * 2,
    "slack-webhook": [("POST /", "")],
    "twilio": [
        (f"GET /2010-04-01/Accounts/AC{'0' * 32}.json", basic(f"AC{'0' * 32}")),
        (f"GET /2010-04-01/Accounts/AC{'0' * 32}.json", basic(f"SK{'1' * 32}")),
    ],
    "elasticsearch": [
        ("GET /_security/_authenticate", basic("elastic")),
        ("GET /_security/_authenticate", basic("jo")),
        ("GET /_security/_authenticate", f"ApiKey {KEY}"),
    ],
    "github": [
        ("GET /user", "Bearer ghp_madeup5512"),
        ("GET /api/v3/user", "Bearer ghp_madeup5512"),
    ],
    "stripe": [
        ("GET /v1/balance", "Bearer sk_test_madeup5512"),
        ("GET /v1/balance", "Bearer rk_live_madeup5512"),
    ],
    "servicenow": [
        ("GET /api/now/table/incident?sysparm_limit=1&sysparm_fields=sys_id", basic("jo")),
        ("GET /api/now/table/incident?sysparm_limit=1&sysparm_fields=sys_id", "Bearer fetched"),
    ],
    "google-maps": [(f"GET /maps/api/geocode/json?address=Berlin&language=en&key={KEY}", "")],
    "weights-and-biases": [("POST /graphql", basic("api"))],
    "hugging-face": [("GET /api/whoami-v2", "Bearer hf_madeup5512")] * 2,
}


def test_github_and_gitlab_tell_when_a_token_ends():
    told = [
        ("github", Answer(headers={"GitHub-Authentication-Token-Expiration": GITHUBS})),
        ("gitlab", Answer(body={"id": 4, "active": True, "expires_at": "2031-02-03"})),
        ("gitlab", Answer(body={"id": 4, "active": True, "expires_at": None})),
        ("github", Answer()),
    ]
    ends = []
    for key, answer in told:
        with HttpServer(default=answer) as server:
            found = made(moved(MANIFESTS[key], server.url), **SETTINGS[key][1]).check().key_end
        assert found and found.source.startswith("127.0.0.1")
        ends.append(found.at and found.at.isoformat())
    assert ends == ["2031-02-03T08:15:00+00:00", "2031-02-03T23:59:59+00:00", None, None]


def test_gitlab_and_github_end_a_key_with_itself():
    told = []
    for key, status in (("gitlab", 204), ("github", 202), ("github", 422)):
        with HttpServer(default=Answer(status)) as server:
            provider = made(moved(MANIFESTS[key], server.url), **SETTINGS[key][0])
            if status == 422:
                with pytest.raises(ProviderError):
                    provider.revoke()
            else:
                assert "has ended the key" in provider.revoke()
        (one,) = server.requests
        tokens = one.values("private-token") + one.values("authorization")
        told.append((one.line, tokens, one.body))
    body = b'{"credentials": ["ghp_madeup5512"]}'
    assert told == [
        ("DELETE /api/v4/personal_access_tokens/self HTTP/1.1", ["glpat-madeup5512"], b""),
        *[("POST /credentials/revoke HTTP/1.1", [], body)] * 2,
    ]


def test_a_type_says_for_which_of_its_variants_a_key_can_be_ended():
    can = get_provider("github").can_revoke
    assert [can({"variant": one}) for one in ("cloud", "server")] == [True, False]
    assert not get_provider("stripe").can_revoke({})


GITHUBS = "2031-02-03 10:15:00 +0200"
GOOD: dict[str, Answer] = {
    "slack-webhook": Answer(400, "invalid_payload"),
    "google-maps": Answer(body={"status": "OK"}),
    "weights-and-biases": Answer(body={"data": {"viewer": {"__typename": "User"}}}),
}
BAD: dict[str, Answer] = {
    "slack-webhook": Answer(404, "no_service"),
    "google-maps": Answer(body={"status": "REQUEST_DENIED"}),
    "weights-and-biases": Answer(body={"data": {"viewer": None}}),
}


every_row = pytest.mark.parametrize(
    ("key", "index"), [(key, index) for key, rows in WIRE.items() for index in range(len(rows))]
)


@every_row
def test_a_check_sends_these_bytes(key: str, index: int):
    token = Answer(body={"access_token": "fetched", "token_type": "Bearer"})
    with HttpServer(
        {"/services/oauth2/token": token, "/oauth_token.do": token}, GOOD.get(key, Answer())
    ) as server:
        result = made(moved(MANIFESTS[key], server.url), **SETTINGS[key][index]).check()
    line, authorization = WIRE[key][index]
    assert server.requests[-1].line == f"{line} HTTP/1.1"
    assert (server.requests[-1].values("authorization") or [""]) == [authorization]
    assert KEY not in result.asked and "It works: HTTP" in result.verdict


@every_row
def test_a_wrong_key_is_told(key: str, index: int):
    token = Answer(body={"access_token": "fetched", "token_type": "Bearer"})
    answers = {"/services/oauth2/token": token, "/oauth_token.do": token}
    with (
        HttpServer(answers, BAD.get(key, Answer(401, {}))) as server,
        pytest.raises(ProviderError) as caught,
    ):
        made(moved(MANIFESTS[key], server.url), **SETTINGS[key][index]).check()
    assert (caught.value.code, caught.value.permanent) == ("unauthorized", True)


@every_case
def test_its_address_is_the_vendor_s(key: str, index: int):
    one = made(MANIFESTS[key], **SETTINGS[key][index])
    assert one.base_url.startswith("https://") and one.allowed_hosts and one.access
    Hosts(one.base_url, one.allowed_hosts).refuse(httpx2.URL(one.base_url))
    assert KEY not in (
        f"{one!r} {one.access!r} {one.settings!r} {one.asks} {one.settings.model_dump_json()}"
    )


def test_the_addresses_of_those_with_a_choice():
    one = made(MANIFESTS["twilio"], **SETTINGS["twilio"][1])
    assert one.base_url == "https://api.dublin.ie1.twilio.com" and one.allowed_hosts == (
        "*.twilio.com",
    )
    cloud = made(MANIFESTS["elasticsearch"], **SETTINGS["elasticsearch"][0])
    assert cloud.base_url == "https://a1.es.us-east-1.aws.elastic.cloud:9243"
    assert cloud.allowed_hosts == ("a1.es.us-east-1.aws.elastic.cloud:9243",)


@pytest.mark.parametrize(
    ("key", "changes", "field"),
    [
        (
            "slack-webhook",
            {"webhook_url": "https://hooks.slack.com.evil.example/services/T/B/x"},
            "webhook_url",
        ),
        (
            "slack-webhook",
            {"webhook_url": "https://evil.example/?https://hooks.slack.com/services/T/B/x"},
            "webhook_url",
        ),
        ("salesforce", {"domain": "acme.my.salesforce.com.evil.example"}, "domain"),
        ("salesforce", {"domain": "evil.example"}, "domain"),
        ("elasticsearch", {"endpoint": "evil.example"}, "endpoint"),
        ("zendesk", {"subdomain": "evil.example/"}, "subdomain"),
        ("google-maps", {"service_account": "no json"}, "service_account"),
        ("datadog", {"site": "evil.example"}, "site"),
        ("sendgrid", {"region": "evil.example"}, "region"),
        ("pinecone", {"index_host": "docs.svc.x.pinecone.io.evil.example"}, "index_host"),
        ("telegram", {"token": "123/../456789:AAAAAAAAAAAAAAAAAAAAAAAA"}, "token"),
        ("stripe", {"secret_key": "pk_live_x"}, "secret_key"),
    ],
)
def test_what_is_not_the_vendor_s_is_refused(key: str, changes: dict[str, str], field: str):
    _, errors = validate(get_provider(key), SETTINGS[key][0] | changes)
    assert [error.field for error in errors] == [field] and not any(
        value in errors[0].message for value in changes.values()
    )


def test_the_documents_about_manifests_name_everything_and_their_example_is_one():
    text = (ROOT / "docs" / "connection-types.md").read_text("utf-8")
    example = read_manifest(re.search(r"```yaml\n(.*?)```", text, re.DOTALL)[1])
    names = {
        info.serialization_alias or name
        for part in (Manifest, TypeField, Variant, RequestTemplate, Test)
        for name, info in part.model_fields.items()
    }
    assert {
        f"`{name}`" for name in {*names, *STEPS, *Kind.__args__} if f"`{name}`" not in text
    } == set()
    assert made(
        example, variant="token", shop="a", email="a@example.com", api_token=f"acme_{'x' * 20}"
    ).asks.endswith("/api/v2/me?fields=id")

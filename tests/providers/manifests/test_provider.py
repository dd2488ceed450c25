"""A manifest's provider behaves as a module's: the schema, the bytes of each step, the check, and
who never sees a secret.
"""

import base64
import json
import time
import traceback

import pytest

from providers.core.errors import ProviderError
from providers.core.schema import settings_fields, validate
from providers.manifests import provider_of
from providers.manifests.field_types import LONGEST_MATCHED
from tests.httpserver import Answer, HttpServer, OAuth2Server

from .manifests import made, manifest

SECRET = "made-up-secret-5512"
URL = "{key: url, kind: url}"
AT_URL = "base_url: '{url}'\nallowed_hosts: ['{url}']\n"


def asked(server: HttpServer, auth: str, fields: str = "", extra: str = "", **settings: object):
    """What the server gets from a check of such a type."""
    declared = f"[{URL}, {{key: token, kind: secret}}, {fields}]"
    found = manifest(
        f"{AT_URL}auth: {auth}\n{extra or 'test: {cost: free, request: {path: /me}}'}",
        fields=declared,
    )
    result = made(found, url=server.url, token=SECRET, **settings).check()
    assert result.verdict.startswith("It works: HTTP 200") and SECRET not in result.asked
    return server.requests[-1]


@pytest.mark.parametrize(
    ("auth", "name", "sent"),
    [
        ("{use: bearer, token: '{token}'}", "Authorization", f"Bearer {SECRET}"),
        ("{use: bearer, scheme: ApiKey, token: '{token}'}", "Authorization", f"ApiKey {SECRET}"),
        ("{use: bearer, scheme: '', token: '{token}'}", "Authorization", SECRET),
        (
            "{use: bearer, scheme: Token, token: 'token={token}'}",
            "Authorization",
            f"Token token={SECRET}",
        ),
        ("{use: header, name: X-Auth-Token, value: '{token}'}", "X-Auth-Token", SECRET),
        (
            "{use: header, name: X-Auth-Token, value: 'a{{b}}{token}'}",
            "X-Auth-Token",
            f"a{{b}}{SECRET}",
        ),
    ],
)
def test_a_step_sends_this_header(auth: str, name: str, sent: str):
    with HttpServer() as server:
        request = asked(server, auth)
    assert request.line == "GET /me HTTP/1.1" and request.values(name) == [sent]


def test_basic_has_a_user_name_from_a_template():
    with HttpServer() as server:
        request = asked(
            server,
            "{use: basic, username: '{email}/token', password: '{token}'}",
            "{key: email, kind: email}",
            email="jö@example.com",
        )
    assert (
        base64.b64decode(request.values("authorization")[0].removeprefix("Basic ")).decode()
        == f"jö@example.com/token:{SECRET}"
    )


def test_query_parameters_are_added_below_the_client():
    with HttpServer() as server:
        auth = (
            "[{use: query, name: app_id, value: '{app}'}, {use: query, name: key, value: "
            "'{token}'}]"
        )
        request = asked(server, auth, "{key: app}", app="a&b=c d")
    assert request.line == f"GET /me?app_id=a%26b%3Dc%20d&key={SECRET} HTTP/1.1"


def test_no_step_sends_nothing():
    with HttpServer() as server:
        assert SECRET not in asked(server, "{use: none}")


GRANTS = {
    "oauth2_client": (
        "client_id: me, client_secret: '{token}', scope: '{scope}', parameters: {audience: x}",
        {"grant_type": "client_credentials"},
    ),
    "oauth2_password": (
        "client_id: me, client_secret: '{token}', username: jo, password: 'p&w'",
        {"grant_type": "password", "username": "jo", "password": "p&w"},
    ),
    "oauth2_refresh": (
        "client_id: me, client_secret: '{token}', refresh_token: rt",
        {"grant_type": "refresh_token", "refresh_token": "rt"},
    ),
}


@pytest.mark.parametrize("where", ["header", "body"])
@pytest.mark.parametrize("use", GRANTS)
def test_a_grant_fetches_a_token_and_sends_it(use: str, where: str):
    parameters, form = GRANTS[use]
    with OAuth2Server(client=("me", SECRET)) as server:
        auth = f"{{use: {use}, token_url: '{{url}}/token', client_in: {where}, {parameters}}}"
        request = asked(server, auth, "{key: scope, required: false}", scope="a b")
        token = server.asked("/token")[0]
    assert request.values("authorization")[0].startswith("Bearer token-secret-")
    assert form.items() <= token.form.items() and ("client_secret" in token.form) == (
        where == "body"
    )
    assert use != "oauth2_client" or (token.form["scope"], token.form["audience"]) == ("a b", "x")


def test_the_address_of_tokens_is_within_allowed_hosts_at_run_time_too():
    with HttpServer() as server, HttpServer() as other:
        fields = f"[{URL}, {{key: login, kind: url}}, {{key: token, kind: secret}}]"
        step = (
            "{use: oauth2_client, token_url: '{login}/token', client_id: me, client_secret: "
            "'{token}'}"
        )
        found = manifest(
            "base_url: '{url}'\nallowed_hosts: ['{url}', '{login}']\nauth: " + step, fields=fields
        )
        one = made(found, url=server.url, login=other.url, token=SECRET)
        assert one.allowed_hosts == (server.host, other.host)
        narrow = made(
            found.model_copy(update={"allowed_hosts": ["{url}"]}),
            url=server.url,
            login=other.url,
            token=SECRET,
        )
        with pytest.raises(ProviderError) as caught:
            narrow.check()
    assert caught.value.code == "blocked_address" and other.requests == [] and server.requests == []


def test_a_request_elsewhere_is_not_made():
    with HttpServer() as server, HttpServer() as other:
        found = manifest(
            f"{AT_URL}auth: {{use: bearer, token: '{{token}}'}}",
            fields=f"[{URL}, {{key: token, kind: secret}}]",
        )
        with (
            made(found, url=server.url, token=SECRET).client as client,
            pytest.raises(ProviderError),
        ):
            client.get(f"{other.url}/x")
    assert other.requests == []


@pytest.mark.parametrize(
    ("hook", "base", "line"),
    [
        ("/services/T0/B0/" + SECRET, "{hook}", f"POST /services/T0/B0/{SECRET} HTTP/1.1"),
        (f"/flow/run?sig={SECRET}&v=1", "{hook}", f"POST /flow/run?sig={SECRET}&v=1 HTTP/1.1"),
        (f"/{SECRET}/", "{hook}/messages", f"POST /{SECRET}/messages HTTP/1.1"),
    ],
)
def test_an_address_that_is_a_secret_is_seen_by_the_service_alone(
    hook: str, base: str, line: str, caplog: pytest.LogCaptureFixture
):
    for name in ("", "httpx2", "httpcore2", "providers"):
        caplog.set_level("DEBUG", name or None)
    extra = (
        f"base_url: '{base}'\nallowed_hosts: ['{{hook}}']\ntest: {{cost: free, request: {{method: "
        "POST, body: {}}, ok: 400}"
    )
    with HttpServer(default=Answer(400, "invalid_payload")) as server:
        one = made(
            manifest(extra, fields="[{key: hook, kind: secret_url}]"), hook=server.url + hook
        )
        result = one.check()
        assert (server.requests[0].line, server.requests[0].body) == (line, b"{}")
        response = one.client.post("", json={"text": "hello"})
        assert (
            server.requests[1].line == line
            and SECRET not in f"{response.request.url} {response.url}"
        )
        server.default = Answer(404, "no_service")
        with pytest.raises(ProviderError) as caught:
            one.check()
    seen = [
        *(f"{record.getMessage()} {vars(record)}" for record in caplog.records),
        result.asked,
        result.verdict,
        repr(one),
        repr(one.access),
    ]
    assert not [
        text
        for text in [*seen, one.asks, one.base_url, *traceback.format_exception(caught.value)]
        if SECRET in text
    ]


def test_a_secret_may_be_a_part_of_the_path():
    extra = (
        "base_url: '{url}/bot{token}'\nallowed_hosts: ['{url}']\ntest: {cost: free, request: "
        "{path: /getMe}}"
    )
    with HttpServer() as server:
        one = made(
            manifest(extra, fields=f"[{URL}, {{key: token, kind: secret}}]"),
            url=server.url,
            token=f"12:{SECRET}/x",
        )
        result = one.check()
    assert server.requests[0].line == f"GET /bot12:{SECRET}%2Fx/getMe HTTP/1.1"
    assert SECRET not in f"{result.asked} {one.base_url} {one.client.base_url}"


def test_a_test_sends_what_it_says():
    extra = """test:
  cost: free
  request:
    method: POST
    path: /v1/{where}/find
    query: {a: "{where}", empty: "{none}"}
    headers: {X-Where: "{where}", X-None: "{none}"}
    body: {query: "{where}", list: [1, "{where}"], braces: "{{}}"}"""
    with HttpServer() as server:
        request = asked(
            server,
            "{use: none}",
            "{key: where}, {key: none, required: false}",
            extra,
            where='a/b "c"'.replace('"', ""),
        )
    assert request.line == "POST /v1/a%2Fb%20c/find?a=a%2Fb%20c HTTP/1.1"
    assert (
        request.values("x-where"),
        request.values("x-none"),
        request.values("content-type"),
    ) == (["a/b c"], [], ["application/json"])
    assert json.loads(request.body) == {"query": "a/b c", "list": [1, "a/b c"], "braces": "{}"}


def test_a_value_cannot_leave_its_text_in_a_body():
    with HttpServer() as server:
        extra = "test: {cost: free, request: {method: POST, body: {name: '{who}'}}}"
        request = asked(server, "{use: none}", "{key: who}", extra, who='", "admin": true, "x": "')
    assert json.loads(request.body) == {"name": '", "admin": true, "x": "'}


@pytest.mark.parametrize(
    ("status", "body", "code", "message"),
    [
        (401, {}, "unauthorized", "does not accept the credentials"),
        (403, {}, "forbidden", "Ask for the scope read."),
        (200, {"status": "DENIED"}, "quota", ""),
        (200, {"no": "status"}, "quota", ""),
        (200, "<html>", "bad_response", ""),
        (500, {}, "error", ""),
    ],
)
def test_a_status_means_what_the_manifest_says(status: int, body: object, code: str, message: str):
    extra = (
        "test: {cost: free, ok: [200], meanings: {401: bad_key, 403: {code: forbidden, message: "
        "Ask for the scope read.}, 200: quota}, "
    )
    extra += "expect: {json: status, one_of: [OK]}}"
    with HttpServer(default=Answer(status, body)) as server, pytest.raises(ProviderError) as caught:
        made(manifest(AT_URL + extra, fields=f"[{URL}]"), url=server.url).check()
    assert caught.value.code == code and message in caught.value.message


def test_the_free_test_is_made_before_the_tiny_one_and_billed_ones_never():
    tests = (
        "test: [{cost: billed, request: {path: /billed}}, {cost: tiny, request: {path: /tiny}}, "
        "{cost: free, request: {path: /free}}]"
    )
    found = manifest(AT_URL + tests, fields=f"[{URL}]")
    with HttpServer() as server:
        made(found, url=server.url).check()
        made(found.model_copy(update={"test": found.test[:2]}), url=server.url).check()
        billed = found.model_copy(update={"test": found.test[:1]})
        assert "costs money" in made(billed, url=server.url).check().verdict
    assert [one.path for one in server.requests] == ["/free", "/tiny"]
    assert (provider_of(found).check_cost, provider_of(billed).check_cost) == ("free", "billed")


def test_a_type_without_an_address_asks_nobody():
    assert (
        made(manifest(), token="x")
        .check()
        .verdict.startswith("Every value resolves. Nothing was asked over the network")
    )
    assert "timeout" not in settings_fields(provider_of(manifest()))


KINDS = {
    "string": ("text", "a", "a\nb"),
    "text": ("text", "a\nb", "a\x00"),
    "secret": ("text", "ä b", "a\x00b"),
    "secret_text": ("text", "a\nb", "a\x00"),
    "url": ("text", "https://a.example/v1", "a.example"),
    "secret_url": ("text", "https://a.example/v1?sig=1", "https://u:p@a.example"),
    "host": ("text", "a.example:8443", "https://a.example"),
    "slug": ("text", "a-1", "a.b"),
    "email": ("text", "a@example.com", "a"),
    "integer": ("integer", 3, "x"),
    "number": ("number", 0.5, "x"),
    "boolean": ("boolean", True, "x"),
    "choice": ("choice", "one", "two"),
    "json": ("text", '{"a": 1}', "{"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_takes_what_it_is_and_nothing_else(kind: str):
    schema_kind, good, bad = KINDS[kind]
    choices = ", choices: [{value: one, label: The one}]" if kind == "choice" else ""
    provider = provider_of(manifest(fields=f"[{{key: a, kind: {kind}{choices}}}]"))
    field = settings_fields(provider)["a"]
    assert field.kind == schema_kind and field.multiline == (
        kind in ("text", "secret_text", "json")
    )
    assert field.secret == kind.startswith("secret") and field.address == (
        kind in ("url", "secret_url", "host")
    )
    assert validate(provider, {"a": good})[1] == []
    [error] = validate(provider, {"a": bad})[1]
    assert error.field == "a" and error.message.endswith(".")


@pytest.mark.parametrize("kind", ["string", "text", "url", "json"])
def test_secret_makes_a_secret_of_a_kind(kind: str):
    field = settings_fields(
        provider_of(manifest(fields=f"[{{key: a, kind: {kind}, secret: true}}]"))
    )["a"]
    assert (
        field.secret
        and field.multiline == (kind in ("text", "json"))
        and field.placeholder == "$Acme:A"
    )


@pytest.mark.parametrize(
    "value",
    [
        "169.254.169.254",
        "metadata.google.internal",
        "[::1]",
        "a:99999",
        "a:0",
        "a..b",
        "-a",
        "a b",
        "a/b",
        "a@b",
        "2852039166",
    ],
)
def test_a_host_is_a_host_that_may_be_asked(value: str):
    assert validate(provider_of(manifest(fields="[{key: a, kind: host}]")), {"a": value})[1]


@pytest.mark.parametrize(
    "value",
    [
        "ftp://a.example",
        "https://",
        "https://a.example#x",
        "https://169.254.169.254/x",
        "https://a.example\\b",
        "https://[::1",
        "https://a.example:x",
    ],
)
def test_a_secret_address_is_an_address_that_may_be_asked(value: str):
    [error] = validate(provider_of(manifest(fields="[{key: a, kind: secret_url}]")), {"a": value})[
        1
    ]
    assert error.field == "a" and error.message.endswith(".")


def test_a_pattern_judges_the_whole_value_of_plain_and_secret_fields():
    provider = provider_of(
        manifest(
            fields=(
                "[{key: a, pattern: 'x|[0-9]+', help: Digits}, {key: b, kind: secret, pattern: "
                "'sk_.+'}]"
            )
        )
    )
    assert validate(provider, {"a": "12", "b": "sk_1"})[1] == []
    assert [one.code for one in validate(provider, {"a": "12a", "b": "xsk_1"})[1]] == [
        "string_pattern_mismatch"
    ] * 2
    assert validate(provider, {"a": "1\n", "b": "sk_1"})[1]


@pytest.mark.parametrize(
    "pattern", ["(a+)+$", "(a|aa)+$", "(.*)*x", "([a-z]+)*[0-9]", "(?:.{0,200}x){50}"]
)
def test_a_pattern_that_backtracks_elsewhere_ends_at_once(pattern: str):
    provider = provider_of(manifest(fields=f"[{{key: a, pattern: '{pattern}'}}]"))
    started = time.monotonic()
    for length in (LONGEST_MATCHED - 1, 100_000):
        assert validate(provider, {"a": "a" * length + "!"})[1]
    assert time.monotonic() - started < 3


def test_a_field_is_asked_for_when_its_condition_holds():
    lines = "variants: [{key: a, label: A way, help: The one}, {key: b, label: B way}]"
    fields = (
        "[{key: on, kind: boolean}, {key: x, visible_when: {variant: a}}, {key: y, visible_when: "
        "{on: true}}]"
    )
    provider = provider_of(manifest(lines, fields=fields))
    shown = {name: field.shown_when for name, field in settings_fields(provider).items()}
    assert shown == {"variant": None, "on": None, "x": ("variant", ("a",)), "y": ("on", (True,))}
    assert (
        next(iter(settings_fields(provider))) == "variant"
        and settings_fields(provider)["variant"].required
    )
    assert [one.field for one in validate(provider, {"variant": "a", "on": True})[1]] == ["x", "y"]
    assert validate(provider, {"variant": "b"})[1] == []
    assert [one.field for one in validate(provider, {})[1]] == ["variant"]


def test_a_step_is_taken_while_its_condition_holds():
    step = "{use: header, name: X-A, value: '{a}', when: {on: true}}"
    fields = "{key: on, kind: boolean}, {key: a, visible_when: {on: true}}"
    with HttpServer() as server:
        assert asked(server, step, fields, on=True, a="1").values("x-a") == ["1"]
        assert asked(server, step, fields, on=False, a="1").values("x-a") == []


def test_what_the_address_is_made_of_is_marked():
    lines = "base_url: 'https://{sub}.good.com/{tenant}'\nallowed_hosts: ['*.good.com']"
    fields = settings_fields(
        provider_of(manifest(lines, fields="[{key: sub, kind: slug}, {key: tenant}, {key: other}]"))
    )
    assert [name for name, field in fields.items() if field.address] == ["sub", "tenant"]


def test_the_provider_says_what_the_manifest_says():
    lines = "docs: https://example.com/docs\nicon: key\nmark: stripe\ncategory: Support\n"
    lines += "description: What it is\n"
    lines += "deprecated: {since: '2026', replaced_by: acme-2, message: It ends}"
    provider = provider_of(manifest(lines, key="acme.api_token", version="3"))
    assert (provider.id, provider.name, provider.section, provider.version) == (
        "acme.api_token",
        "Acme",
        "AcmeApiToken",
        3,
    )
    assert (provider.docs_url, provider.mark, provider.icon, provider.category) == (
        "https://example.com/docs",
        "stripe",
        "key",
        "Support",
    )
    assert provider.description == "What it is. Deprecated since 2026. It ends. Use acme-2 instead."


def test_a_header_takes_no_character_that_no_header_has():
    found = manifest(
        f"{AT_URL}auth: {{use: header, name: X-A, value: '{{token}}'}}",
        fields=f"[{URL}, {{key: token, kind: secret}}]",
    )
    [error] = validate(provider_of(found), {"url": "https://a.example", "token": "ä"})[1]
    assert error.field == "token"

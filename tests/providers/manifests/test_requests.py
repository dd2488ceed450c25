"""What a check asks of a service and reads in its answer: addresses by choice, a second address,
numbers, and redirects that mean something.
"""

import json

import pytest

from providers.core.errors import ProviderError
from providers.manifests import manifest_text, read_manifest
from tests.httpserver import Answer, HttpServer

from .manifests import made, manifest, problems

SECRET = "made-up-secret-5512"
REGIONS = (
    "[{key: region, kind: choice, choices: [api.acme.example, api.eu.acme.example]}, "
    "{key: token, kind: secret}]"
)
AT_URL = "base_url: '{url}'\nallowed_hosts: ['{url}']\n"
AUTH = "auth: {use: header, name: Api-Key, value: '{token}'}\n"


def server_fields(more: str = "") -> str:
    """Fields of a type whose address is the test's own server."""
    return f"[{{key: url, kind: url}}, {{key: token, kind: secret}}, {more}]"


# Hosts


def test_a_choice_may_be_the_whole_host():
    lines = "base_url: https://{region}\nallowed_hosts: [api.acme.example, api.eu.acme.example]"
    one = made(manifest(lines, fields=REGIONS), region="api.eu.acme.example", token="t")
    assert one.base_url == "https://api.eu.acme.example"
    assert one.allowed_hosts == ("api.acme.example", "api.eu.acme.example")


def test_a_choice_may_be_the_end_of_a_host():
    sites = "[{key: site, kind: choice, choices: [acme.example, us3.acme.example]}]"
    lines = "base_url: https://api.{site}/v1\nallowed_hosts: [api.acme.example, {}]"
    found = manifest(lines.replace("{}", "api.us3.acme.example"), fields=sites)
    assert made(found, site="us3.acme.example").base_url == "https://api.us3.acme.example/v1"
    said = problems(lines.replace("{}", "api.us5.acme.example"), fields=sites)
    assert "outside allowed_hosts" in said["base_url"]


def test_a_choice_of_hosts_names_them():
    assert (
        "outside allowed_hosts"
        in problems("base_url: https://{region}", fields=REGIONS)["base_url"]
    )


# A second address

SECOND = (
    "base_url: '{url}'\nallowed_hosts: ['{url}', '{index}']\n"
    "addresses: {index: 'http://{index}/v1'}\n" + AUTH
)


def test_a_second_address_gets_the_credentials_too():
    fields = server_fields("{key: index, kind: host, required: false}")
    with HttpServer() as control, HttpServer() as data, HttpServer() as other:
        one = made(manifest(SECOND, fields=fields), url=control.url, index=data.host, token=SECRET)
        assert one.addresses == {"index": f"{data.url}/v1"}
        one.client.get(f"{one.addresses['index']}/stats")
        one.client.get("/indexes")
        with pytest.raises(ProviderError):
            one.client.get(f"{other.url}/stats")
    assert [one.line for one in data.requests] == ["GET /v1/stats HTTP/1.1"]
    assert data.requests[0].values("api-key") == [SECRET]
    assert [one.path for one in control.requests] == ["/indexes"] and other.requests == []


def test_a_second_address_is_left_out_while_its_field_is_empty():
    fields = server_fields("{key: index, kind: host, required: false}")
    one = made(manifest(SECOND, fields=fields), url="http://a.example", token=SECRET)
    assert (one.addresses, one.allowed_hosts) == ({}, ("a.example:80",))


def test_a_test_may_ask_the_second_address():
    lines = f"{SECOND}test: {{cost: free, request: {{address: index, path: /stats}}}}"
    fields = server_fields("{key: index, kind: host}")
    with HttpServer() as control, HttpServer(default=Answer(401)) as data:
        one = made(manifest(lines, fields=fields), url=control.url, index=data.host, token="t")
        with pytest.raises(ProviderError) as caught:
            one.check()
    assert (caught.value.code, control.requests) == ("unauthorized", [])
    assert data.host in caught.value.message and data.url in one.asks


@pytest.mark.parametrize(
    ("lines", "fields", "place", "said"),
    [
        (
            SECOND + "test: {cost: free, request: {address: index}}",
            "{key: index, kind: host, required: false}",
            "addresses.index",
            "required, or it has a default",
        ),
        (
            SECOND + "test: {cost: free, request: {address: indexes}}",
            "{key: index, kind: host}",
            "test[0].request.address",
            "Did you mean index?",
        ),
        (
            AT_URL + "addresses: {index: 'https://{index}'}",
            "{key: index, kind: host}",
            "addresses.index",
            "chooses the whole host",
        ),
        (
            AT_URL + "addresses: {index: 'https://evil.example'}",
            "",
            "addresses.index",
            "not among allowed_hosts",
        ),
        (
            "base_url: '{url}/{token}'\nallowed_hosts: ['{url}', a.example]\n"
            "addresses: {index: 'https://a.example'}",
            "",
            "base_url",
            "has none in them",
        ),
        ("addresses: {index: 'https://a.example'}", "", "addresses", "no base_url"),
    ],
)
def test_a_second_address_is_judged_like_the_first(lines: str, fields: str, place: str, said: str):
    assert said in problems(lines, fields=server_fields(fields))[place]


# Numbers, true and false


def body_sent(body: str, fields: str, **settings: object) -> object:
    """What a check with this body sends."""
    test = f"test: {{cost: free, request: {{method: POST, path: /, body: {body}}}}}"
    found = manifest(AT_URL + test, fields=server_fields(fields))
    with HttpServer() as server:
        made(found, url=server.url, token="t", **settings).check()
    return json.loads(server.requests[0].body)


NUMBERS = (
    "{key: n, kind: integer, required: false}, {key: x, kind: number, default: 1.5}, "
    "{key: on, kind: boolean, default: true}, {key: kind, kind: choice, choices: ['7']}"
)


def test_numbers_and_booleans_of_fields_are_such_in_a_body():
    body = '{n: "{n}", x: ["{x}", {on: "{on}"}], said: "{n} of {x}", kind: "{kind}", fixed: 3}'
    assert body_sent(body, NUMBERS, n=5, on=False, kind="7") == {
        "n": 5,
        "x": [1.5, {"on": False}],
        "said": "5 of 1.5",
        "kind": "7",
        "fixed": 3,
    }


def test_a_number_that_is_not_given_is_left_out_of_a_body():
    assert body_sent('{n: "{n}", list: ["{n}", 1]}', NUMBERS, kind="7") == {"list": [1]}


def test_a_query_takes_numbers_as_vendors_write_them():
    request = "{path: /p, query: {$top: 1, ratio: 0.5, all: true, n: '{n}', on: '{on}'}}"
    found = manifest(
        f"{AT_URL}test: {{cost: free, request: {request}}}", fields=server_fields(NUMBERS)
    )
    assert read_manifest(manifest_text(found)) == found
    with HttpServer() as server:
        made(found, url=server.url, token="t", n=5, kind="7").check()
    assert server.requests[0].line == ("GET /p?%24top=1&ratio=0.5&all=true&n=5&on=true HTTP/1.1")


# Redirects


@pytest.mark.parametrize("target", ["/signin", "https://login.example/signin"])
@pytest.mark.parametrize("answer", ["meanings: {302: bad_key}", "ok: [302]"])
def test_a_redirect_that_means_something_is_judged_and_not_followed(answer: str, target: str):
    found = manifest(
        f"{AT_URL}{AUTH}test: {{cost: free, request: {{path: /me}}, {answer}}}",
        fields=server_fields(),
    )
    with HttpServer({"/me": Answer(302, headers={"Location": target})}) as server:
        one = made(found, url=server.url, token=SECRET)
        if answer.startswith("ok"):
            assert one.check().verdict == "It works: HTTP 302."
        else:
            with pytest.raises(ProviderError) as caught:
                one.check()
            assert (caught.value.code, caught.value.permanent) == ("unauthorized", True)
    assert [one.path for one in server.requests] == ["/me"]


def test_another_redirect_is_still_followed():
    found = manifest(
        f"{AT_URL}test: {{cost: free, request: {{path: /me}}, meanings: {{302: bad_key}}}}",
        fields=server_fields(),
    )
    answers = {
        "/me": Answer(307, headers={"Location": "/v2/me"}),
        "/v2/me": Answer(302, headers={"Location": "/signin"}),
    }
    with HttpServer(answers) as server, pytest.raises(ProviderError) as caught:
        made(found, url=server.url, token="t").check()
    assert caught.value.code == "unauthorized"
    assert [one.path for one in server.requests] == ["/me", "/v2/me"]

"""Every client goes through the proxy that the environment names: each provider's SDK, types, the
token services, and the gateway's own. The guard judges the target before the proxy is asked, and
what goes wrong at the proxy has a sentence of its own.
"""

import asyncio
import base64
import itertools
import json
import logging
import socket
import traceback
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import pytest

from gateway.upstreams.passthrough import Upstream
from providers.core.base import Capability, Provider, WireTarget
from providers.core.errors import ProviderError
from providers.core.network_faults import from_network
from providers.core.registry import get_provider
from providers.core.schema import validate
from providers.http.egress import guarded_client
from providers.http.egress_async import guarded_async_client
from providers.http.policy import EgressPolicy
from providers.http.proxies import Proxies, Proxy, read_exempt, read_proxy
from providers.http.tls import tls_context
from providers.vendors.openai.request import OpenAIChat
from tests.httpserver import Answer, HttpServer, OAuth2Server, authority, service_context
from tests.providers.samples import CHATTING, NETWORK, PATIENT, sample
from tests.proxyserver import OPEN, ProxyServer

from .test_guarded_clients import asked

SERVICE = "https://service.example"
PROXIED = "gateway.upstreams.proxied"
LOGIN = "me:p@ss-7391"
PASSWORD = LOGIN.partition(":")[2]
OWN_LOGIN = {"proxy_user": "me", "proxy_password": PASSWORD}
OWN = {"ca_certificate": authority()[0]}
TRUSTING = tls_context(True, authority()[0])
STREAM = Answer(200, b"data: [DONE]\n\n", {"Content-Type": "text/event-stream"})


@pytest.fixture(autouse=True)
def resolver(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The names that are known here; no other name ending in .example is."""
    known: dict[str, str] = {}
    really = socket.getaddrinfo

    def look_up(host: Any, port: Any, *args: Any, **kwargs: Any) -> Any:
        if str(host).endswith(".example") and host not in known:
            raise socket.gaierror(socket.EAI_NONAME, "made up")
        return really(known.get(host, host), port, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return known


def through(proxy: ProxyServer, **more: Any) -> Proxies:
    """The environment with this proxy for everything."""
    made = read_proxy(proxy.url.replace("://", f"://{LOGIN.replace('@', '%40')}@"), "HTTPS_PROXY")
    return Proxies(**{"http": made, "https": made, **more})


def behind(proxies: Proxies, made: Provider[Any]) -> Provider[Any]:
    """The provider, with these proxies."""
    return type(made)(made.settings, EgressPolicy(proxies=proxies), PATIENT)


# Each of them is asked with a policy, an address, and a context for its certificate.


def sync(policy: EgressPolicy, url: str, timeout: float = 5) -> None:
    with guarded_client(policy, timeout, tls=TRUSTING) as client:
        client.post(url, json={})


def asynchronous(policy: EgressPolicy, url: str, timeout: float = 5) -> None:
    async def ask() -> None:
        async with guarded_async_client(policy, timeout, tls=TRUSTING) as client:
            await client.post(url, json={})

    asyncio.run(ask())


def passthrough(policy: EgressPolicy, url: str, timeout: float = 5) -> None:
    async def ask() -> None:
        upstream = Upstream(policy)
        try:
            response = await upstream.ask(
                WireTarget(url, {}, tls=TRUSTING), {}, timeout, stream=False
            )
            response.close()
        finally:
            await upstream.close()

    asyncio.run(ask())


CLIENTS = (sync, asynchronous, passthrough)
Client = Callable[..., None]


def fault(ask: Client, proxies: Proxies, url: str = SERVICE, timeout: float = 5) -> ProviderError:
    """The error with which a request ends."""
    with pytest.raises(Exception) as caught:
        ask(EgressPolicy(proxies=proxies), url, timeout)
    return from_network(caught.value, "service.example")


@pytest.mark.parametrize("provider", NETWORK.values(), ids=NETWORK)
def test_each_provider_goes_through_the_proxy(provider: type[Provider]):
    with (
        HttpServer(tls=service_context()) as server,
        ProxyServer(server, login=LOGIN) as proxy,
    ):
        asked(behind(through(proxy), sample(provider, SERVICE, **OWN)))
    assert len(server.requests) == (2 if provider.id in CHATTING else 1)
    assert {one.partition(" HTTP")[0] for one in proxy.lines} == {"CONNECT service.example:443"}
    assert not any(one.values("proxy-authorization") for one in server.requests)
    assert all(one.values("host") == ["service.example"] for one in server.requests)


@pytest.mark.parametrize(
    "provider",
    [one for one in NETWORK.values() if issubclass(one, OpenAIChat)],
    ids=lambda one: one.id,
)
def test_the_gateway_goes_through_it(provider: type[Provider]):
    async def ask(made: Provider[Any]) -> None:
        target, upstream = await made.wire_target(Capability.CHAT, "m"), Upstream(EgressPolicy())
        assert target is not None
        try:
            for _ in range(2):  # in one tunnel
                response = await upstream.ask(target, {}, 5, stream=True)
                assert await response.read() == STREAM.body
        finally:
            await upstream.close()

    with (
        HttpServer(default=STREAM, tls=service_context()) as server,
        ProxyServer(server, login=LOGIN) as proxy,
    ):
        asyncio.run(ask(behind(through(proxy), sample(provider, SERVICE, **OWN))))
    assert len(server.requests) == 2 and len(proxy.lines) == 1
    assert not any(one.values("proxy-authorization") for one in server.requests)


def test_a_type_goes_through_it():
    provider = get_provider("elasticsearch")
    settings = provider.Settings.model_validate(
        {"variant": "api_key", "node": SERVICE, "api_key": "k", **OWN}
    )
    with HttpServer(tls=service_context()) as server, ProxyServer(server, login=LOGIN) as proxy:
        behind(through(proxy), provider(settings)).check()
    assert len(server.requests) == len(proxy.lines) == 1


def test_a_token_is_fetched_through_it():
    own = {"client_id": "my-client", "client_secret": "client-secret-7391", **OWN}
    http = get_provider("http")
    settings = http.Settings.model_validate(
        {"base_url": SERVICE, "auth_type": "oauth2", "token_url": f"{SERVICE}/token", **own}
    )
    with OAuth2Server(tls=service_context()) as server, ProxyServer(server, login=LOGIN) as proxy:
        behind(through(proxy), http(settings)).check()
    assert [one.path for one in server.requests] == ["/token", "/"] and len(proxy.lines) == 2


@pytest.mark.parametrize("ask", CLIENTS)
def test_a_proxy_may_be_one_of_https(ask: Client, monkeypatch: pytest.MonkeyPatch):
    for module in ("providers.http.egress", "providers.http.egress_async", PROXIED):
        monkeypatch.setattr(f"{module}.trusted_authorities", lambda: TRUSTING)
    with (
        HttpServer(tls=service_context()) as server,
        ProxyServer(server, login=LOGIN, tls=service_context()) as proxy,
    ):
        ask(EgressPolicy(proxies=through(proxy)), SERVICE)
    assert len(server.requests) == 1 and proxy.lines == ["CONNECT service.example:443 HTTP/1.1"]


@pytest.mark.parametrize("ask", CLIENTS)
def test_without_tls_the_request_is_handed_over_whole(ask: Client):
    with HttpServer() as server, ProxyServer(server, login=LOGIN) as proxy:
        ask(EgressPolicy(proxies=through(proxy)), "http://service.example/v1?a=1")
        assert fault(
            ask, through(proxy, http=read_proxy(proxy.url, "HTTP_PROXY")), "http://service.example"
        ).message == (
            f"The proxy {proxy.host} wants a user name and a password. Put them into HTTP_PROXY."
        )
    assert proxy.lines[0] == "POST http://service.example/v1?a=1 HTTP/1.1"
    assert [one.line for one in server.requests] == ["POST /v1?a=1 HTTP/1.1"]


@pytest.mark.parametrize("ask", CLIENTS)
def test_each_scheme_has_its_own_proxy_and_may_have_none(ask: Client):
    with HttpServer() as server, ProxyServer(server) as proxy:
        error = fault(ask, through(proxy, http=None), "http://service.example")
    assert error.code == "dns" and proxy.lines == []


@pytest.mark.parametrize("ask", CLIENTS)
def test_this_machine_and_what_no_proxy_names_are_asked_directly(
    ask: Client, resolver: dict[str, str]
):
    resolver["service.example"] = "127.0.0.1"
    with HttpServer(tls=service_context()) as server, ProxyServer(server) as proxy:
        ask(EgressPolicy(proxies=through(proxy)), server.url)
        port = server.host.partition(":")[2]
        direct = through(proxy, exempt=read_exempt(".example"))
        ask(EgressPolicy(proxies=direct), f"{SERVICE}:{port}")
    assert len(server.requests) == 2 and proxy.lines == []


REFUSED = {
    "metadata.google.internal": EgressPolicy(),
    "169.254.169.254": EgressPolicy(),
    "[fd00:ec2::254]": EgressPolicy(),
    "10.1.2.3": EgressPolicy(private=False),
    "other.example": EgressPolicy(allow=("service.example",)),
    "metadata-by-name.example": EgressPolicy(),
    "private-by-name.example": EgressPolicy(private=False),
}


@pytest.mark.parametrize("scheme", ["https", "http"])
@pytest.mark.parametrize("ask", CLIENTS)
def test_the_guard_judges_the_target_before_the_proxy_is_asked(
    ask: Client, scheme: str, resolver: dict[str, str]
):
    resolver |= {
        "metadata-by-name.example": "169.254.169.254",
        "private-by-name.example": "10.1.2.3",
    }
    with HttpServer() as server, ProxyServer(server) as proxy:
        for host, policy in REFUSED.items():
            with pytest.raises(Exception) as caught:
                ask(replace(policy, proxies=through(proxy)), f"{scheme}://{host}/")
            assert from_network(caught.value, host).code == "blocked_address", host
    assert proxy.lines == [] and server.requests == []


REFUSALS = {  # the bytes of a proxy: code and a part of the sentence
    b"HTTP/1.1 407 Who\r\n\r\n": ("refused", "does not accept its user name and password. Corr"),
    b"HTTP/1.1 403 No\r\n\r\n": ("refused", "does not let requests to service.example through."),
    b"HTTP/1.0 502 Away\r\n\r\n": ("refused", "does not reach service.example (HTTP 502)."),
    b"HTTP/1.1 504 Slow\r\n\r\n": ("timeout", "does not reach service.example (HTTP 504)."),
}


@pytest.mark.parametrize("ask", CLIENTS)
def test_a_proxy_that_opens_no_tunnel_is_named_with_cause_and_cure(ask: Client):
    for said, (code, words) in REFUSALS.items():
        with ProxyServer(says=said) as proxy:
            error = fault(ask, through(proxy))
        assert (error.code, words in error.message) == (code, True), error.message
        assert f"The proxy {proxy.host} " in error.message and "p@ss" not in error.message
        assert error.may_be_read is False


@pytest.mark.parametrize("ask", CLIENTS)
def test_a_proxy_that_is_not_there_is_named(ask: Client):
    with ProxyServer() as gone:
        pass
    nowhere = read_proxy("http://proxy.example:3128", "https_proxy")
    for proxies, code, words in (
        (through(gone), "refused", f"Nothing listens at the proxy {gone.host}. Check HTTPS_PROXY"),
        (Proxies(https=nowhere), "dns", "There is no host named proxy.example, the proxy."),
    ):
        error = fault(ask, proxies)
        assert (error.code, words in error.message) == (code, True), error.message


@pytest.mark.parametrize("ask", CLIENTS)
def test_a_proxy_that_hangs_up_or_says_nothing_is_named(ask: Client):
    with ProxyServer() as hanging_up, ProxyServer(says=b"") as silent:
        gone, slow = fault(ask, through(hanging_up)), fault(ask, through(silent), timeout=0.3)
    assert (gone.code, slow.code, gone.may_be_read) == ("refused", "timeout", False)
    assert hanging_up.host in gone.message and silent.host in slow.message


@pytest.mark.parametrize("ask", CLIENTS)
def test_what_is_not_a_proxy_is_told_so(ask: Client):
    early = [OPEN + b"early"] if ask is not passthrough else []  # aiohttp drops it
    for said in (b"SSH-2.0-made-up\r\n\r\n", b"x" * 70_000, *early):
        with ProxyServer(says=said) as proxy:
            error = fault(ask, through(proxy), timeout=2)
        assert error.code == "refused" and proxy.host in error.message, error.message


@pytest.mark.parametrize("ask", CLIENTS)
def test_the_proxys_certificate_is_judged(ask: Client):
    with ProxyServer(tls=service_context()) as proxy:
        error = fault(ask, through(proxy))
    named = f"The certificate of the proxy {proxy.host} cannot be trusted."
    assert error.code == "tls" and named in error.message


@pytest.mark.parametrize("ask", CLIENTS)
def test_the_services_certificate_is_judged_in_the_tunnel(ask: Client):
    with HttpServer(tls=service_context(-2)) as server, ProxyServer(server, login=LOGIN) as proxy:
        error = fault(ask, through(proxy))
    assert error.code == "tls" and "service.example cannot be trusted" in error.message
    assert server.requests == []


def test_a_password_of_a_proxy_is_in_no_repr():
    proxy = read_proxy("http://me:p%40ss-7391@proxy.example", "HTTPS_PROXY")
    policy = EgressPolicy(proxies=Proxies(https=proxy))
    assert (proxy.user, proxy.password) == ("me", "p@ss-7391")
    assert "p@ss" not in repr([proxy, policy]) + proxy.shown + proxy.url + json.dumps(
        [repr(policy.proxies)]
    )
    assert isinstance(proxy, Proxy)


# A proxy of a connection's own


@pytest.mark.parametrize("provider", NETWORK.values(), ids=NETWORK)
def test_a_connections_own_proxy_goes_before_the_environments(provider: type[Provider]):
    with (
        HttpServer(tls=service_context()) as server,
        ProxyServer(server, login=LOGIN) as own,
        ProxyServer(server) as environments,
    ):
        made = behind(
            through(environments, exempt=read_exempt("*")),
            sample(provider, SERVICE, **OWN, proxy=own.url, **OWN_LOGIN),
        )
        asked(made)
    assert environments.lines == [] and len(own.lines) >= 1
    assert not any(one.values("proxy-authorization") for one in server.requests)
    assert len(server.requests) == (2 if provider.id in CHATTING else 1)


def gateway_asked(made: Provider[Any], policy: EgressPolicy) -> ProviderError | None:
    """The error of the gateway's own client, None for an answer."""

    async def ask() -> None:
        target, upstream = await made.wire_target(Capability.CHAT, "m"), Upstream(policy)
        assert target is not None
        try:
            (await upstream.ask(target, {}, 5, stream=True)).close()
        finally:
            await upstream.close()

    try:
        asyncio.run(ask())
    except ProviderError as error:
        return error
    return None


def test_the_gateway_goes_through_a_connections_own_proxy():
    with (
        HttpServer(default=STREAM, tls=service_context()) as server,
        ProxyServer(server, login=LOGIN) as own,
    ):
        made = sample(NETWORK["openai"], SERVICE, **OWN, proxy=own.url, **OWN_LOGIN)
        assert gateway_asked(made, EgressPolicy()) is None
    assert len(server.requests) == len(own.lines) == 1
    assert server.requests[0].values("proxy-authorization") == []


def test_the_guard_judges_a_connections_own_proxy(resolver: dict[str, str]):
    resolver["metadata-by-name.example"] = "169.254.169.254"
    rules = {
        "http://127.0.0.1:{port}": EgressPolicy(private=False),
        "http://metadata-by-name.example:{port}": EgressPolicy(),
        "http://127.0.0.1.:{port}": EgressPolicy(allow=("service.example",)),
    }
    openai = NETWORK["openai"]
    with ProxyServer() as proxy:
        for address, policy in rules.items():
            url = address.format(port=proxy.host.partition(":")[2])
            settings = sample(openai, SERVICE, proxy=url).settings
            assert asked(openai(settings, policy, PATIENT)) == {"blocked_address"}, address
            error = gateway_asked(openai(settings, policy, PATIENT), policy)
            assert error is not None and error.code == "blocked_address", address
    assert proxy.lines == []


def test_a_connections_own_proxy_that_wants_a_password_names_the_cure():
    place = "the connection's Proxy user and Proxy password."
    cases = {
        f"wants a user name and a password. Put them into {place}": {},
        f"does not accept its user name and password. Correct them in {place}": {
            "proxy_user": "me",
            "proxy_password": "hunter2-7391",
        },
    }
    with ProxyServer(login=LOGIN) as proxy:
        for text, login in cases.items():
            openai = sample(NETWORK["openai"], SERVICE, proxy=proxy.url, **login)
            with pytest.raises(ProviderError) as caught:
                openai.check()
            by_gateway = gateway_asked(openai, EgressPolicy())
            expected = ("refused", f"The proxy {proxy.host} {text}")
            assert (caught.value.code, caught.value.message) == expected
            assert by_gateway is not None and by_gateway.message == expected[1]


def test_a_tunnel_that_one_connection_may_use_serves_no_other():
    async def ask(policy: EgressPolicy, made: list[Provider[Any]]) -> None:
        upstream = Upstream(policy)
        try:
            for one in made:
                target = await one.wire_target(Capability.CHAT, "m")
                assert target is not None
                response = await upstream.ask(target, {}, 5, stream=True)
                assert await response.read() == STREAM.body
        finally:
            await upstream.close()

    with (
        HttpServer(default=STREAM, tls=service_context()) as server,
        ProxyServer(server, login=LOGIN) as proxy,
    ):
        its_own = {**OWN, "proxy": proxy.url}
        knows = sample(NETWORK["openai"], SERVICE, **its_own, **OWN_LOGIN)
        stranger = sample(NETWORK["openai"], SERVICE, **its_own, proxy_user="me")
        with pytest.raises(ProviderError, match="does not accept its user name"):
            asyncio.run(ask(EgressPolicy(), [knows, knows, stranger]))
    assert len(server.requests) == 2 and len(proxy.lines) == 2


@pytest.mark.parametrize("login", [LOGIN, "me:another"], ids=["accepted", "refused"])
def test_a_proxys_password_is_in_no_log_and_no_error(login: str, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.DEBUG)
    found: list[str] = []
    with (
        HttpServer(default=STREAM, tls=service_context()) as server,
        HttpServer() as plain,
        ProxyServer(server, login=login) as proxy,
        ProxyServer(plain, login=login) as plain_proxy,
    ):
        environments = through(proxy, http=through(plain_proxy).http)
        named = sample(NETWORK["openai"], SERVICE, **OWN, proxy=proxy.url, **OWN_LOGIN)
        for ask, url in itertools.product(CLIENTS, (SERVICE, "http://service.example/v1")):
            try:
                ask(EgressPolicy(proxies=environments), url)
            except ProviderError as error:
                found += traceback.format_exception(error)
        if error := gateway_asked(named, EgressPolicy()):
            found += traceback.format_exception(error)
        found += [*asked(named), repr([named.settings, named.egress, environments])]
    text = "".join(found) + caplog.text + repr([vars(one) for one in caplog.records])
    assert caplog.records and bool(server.requests) == (login == LOGIN)
    for secret in (PASSWORD, quote(PASSWORD), base64.b64encode(LOGIN.encode()).decode()):
        assert secret not in text


def test_a_type_whose_address_has_no_tls_uses_no_proxy_of_its_own():
    """A host alone is made an address by the type, which no setting shows."""
    with HttpServer() as server, ProxyServer(server) as proxy:
        made = sample(NETWORK["http"], SERVICE, proxy=proxy.url)
        with pytest.raises(ProviderError, match="asked without TLS") as caught:
            placed_at(made, "http://service.example").check()
    assert caught.value.code == "blocked_address" and proxy.lines == []


def placed_at(made: Provider[Any], url: str) -> Provider[Any]:
    """The provider with another address, past the checks of its settings."""
    return type(made)(made.settings.model_copy(update={"base_url": url}), limits=PATIENT)


SAVED = {  # a proxy of a connection's own, its address, and the code of the refusal
    "http://proxy.example:3128": (SERVICE, ""),
    "https://proxy.example": ("https://localhost:1", ""),
    "http://proxy.example": ("http://service.example", "proxy_reads"),
    "https://proxy.example:3128": ("HTTP://localhost", "proxy_reads"),
    "proxy.example:3128": (SERVICE, "proxy"),
    "socks5://proxy.example": (SERVICE, "proxy"),
    "http://me:pw@proxy.example": (SERVICE, "url_credentials"),
    "http://169.254.169.254": (SERVICE, "blocked_address"),
}


@pytest.mark.parametrize("proxy", SAVED)
def test_a_proxy_is_judged_when_it_is_saved(proxy: str):
    address, code = SAVED[proxy]
    settings = {"api_key": "k", "base_url": address, "proxy": proxy}
    _, errors = validate(NETWORK["openai"], settings)
    assert [(one.field, one.code) for one in errors] == ([("proxy", code)] if code else [])

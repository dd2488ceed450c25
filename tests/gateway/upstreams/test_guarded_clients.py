"""No client connects to an address that is forbidden, however it is spelled: each is asked, and a
listening socket sees whether somebody came.
"""

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import aclosing, suppress
from typing import Any

import httpx2
import pytest

from gateway.upstreams.passthrough import Upstream
from providers.core.base import Limits, Provider, WireTarget
from providers.core.chat import ChatRequest
from providers.core.errors import BlockedAddress, ProviderError
from providers.core.schema import settings_fields
from providers.http.egress import EgressPolicy, guarded_client
from providers.http.egress_async import guarded_async_client
from providers.http.oauth2_client import Grant, fetch_token
from tests.providers.samples import CHATTING, NETWORK, sample

ANY, PUBLIC, LISTED = (
    EgressPolicy(),
    EgressPolicy(private=False),
    EgressPolicy(allow=("example.com",)),
)
LIMITS = Limits(timeout=0.3, max_retries=0, seconds=0.6)
SPELLINGS = (
    *("127.0.0.1", "127.0.0.1.", "localhost", "LOCALHOST.", "127.1", "127.0.1", "2130706433"),
    *("0x7f.1", "0x7f000001", "0177.0.0.1", "017700000001", "127.000.000.001", "0.0.0.0", "0"),
    *("127。0。0。1", "127｡0｡0｡1", "127．0．0．1", "１２７.0.０.１", "①②⑦.0.0.1", "ⓛocalhost"),  # noqa: RUF001
    *("١٢٧.0.0.1", "loc\u00adalhost", "localhost。", "%31%32%37.0.0.1", "loc%61lhost"),
    *("127.0.0.1%2e", "example.com@127.0.0.1", "example.com@127。0。0。1", "[::1]", "[::1%25lo]"),
    *("[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::127.0.0.1]", "[::ffff:0:127.0.0.1]"),
    *("[64:ff9b::127.0.0.1]", "[64:ff9b:1::7f00:1]", "[2002:7f00:1::]", "[::]"),
)
REFUSED = {
    "blocked_address",
    "bad_request",
    "bad_response",
    "dns",
}  # the last three: no host at all
FEW = ("127.0.0.1", "127。0。0。1", "0x7f.1", "[::ffff:7f00:1]")


class Listener:
    """A socket on which somebody may knock; nobody is answered."""

    def __init__(self) -> None:
        self._socket, self._asked = socket.create_server(("127.0.0.1", 0)), 0
        self.port = self._socket.getsockname()[1]
        threading.Thread(target=self._hang_up, daemon=True).start()

    def _hang_up(self) -> None:
        with suppress(OSError):  # closed below
            while True:
                one, _ = self._socket.accept()
                self._asked += 1
                one.close()

    def __enter__(self) -> "Listener":
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def was_asked(self) -> bool:
        """Whether somebody has come since the last look."""
        asked, self._asked = self._asked, 0
        return asked > 0


@pytest.fixture
def listener() -> Iterator[Listener]:
    with Listener() as one:
        yield one


def sync(policy: EgressPolicy, url: str) -> None:
    with guarded_client(policy, 0.3) as client:
        client.get(url)


def asynchronous(policy: EgressPolicy, url: str) -> None:
    async def ask() -> None:
        async with guarded_async_client(policy, 0.3) as client:
            await client.get(url)

    asyncio.run(ask())


def passthrough(policy: EgressPolicy, url: str) -> None:
    async def ask() -> None:
        upstream = Upstream(policy)
        try:
            await upstream.ask(WireTarget(url, {}), {}, 0.3, stream=False)
        finally:
            await upstream.close()

    asyncio.run(ask())


def token_service(policy: EgressPolicy, url: str) -> None:
    with guarded_client(policy, 0.3) as client:
        fetch_token(client, Grant(url, {"grant_type": "client_credentials"}))


CLIENTS = (sync, asynchronous, passthrough, token_service)


@pytest.mark.parametrize("ask", CLIENTS)
def test_each_client_comes_where_it_may(ask: Callable[..., None], listener: Listener):
    for host in ("127.0.0.1", "127。0。0。1"):
        with pytest.raises((ProviderError, httpx2.HTTPError)):
            ask(ANY, f"http://{host}:{listener.port}/v1")
        assert listener.was_asked(), host


@pytest.mark.parametrize("ask", CLIENTS)
def test_no_client_comes_to_a_private_address_in_any_spelling(
    ask: Callable[..., None], listener: Listener
):
    for host in SPELLINGS:
        with pytest.raises((BlockedAddress, ProviderError, httpx2.InvalidURL)) as caught:
            ask(PUBLIC, f"http://{host}:{listener.port}/v1")
        assert getattr(caught.value, "code", "blocked_address") in REFUSED, host
        assert not listener.was_asked(), host


@pytest.mark.parametrize("ask", CLIENTS)
def test_no_client_comes_to_metadata(ask: Callable[..., None]):
    for host in ("169。254。169。254", "[fd00:ec2::23]", "2852039166", "[64:ff9b:1::a9fe:a9fe]"):
        with pytest.raises((BlockedAddress, ProviderError)) as caught:
            ask(ANY, f"http://{host}/v1")
        assert getattr(caught.value, "code", "blocked_address") == "blocked_address", host


def test_no_provider_comes_to_a_private_address(listener: Listener):
    """Each SDK has a client of its own; a setting is not read again, as after a save."""
    for provider in NETWORK.values():
        for host in FEW:
            for policy in (PUBLIC, LISTED):
                made = placed(provider, f"http://{host}:{listener.port}", policy)
                assert asked(made) <= REFUSED, (provider.id, host)
                assert not listener.was_asked(), (provider.id, host)


def test_each_provider_comes_where_it_may(listener: Listener):
    for provider in NETWORK.values():
        asked(placed(provider, f"http://127.0.0.1:{listener.port}", ANY))
        assert listener.was_asked(), provider.id


def placed(provider: type[Provider[Any]], url: str, policy: EgressPolicy) -> Provider[Any]:
    """The provider with every address at `url`, past the checks of its settings."""
    settings = sample(provider).settings
    addresses = {name: url for name, one in settings_fields(provider).items() if one.address}
    return provider(settings.model_copy(update=addresses), egress=policy, limits=LIMITS)


def asked(made: Provider[Any]) -> set[str]:
    """The codes with which a check and a chat end."""
    codes = set()
    for ask in (made.check, *([lambda: chat(made)] if type(made).id in CHATTING else [])):
        try:
            ask()
        except ProviderError as error:
            codes.add(error.code)
    return codes


def chat(made: Provider[Any]) -> None:
    request = ChatRequest.model_validate(
        {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}
    )

    async def ask() -> None:
        try:
            async with aclosing(made.stream_chat(request)) as stream:
                async for _ in stream:
                    pass
        finally:
            with suppress(Exception):
                await made.aclose()

    asyncio.run(ask())

"""The guard of outbound addresses for asynchronous clients, on real sockets."""

import asyncio
import socket
import time
from typing import Any

import httpx2
import pytest

from providers.core.errors import BlockedAddress, CompressedAnswer, RedirectRefused
from providers.core.network_faults import from_network
from providers.http import egress_async
from providers.http.backends_async import allowed_addresses
from providers.http.egress import EgressPolicy
from providers.http.egress_async import guarded_async_client
from tests.upstreams import Upstream, trusting_context

from .test_egress import answers

ANY, PUBLIC, LISTED = (
    EgressPolicy(),
    EgressPolicy(private=False),
    EgressPolicy(allow=("*.openai.com",)),
)


def get(url: str, policy: EgressPolicy = ANY, timeout: float = 2, **more: Any) -> httpx2.Response:
    async def ask() -> httpx2.Response:
        async with guarded_async_client(policy, timeout, **more) as client:
            return await client.get(url)

    return asyncio.run(ask())


@pytest.mark.parametrize(
    ("policy", "url"),
    [
        *(
            (ANY, url)
            for url in (
                "http://metadata.google.internal/",
                "http://169.254.169.254/",
                "http://[fe80::1]/",
                "http://2852039166/",
            )
        ),
        *(
            (PUBLIC, url)
            for url in ("http://127.0.0.1:1/", "http://[::1]:1/", "http://localhost:1/")
        ),
        *((LISTED, url) for url in ("http://openai.com/", "http://api.openai.com.evil.example/")),
    ],
)
def test_a_blocked_name_is_not_asked(policy: EgressPolicy, url: str):
    with pytest.raises(BlockedAddress):
        get(url, policy)


@pytest.mark.parametrize("address", ["169.254.169.254", "fe80::1", "::ffff:169.254.169.254"])
def test_the_address_behind_a_name_is_judged(monkeypatch: pytest.MonkeyPatch, address: str):
    answers(monkeypatch, address)
    with pytest.raises(BlockedAddress):
        get("http://innocent.example/")


def test_one_bad_address_among_good_ones_is_enough(monkeypatch: pytest.MonkeyPatch):
    rows = [
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, 80))
        for one in ("127.0.0.1", "169.254.169.254")
    ]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: rows)
    with pytest.raises(BlockedAddress):
        get("http://innocent.example/")


def test_the_address_that_was_judged_is_the_one_connected_to(
    monkeypatch: pytest.MonkeyPatch, upstream: Upstream
):
    asked = answers(monkeypatch, "127.0.0.1", "169.254.169.254")
    assert get(upstream.url.replace("127.0.0.1", "rebinding.example")).status_code == 401
    assert asked == ["rebinding.example"]


def test_a_name_that_rebinds_is_judged_again(monkeypatch: pytest.MonkeyPatch):
    with Upstream(mode="500") as upstream:
        answers(monkeypatch, "127.0.0.1", "169.254.169.254")
        url = upstream.url.replace("127.0.0.1", "rebinding.example")
        get(url)
        with pytest.raises(BlockedAddress):
            get(url)


def test_ipv4_is_tried_first_and_the_next_when_one_is_dead(
    monkeypatch: pytest.MonkeyPatch, upstream: Upstream
):
    port = int(upstream.host.partition(":")[2])
    rows = [
        (socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("::1", port, 0, 0)),
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port)),
    ]
    real = socket.getaddrinfo
    monkeypatch.setattr(
        socket,
        "getaddrinfo",
        lambda host, *a, **k: rows if host == "two.example" else real(host, *a, **k),
    )
    assert asyncio.run(allowed_addresses(ANY, "two.example", port)) == ["127.0.0.1", "::1"]
    assert get(f"http://two.example:{port}/").status_code == 401


def test_a_name_service_that_hangs_is_a_timeout(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: time.sleep(1.5))
    started = time.monotonic()

    async def ask() -> float:
        async with guarded_async_client(ANY, 0.2) as client:
            with pytest.raises(httpx2.ConnectTimeout):
                await client.get("http://slow.example/")
        return time.monotonic() - started

    assert asyncio.run(ask()) < 1


def test_a_name_that_can_be_none_is_told_as_such():
    with pytest.raises(httpx2.ConnectError) as caught:
        get(f"http://{'x' * 70}.example/")
    assert from_network(caught.value, "x").code == "dns"


def test_a_redirect_to_another_origin_is_refused():
    with (
        Upstream() as other,
        Upstream(mode="redirect_away", target=other.url) as upstream,
        pytest.raises(RedirectRefused),
    ):
        get(upstream.url, headers={"x-api-key": "good-key"})
    assert other.requests == []


def test_a_redirect_within_the_origin_is_followed():
    with Upstream(mode="redirect_within") as upstream:
        assert (
            get(f"{upstream.url}/v1/models", headers={"x-api-key": "good-key"}).status_code == 200
        )


def test_a_compressed_answer_is_not_unpacked():
    with Upstream(mode="gzip_bomb") as upstream, pytest.raises(CompressedAnswer):
        get(upstream.url)
    assert upstream.requests[0].headers["accept-encoding"] == "identity"


def test_a_certificate_of_nobody_is_refused():
    with Upstream(mode="self_signed") as upstream, pytest.raises(httpx2.ConnectError):
        get(upstream.url)
    assert upstream.requests == []


def test_a_certificate_of_somebody_is_not(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(egress_async, "trusted_authorities", trusting_context)
    with Upstream(mode="self_signed") as upstream:
        assert get(upstream.url).status_code == 401


def test_the_environment_names_no_proxy(monkeypatch: pytest.MonkeyPatch, upstream: Upstream):
    with Upstream() as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.setenv("ALL_PROXY", proxy.url)
        get(upstream.url)
    assert proxy.requests == [] and upstream.requests


def test_a_connection_serves_many_requests(upstream: Upstream):
    async def ask() -> int:
        async with guarded_async_client(ANY, 5, headers={"x-api-key": "good-key"}) as client:
            found = [await client.get(f"{upstream.url}/v1/models") for _ in range(5)]
            return len(
                {one.extensions["network_stream"].get_extra_info("client_addr") for one in found}
            )

    assert asyncio.run(ask()) == 1

"""The guard of outbound addresses, on real sockets."""

import ipaddress
import socket
import ssl
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx2
import pytest

from providers.core.errors import AnswerTooLarge, BlockedAddress, CompressedAnswer, RedirectRefused
from providers.http import egress
from providers.http.addresses import literal_address
from providers.http.allowance import Allowance, within
from providers.http.egress import guarded_client
from providers.http.policy import EgressPolicy
from tests.upstreams import Upstream, certificate, trusting_context

ANY, PUBLIC = EgressPolicy(), EgressPolicy(private=False)
LINK_LOCAL = (
    *(
        "169.254.169.254",
        "169.254.0.1",
        "fe80::1",
        "168.63.129.16",
        "100.100.100.200",
        "fd00:ec2::254",
        "224.0.0.1",
        "ff02::1",
    ),
    *(
        "::ffff:169.254.169.254",
        "64:ff9b::169.254.169.254",
        "::169.254.169.254",
        "2002:a9fe:a9fe::1",
    ),
)
PRIVATE = (
    "127.0.0.1",
    "10.1.2.3",
    "192.168.0.1",
    "172.16.0.1",
    "::1",
    "fd00::1",
    "0.0.0.0",
    "::",
    "::ffff:10.0.0.1",
    "64:ff9b::10.0.0.1",
)


def answers(monkeypatch: pytest.MonkeyPatch, *rounds: str) -> list[str]:
    """Lets the name service answer with one address a round; the list tells which names were asked
    for.
    """
    asked, left, really = [], list(rounds), socket.getaddrinfo

    def look_up(host: str, port: int, *more: object, **named: object) -> list:
        if literal_address(host):  # the connection itself: an address stands for itself
            return really(host, port, *more, **named)
        asked.append(host)
        address = left.pop(0) if len(left) > 1 else left[0]
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        return [(family, socket.SOCK_STREAM, 6, "", (address, port))]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return asked


@pytest.mark.parametrize("address", LINK_LOCAL)
def test_link_local_and_metadata_addresses_are_never_asked(address: str):
    with pytest.raises(BlockedAddress, match=r"link-local|metadata"):
        ANY.refuse_address("x.example", ipaddress.ip_address(address))


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses_are_allowed_until_they_are_forbidden(address: str):
    ANY.refuse_address("x.example", ipaddress.ip_address(address))
    with pytest.raises(BlockedAddress, match="CONNECTIONS_EGRESS_PRIVATE"):
        PUBLIC.refuse_address("x.example", ipaddress.ip_address(address))


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "64:ff9b::8.8.8.8"])
def test_public_addresses_are_asked(address: str):
    PUBLIC.refuse_address("x.example", ipaddress.ip_address(address))


@pytest.mark.parametrize(
    "host",
    [
        "2852039166",
        "0xA9FEA9FE",
        "0xa9.0xfe.0xa9.0xfe",
        "0251.0376.0251.0376",
        "169.16689662",
        "169.254.43518",
    ],
)
def test_every_spelling_of_an_address_is_read(host: str):
    assert str(literal_address(host)) == "169.254.169.254"


@pytest.mark.parametrize("host", ["api.example.com", "1and1.example", "", "1\x00", "\u00b2"])
def test_a_name_is_no_address(host: str):
    assert literal_address(host) is None


@pytest.mark.parametrize(
    "host", ["api.openai.com", "API.OpenAI.com.", "my.openai.azure.com", "a.b.openai.azure.com"]
)
def test_listed_hosts_are_asked(host: str):
    EgressPolicy(allow=("api.openai.com", "*.openai.azure.com")).refuse_name(host)


@pytest.mark.parametrize(
    "host", ["openai.azure.com", "evilopenai.azure.com", "api.openai.com.evil.example", "127.0.0.1"]
)
def test_hosts_that_are_not_listed_are_not(host: str):
    with pytest.raises(BlockedAddress, match="CONNECTIONS_EGRESS_ALLOW"):
        EgressPolicy(allow=("api.openai.com", "*.openai.azure.com")).refuse_name(host)


@pytest.mark.parametrize("address", ["169.254.169.254", "fe80::1", "::ffff:169.254.169.254"])
def test_the_address_behind_a_name_is_judged(monkeypatch: pytest.MonkeyPatch, address: str):
    answers(monkeypatch, address)
    with pytest.raises(BlockedAddress):
        guarded_client(ANY, 1).get("http://innocent.example/")


def test_one_bad_address_among_good_ones_is_enough(monkeypatch: pytest.MonkeyPatch):
    rows = [
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, 80))
        for one in ("127.0.0.1", "169.254.169.254")
    ]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: rows)
    with pytest.raises(BlockedAddress):
        guarded_client(ANY, 1).get("http://innocent.example/")


def test_the_address_that_was_judged_is_the_one_connected_to(
    monkeypatch: pytest.MonkeyPatch, upstream: Upstream
):
    asked = answers(monkeypatch, "127.0.0.1", "169.254.169.254")
    assert (
        guarded_client(ANY, 2)
        .get(upstream.url.replace("127.0.0.1", "rebinding.example"))
        .status_code
        == 401
    )
    assert asked == ["rebinding.example"]
    assert upstream.requests[0].headers["host"].startswith("rebinding.example")


def test_a_name_that_rebinds_is_judged_again(monkeypatch: pytest.MonkeyPatch):
    with Upstream(mode="500") as upstream:
        answers(monkeypatch, "127.0.0.1", "169.254.169.254")
        url = upstream.url.replace("127.0.0.1", "rebinding.example")
        guarded_client(ANY, 2).get(url)
        with pytest.raises(BlockedAddress):
            guarded_client(ANY, 2).get(url)


def test_a_name_whose_first_address_is_dead_is_reached_by_the_second(
    monkeypatch: pytest.MonkeyPatch, upstream: Upstream
):
    port = int(upstream.host.split(":")[1])
    rows = [
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port))
        for one in ("127.0.0.2", "127.0.0.1")
    ]
    really = socket.getaddrinfo
    monkeypatch.setattr(
        socket,
        "getaddrinfo",
        lambda host, *a, **k: rows if host == "two.example" else really(host, *a, **k),
    )
    assert guarded_client(ANY, 2).get(f"http://two.example:{port}").status_code == 401


def test_a_name_service_that_hangs_is_a_time_out(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: time.sleep(5))
    started = time.monotonic()
    with pytest.raises(httpx2.ConnectTimeout):
        guarded_client(ANY, 0.2).get("http://slow.example/")
    assert time.monotonic() - started < 2


def test_no_byte_goes_to_another_host_by_redirect():
    with (
        Upstream() as other,
        Upstream(mode="redirect_away", target=other.url) as upstream,
        pytest.raises(RedirectRefused),
    ):
        guarded_client(ANY, 2, headers={"x-api-key": "secret"}).get(upstream.url)
    assert other.requests == []


@pytest.mark.parametrize(
    "target",
    [
        "https://127.0.0.1",
        "//localhost",
        "http://169.254.169.254",
        "http://[::1]",
        "http://a@evil.example",
    ],
)
def test_scheme_host_and_port_must_stay(target: str):
    with (
        Upstream(mode="redirect_away", target=target) as upstream,
        pytest.raises((RedirectRefused, httpx2.InvalidURL)),
    ):
        guarded_client(ANY, 2).get(upstream.url)


def test_a_redirect_within_the_host_is_followed():
    with Upstream(mode="redirect_within", keys=None) as upstream:
        assert guarded_client(ANY, 2).get(f"{upstream.url}/v1/models").json()["data"]
    assert [request.path for request in upstream.requests] == ["/v1/models", "/moved/v1/models"]


@pytest.mark.parametrize("mode", ["drip", "drip_head", "hang", "redirect_loop"])
def test_an_act_ends_at_its_deadline(mode: str):
    with Upstream(mode=mode) as upstream:
        client = guarded_client(ANY, 5, allowance=Allowance(seconds=0.3))
        started = time.monotonic()
        with pytest.raises((httpx2.TimeoutException, httpx2.TooManyRedirects)):
            client.get(upstream.url)
    assert time.monotonic() - started < 2


def test_the_deadline_covers_all_connections_of_an_act(upstream: Upstream):
    client = guarded_client(ANY, 5, allowance=Allowance(seconds=0.4))
    with pytest.raises(httpx2.TimeoutException):
        for _ in range(20):
            client.get(upstream.url, headers={"Connection": "close"})
            time.sleep(0.1)


def test_the_clock_starts_with_the_first_step_and_anew_for_each_act():
    allowance = Allowance(seconds=0.2)
    time.sleep(0.3)
    assert allowance.left() > 0
    time.sleep(0.3)
    allowance.renew()
    assert allowance.left(0.1) <= 0.1


def test_an_act_ends_at_its_last_byte():
    with Upstream(mode="large", keys=None) as upstream, pytest.raises(AnswerTooLarge):
        guarded_client(ANY, 5, allowance=Allowance(budget=10_000)).get(upstream.url)


def test_without_an_allowance_a_large_answer_is_read():
    with Upstream(mode="large", keys=None) as upstream:
        assert len(guarded_client(ANY, 5).get(upstream.url).content) > 5_000_000


def test_a_compressed_answer_is_not_unpacked():
    with Upstream(mode="gzip_bomb") as upstream, pytest.raises(CompressedAnswer):
        guarded_client(ANY, 5).get(upstream.url)
    assert upstream.requests[0].headers["accept-encoding"] == "identity"


def test_a_certificate_of_nobody_is_refused():
    with Upstream(mode="self_signed") as upstream, pytest.raises(httpx2.ConnectError):
        guarded_client(ANY, 2).get(upstream.url)
    assert upstream.requests == []


def test_a_certificate_of_somebody_is_not(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(egress, "trusted_authorities", trusting_context)
    with Upstream(mode="self_signed") as upstream:
        assert guarded_client(ANY, 2).get(upstream.url).status_code == 401


def test_the_environment_names_no_proxy(monkeypatch: pytest.MonkeyPatch, upstream: Upstream):
    with Upstream() as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.setenv("ALL_PROXY", proxy.url)
        guarded_client(ANY, 2).get(upstream.url)
    assert proxy.requests == [] and upstream.requests


def test_a_call_that_hangs_is_left_behind():
    with pytest.raises(TimeoutError):
        within(0.1, time.sleep, 3)
    assert within(1, len, "abc") == within(None, len, "abc") == 3


def test_an_error_of_a_bounded_call_comes_through():
    with pytest.raises(ZeroDivisionError):
        within(1, lambda: 1 / 0)


def test_one_client_serves_many_threads(upstream: Upstream):
    client = guarded_client(ANY, 5, headers={"x-api-key": "good-key"})
    with ThreadPoolExecutor(8) as pool:
        found = list(
            pool.map(lambda _: client.get(f"{upstream.url}/v1/models").status_code, range(40))
        )
    assert found == [200] * 40


@pytest.fixture
def own_authority(tmp_path: Path) -> Iterator[Path]:
    """A PEM file with the authority of `Upstream(mode="self_signed")`."""
    path, text = tmp_path / "ca.pem", certificate()
    path.write_text(text[text.index("-----BEGIN CERTIFICATE") :])
    yield path
    egress._own_authorities.clear()
    egress.trusted_authorities.cache_clear()


def test_authorities_of_ones_own_are_trusted_besides_the_systems(
    own_authority: Path, no_public_authorities: Any, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(ssl.SSLContext, "load_verify_locations", no_public_authorities)
    egress.trust_authorities(str(own_authority))
    with Upstream(mode="self_signed") as upstream:
        assert guarded_client(ANY, 2).get(upstream.url).status_code == 401
    assert len(egress.trusted_authorities().get_ca_certs()) >= 1


def test_a_file_without_certificates_is_told(own_authority: Path):
    own_authority.write_text("nothing")
    with pytest.raises(ValueError, match="without certificates"):
        egress.trust_authorities(str(own_authority))

"""Switchboard behind the proxies of deploy/proxy/, both running, with TLS. `make test-deploy`.

The files are taken as they are; only names, ports and paths are those of this test. A stream says
nothing for more than the 60 s after which proxies cut one by default.
"""

import json
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.gateway.serving import HELLO, Gateway, Surroundings, another_server, surroundings

PROXIES = Path(__file__).parents[2] / "deploy" / "proxy"
HOST = "switchboard.example.com"
FIRST_WAIT = 10
QUIET = FIRST_WAIT + 62
FIRST = 'data: {"model": "m", "choices": [{"index": 0, "delta": {"content": "Hi"}}]}\n\n'
LAST = 'data: {"model": "m", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}\n\n'
DONE = "data: [DONE]\n\n"
NGINX = """
user root;  # the folder of a test is its user's alone
pid {folder}/pid;
error_log {folder}/error.log;
worker_processes 1;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/a;
    uwsgi_temp_path {folder}/b;
    scgi_temp_path {folder}/c;
    include {folder}/switchboard.conf;
}}
"""


@dataclass
class Proxy:
    """A proxy that runs: its port, the authority that its certificate is of, and what is behind."""

    name: str
    port: int
    certificate: Path
    gate: Gateway

    quiet: "list[subprocess.Popen[bytes]]" = field(default_factory=list)

    def command(self, path: str, *options: str) -> list[str]:
        """curl through it, by HTTP/2."""
        known = ("--cacert", str(self.certificate), "--resolve", f"{HOST}:{self.port}:127.0.0.1")
        command = ["curl", "--silent", "--noproxy", "*", "--max-time", "200", *known, *options]
        return [*command, f"https://{HOST}:{self.port}{path}"]

    def curl(self, path: str, *options: str) -> "subprocess.CompletedProcess[bytes]":
        """An answer through it."""
        return subprocess.run(self.command(path, *options), capture_output=True, check=False)

    def status(self, path: str, *options: str) -> tuple[str, str]:
        """The version of HTTP and the status."""
        told = self.curl(
            path, "--output", os.devnull, "-w", "%{http_version} %{http_code}", *options
        )
        version, status = told.stdout.decode().split()
        return version, status

    def chat(self, profile: str, text: str = "", **fields: Any) -> list[str]:
        """The options of a call of the gateway."""
        body = {"model": profile, "messages": HELLO, **fields}
        if text:
            body["messages"] = [{"role": "user", "content": text}]
        given = self.certificate.with_name(f"{profile}.json")
        given.write_text(json.dumps(body))
        headers = [f"Authorization: Bearer {self.gate.token}", "Content-Type: application/json"]
        return [*(word for one in headers for word in ("-H", one)), "--data-binary", f"@{given}"]

    def streaming(self, profile: str) -> list[str]:
        """The command that streams an answer."""
        options = self.chat(profile, stream=True)
        return self.command("/v1/chat/completions", "--no-buffer", *options)

    def begin_quiet_stream(self) -> None:
        """Ask for a stream that says nothing for QUIET seconds, but for one comment early on."""
        model = f"raw?sse=1&delay={QUIET}&proxy={self.name}"
        self.gate.upstream.raw[model] = [FIRST + LAST + DONE]
        profile = self.gate.profile(model, self.gate.connection(timeout=QUIET * 3))
        self.quiet.append(subprocess.Popen(self.streaming(profile), stdout=subprocess.PIPE))

    def quiet_stream(self) -> "subprocess.Popen[bytes]":
        """The program that reads it."""
        return self.quiet[0]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def around(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Surroundings]:
    with surroundings(tmp_path_factory.mktemp("around")) as one:
        yield one


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tls")
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    command += [
        "-nodes",
        "-days",
        "2",
        "-subj",
        f"/CN={HOST}",
        "-addext",
        f"subjectAltName=DNS:{HOST}",
    ]
    command += ["-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem")]
    subprocess.run(command, check=True, capture_output=True)
    return folder / "cert.pem"


@contextmanager
def program(command: list[str], port: int, log: Path, **environment: str) -> Iterator[None]:
    """A proxy, until the block ends."""
    path = f"{os.environ['PATH']}:/usr/sbin"
    with (
        log.open("wb") as file,
        subprocess.Popen(
            command, env={**os.environ, "PATH": path, **environment}, stdout=file, stderr=file
        ) as process,
    ):
        try:
            for _ in range(200):
                with socket.socket() as probe:
                    if probe.connect_ex(("127.0.0.1", port)) == 0:
                        break
                assert process.poll() is None, log.read_text()
                time.sleep(0.1)
            yield
        finally:
            process.terminate()


def nginx(folder: Path, port: int, certificate: Path, upstream: str) -> list[str]:
    """Its command, on the files that it needs."""
    text = (PROXIES / "nginx.conf").read_text()
    changes = {
        "listen [::]:80;": "",
        "listen [::]:443 ssl http2;": "",
        "listen 80;": f"listen 127.0.0.1:{free_port()};",
        "listen 443 ssl http2;": f"listen 127.0.0.1:{port} ssl http2;",
        "127.0.0.1:8000": upstream,
        "/etc/switchboard/tls/fullchain.pem": str(certificate),
        "/etc/switchboard/tls/privkey.pem": str(certificate.with_name("key.pem")),
    }
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)
    (folder / "switchboard.conf").write_text(text)
    (folder / "nginx.conf").write_text(NGINX.format(folder=folder))
    return ["nginx", "-c", str(folder / "nginx.conf"), "-g", "daemon off;"]


def caddy(folder: Path, certificate: Path) -> list[str]:
    """Its command, on the files that it needs."""
    text = (PROXIES / "Caddyfile").read_text()
    old = "com} {\n"
    assert text.count(old) == 1
    tls = f"{old}\ttls {certificate} {certificate.with_name('key.pem')}\n"
    options = "{\n\tadmin off\n\tauto_https disable_redirects\n\tskip_install_trust\n}\n"
    (folder / "Caddyfile").write_text(options + text.replace(old, tls))
    return ["caddy", "run", "--adapter", "caddyfile", "--config", str(folder / "Caddyfile")]


@pytest.fixture(scope="module")
def proxies(
    around: Surroundings, certificate: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Proxy]]:
    """Both, in front of one server. A quiet stream runs through each beside all tests."""
    settings = {
        "HTTPS": "true",
        "TRUSTED_PROXIES": "1",
        "ALLOWED_HOSTS": HOST,
        "CSRF_TRUSTED_ORIGINS": f"https://{HOST}",
        "GATEWAY_KEEPALIVE_SECONDS": "0",  # the proxies are to hold a stream without its comments
        "GATEWAY_FIRST_WAIT_SECONDS": str(FIRST_WAIT),
        "METRICS_ALLOW": "127.0.0.1",
    }
    folder, ports = tmp_path_factory.mktemp("proxies"), (free_port(), free_port())
    folder.chmod(0o755)
    with another_server(around, folder / "log", "--graceful-timeout=1", **settings) as gate:
        upstream = gate.url.removeprefix("http://")
        first = nginx(folder, ports[0], certificate, upstream)
        second = caddy(folder, certificate)
        given = {
            "SWITCHBOARD_SITE": f"https://{HOST}:{ports[1]}",
            "SWITCHBOARD_UPSTREAM": upstream,
            "XDG_DATA_HOME": str(folder),
            "XDG_CONFIG_HOME": str(folder),
        }
        with (
            program(first, ports[0], folder / "nginx.log"),
            program(second, ports[1], folder / "caddy.log", **given),
        ):
            found = {
                name: Proxy(name, port, certificate, gate)
                for name, port in zip(("nginx", "caddy"), ports, strict=True)
            }
            for one in found.values():
                one.begin_quiet_stream()
            yield found
            for one in found.values():
                one.quiet_stream().kill()


@pytest.fixture(params=["nginx", "caddy"])
def proxy(request: pytest.FixtureRequest, proxies: dict[str, Proxy]) -> Proxy:
    return proxies[request.param]


def test_pages_come_by_http_2_and_know_that_they_are_behind_tls(proxy: Proxy):
    told = proxy.curl("/sign-in/", "--include", "--location")
    head, _, page = told.stdout.decode().rpartition("\r\n\r\n")
    assert "HTTP/2 200" in head and 'type="password"' in page
    assert "strict-transport-security" in head
    cookie = next(line for line in head.splitlines() if line.startswith("set-cookie: csrftoken"))
    assert "Secure" in cookie


def test_a_form_passes_the_check_of_its_origin(proxy: Proxy):
    jar = str(proxy.certificate.with_name(f"{proxy.name}.cookies"))
    page = proxy.curl("/sign-in/", "--location", "--cookie-jar", jar).stdout.decode()
    value = page.partition('name="csrfmiddlewaretoken" value="')[2].partition('"')[0]
    given = f"csrfmiddlewaretoken={value}&login=nobody&password=wrong"
    origin = f"Origin: https://{HOST}:{proxy.port}"
    form = ("--cookie", jar, "-H", origin, "-H", f"Referer: https://{HOST}:{proxy.port}/")
    answer = proxy.status("/sign-in/", "--data", given, *form)
    assert value and answer[1] != "403"
    assert (
        proxy.status("/sign-in/", "--data", given, *form, "-H", "Origin: https://evil.example")[1]
        == "403"
    )


@pytest.mark.parametrize("path", ["/health/ready", "/health/live", "/metrics"])
def test_what_is_for_operators_is_not_public(proxy: Proxy, path: str):
    assert proxy.status(path)[1] == "404"


def test_a_large_body_goes_through_and_one_too_large_does_not(proxy: Proxy):
    profile = proxy.gate.profile("words")
    assert proxy.status("/v1/chat/completions", *proxy.chat(profile, "a" * 7_900_000))[1] == "200"
    # by the product, in the format of the caller's protocol
    told = proxy.curl("/v1/chat/completions", *proxy.chat(profile, "a" * 9_000_000)).stdout
    assert json.loads(told)["error"]["message"]
    # by the proxy: nginx says so, Caddy ends the connection or says 502, as its version has it
    largest = proxy.status("/v1/chat/completions", *proxy.chat(profile, "a" * 13_000_000))
    assert largest[1] in ("413", "502", "000")


def test_what_a_client_says_of_itself_is_not_believed(proxy: Proxy):
    header = ("-H", "X-Forwarded-For: 203.0.113.9", "-H", "X-Forwarded-Proto: http")
    proxy.status("/sign-in/", *header)
    told = proxy.curl("/sign-in/", "--include", "--location", *header).stdout.decode()
    assert "strict-transport-security" in told.lower()
    assert "203.0.113.9" not in proxy.gate.log


def test_each_piece_of_a_stream_goes_on_when_it_is_there(proxy: Proxy):
    profile = proxy.gate.profile("words?chunks=12&delay=0.3")
    times = []
    with subprocess.Popen(proxy.streaming(profile), stdout=subprocess.PIPE) as process:
        assert process.stdout
        times = [time.monotonic() for line in process.stdout if line.startswith(b"data: ")]
    assert len(times) >= 12
    assert times[6] < times[-1] - 0.9, "the first half is there long before the end"


def test_a_stream_may_be_quiet_for_longer_than_a_minute(proxy: Proxy):
    said, _ = proxy.quiet_stream().communicate(timeout=QUIET * 2)
    assert proxy.quiet_stream().returncode == 0
    # one comment of the gateway's, when the service let it wait for its first piece
    assert said.decode().partition("\n\n")[2] == FIRST + LAST + DONE

"""AI services that misbehave on purpose, and aimock, which other people wrote, for tests of
providers and of pages.

    with Upstream(mode="good", keys={"good-key"}) as upstream:
        ...  # upstream.url, upstream.requests, upstream.mode = "429"
    with aimock(keys="good-key") as url:
        ...
"""

import datetime
import gzip
import ipaddress
import json
import os
import re
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

from providers.core.base import Capability

ROOT = Path(__file__).resolve().parent.parent
GOOD_KEY = "good-key"

STATUSES = ("401", "403", "404", "429", "500")
NONSENSE = {
    "json_object": {"hello": 1},
    "json_list": [],
    "json_null": None,
    "json_rows": {"data": [1, 2], "models": [1, 2]},
}
MODES = (
    *("good", *STATUSES, "hang", "drip", "drip_head", "close", "html", *NONSENSE),
    *("redirect_away", "redirect_within", "redirect_loop", "self_signed", "large", "gzip_bomb"),
)
LARGE = 5 * 1024 * 1024
# Where a service looks for its key, by the beginning of the path; any other service looks into
# every usual header.
KEY_PLACES = {
    "/servicestats": ("api-key", "authorization"),
    "/contentsafety/": ("ocp-apim-subscription-key",),
    "/formrecognizer/": ("ocp-apim-subscription-key",),
    "/documentintelligence/": ("ocp-apim-subscription-key",),
    "/collections": ("api-key",),
    "/v1/meta": ("authorization",),
    "/account": ("?api_key",),
}
USUAL_PLACES = ("x-api-key", "api-key", "x-goog-api-key", "x-my-key", "authorization")


@dataclass(frozen=True)
class ReceivedRequest:
    """A request as it arrived."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes = b""

    def __contains__(self, text: str) -> bool:
        return text in f"{self.path} {self.headers} {self.body!r}"


@dataclass
class Upstream:
    """A server on 127.0.0.1 that behaves as `mode` says; `answers` overrides single paths with
    (status, JSON or a stream's bytes).

    `keys`: accepted keys, None for a service that wants none. `target`: where "redirect_away"
    points.
    """

    mode: str = "good"
    keys: Iterable[str] | None = (GOOD_KEY,)
    target: str = ""
    answers: dict[str, tuple[int, Any]] = field(default_factory=dict)
    requests: list[ReceivedRequest] = field(default_factory=list)

    def __enter__(self) -> Self:
        assert self.mode in MODES, f"{self.mode} is none of {MODES}"
        if self.mode == "gzip_bomb":
            _bomb()  # packed before anybody looks at the clock
        self.closing = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self._server.upstream, self._server.daemon_threads, self._server.block_on_close = (
            self,
            True,
            False,
        )
        self._server.handle_error = lambda *_: None
        if self.mode == "self_signed":
            self._server.socket = server_context().wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def _serve(self) -> None:
        """As serve_forever, which ends only when it next looks whether it should."""
        with suppress(OSError):  # the door is shut
            while True:
                self._server.process_request(*self._server.get_request())

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        self._server.socket.shutdown(socket.SHUT_RDWR)
        self._server.server_close()

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self._server.server_address[1]}"

    @property
    def url(self) -> str:
        return f"{'https' if self.mode == 'self_signed' else 'http'}://{self.host}"

    def accepts(self, headers: dict[str, str], path: str = "", query: str = "") -> bool:
        """True if an accepted key is where the service of this path looks for it; for AWS the
        access key ID of the signature.
        """
        if self.keys is None:
            return True
        places = next(
            (places for start, places in KEY_PLACES.items() if path.startswith(start)), USUAL_PLACES
        )
        sent = [headers.get(name, "") for name in places if name != "authorization"]
        if "authorization" in places:
            authorization = headers.get("authorization", "")
            sent += [
                authorization.partition(" ")[2],
                *re.findall(r"Credential=([^/]+)/", authorization),
            ]
        sent += [
            text
            for place in places
            if place[0] == "?"
            for text in parse_qs(query).get(place[1:], [])
        ]
        return any(key in sent for key in self.keys)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    upstream: Upstream

    def log_message(self, *_: object) -> None: ...

    def answer_request(self) -> None:
        upstream = self.upstream = self.server.upstream  # type: ignore[attr-defined]
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        upstream.requests.append(ReceivedRequest(self.command, self.path, headers, body))
        with suppress(OSError):
            behave = getattr(self, f"be_{upstream.mode}", None)
            behave() if behave else self.be_status_or_nonsense()

    do_GET = do_POST = answer_request

    def be_good(self, path: str = "") -> None:
        path, _, query = (path or self.path).partition("?")
        if path in self.upstream.answers:
            status, body = self.upstream.answers[path]
            stream = {"Content-Type": "text/event-stream"}
            return (
                self.send_bytes(status, body, stream)
                if isinstance(body, bytes)
                else self.send_json(status, body)
            )
        if path.startswith("/msi/") or "/oauth2/" in path or "/.well-known/" in path:
            return self.send_json(200, _entra(self.upstream, path))
        if not self.upstream.accepts(self.upstream.requests[-1].headers, path, query):
            # as some services do: the answer repeats what was sent, which no message may show
            said = f"wrong: {self.path} {dict(self.headers)}"
            return self.send_json(401, {"error": {"message": said, "code": "invalid_api_key"}})
        return self.send_json(200, models_for(path, self.upstream.requests[-1].headers))

    be_self_signed = be_good

    def be_status_or_nonsense(self) -> None:
        mode = self.upstream.mode
        if mode in NONSENSE:
            return self.send_json(200, NONSENSE[mode])
        return self.send_json(
            int(mode),
            {"error": {"message": f"you sent {self.path} {dict(self.headers)}", "type": "made_up"}},
        )

    def be_hang(self) -> None:
        self.upstream.closing.wait()

    def be_drip(self) -> None:
        self.send_head({"Content-Type": "application/json", "Content-Length": str(LARGE)})
        self.drip(b" ")

    def be_drip_head(self) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        self.drip(b"x")

    def drip(self, piece: bytes) -> None:
        while not self.upstream.closing.wait(0.05):
            self.wfile.write(piece)

    def be_close(self) -> None:
        self.close_connection = True

    def be_html(self) -> None:
        self.send_bytes(
            200, b"<!doctype html><title>Sign in</title>", {"Content-Type": "text/html"}
        )

    def be_redirect_away(self) -> None:
        self.send_bytes(307, b"", {"Location": self.upstream.target + self.path})

    def be_redirect_within(self) -> None:
        if self.path.startswith("/moved"):
            return self.be_good(self.path.removeprefix("/moved"))
        return self.send_bytes(307, b"", {"Location": "/moved" + self.path})

    def be_redirect_loop(self) -> None:
        self.send_bytes(307, b"", {"Location": self.path})

    def be_large(self) -> None:
        self.send_json(200, {**models_for(self.path, {}), "padding": "x" * LARGE})

    def be_gzip_bomb(self) -> None:
        self.send_bytes(
            200, _bomb(), {"Content-Type": "application/json", "Content-Encoding": "gzip"}
        )

    def send_json(self, status: int, body: Any) -> None:
        self.send_bytes(status, json.dumps(body).encode(), {"Content-Type": "application/json"})

    def send_bytes(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_head({**headers, "Content-Length": str(len(body))}, status)
        self.wfile.write(body)

    def send_head(self, headers: dict[str, str], status: int = 200) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()


class Relay:
    """Passes bytes on to another server, and notes when a caller hangs up: `with Relay(url) as
    relay: relay.url, relay.hung_up`.
    """

    def __init__(self, target: str) -> None:
        parts = urlsplit(target)
        self.target, self.hung_up = (parts.hostname, parts.port), threading.Event()

    def __enter__(self) -> Self:
        self._door = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._door.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._door.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                caller, service = self._door.accept()[0], socket.create_connection(self.target)
                threading.Thread(
                    target=self._pass_on, args=(service, caller, None), daemon=True
                ).start()
                threading.Thread(
                    target=self._pass_on, args=(caller, service, self.hung_up), daemon=True
                ).start()

    def _pass_on(
        self, source: socket.socket, target: socket.socket, over: threading.Event | None
    ) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)
        if over:
            over.set()
        for end in (source, target):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


def models_for(path: str, headers: dict[str, str]) -> Any:
    """The list of models in the shape of the service whose path or headers these are; OpenAI's for
    any other.

    For a service without models its answer to a check.
    """
    for end, shape in SHAPES.items():
        if path.partition("?")[0].endswith(end):
            return shape()
    if "x-goog-api-key" in headers:
        return _gemini()
    return _anthropic() if "anthropic-version" in headers else _openai()


def knows(path: str) -> bool:
    """True if the service of this path, one without models, is among those that are played."""
    return any(path.endswith(end) for end in SHAPES)


def _openai() -> Any:
    names = ("gpt-4o-mini", "text-embedding-3-small")
    return {
        "object": "list",
        "data": [
            {"id": name, "object": "model", "created": 1, "owned_by": "made-up"} for name in names
        ],
    }


def _azure() -> Any:
    chat, embed = (
        {"chat_completion": True, "embeddings": False},
        {"chat_completion": False, "embeddings": True},
    )
    rows = [{"id": "gpt-4o", "capabilities": chat}, {"id": "ada", "capabilities": embed}]
    return {"object": "list", "data": [{"object": "model", "created_at": 1, **row} for row in rows]}


def _anthropic() -> Any:
    row = {
        "type": "model",
        "id": "claude-made-up",
        "display_name": "Claude Made Up",
        "created_at": "2026-01-01T00:00:00Z",
    }
    return {
        "data": [{**row, "lifecycle": "active"}],
        "has_more": False,
        "first_id": row["id"],
        "last_id": row["id"],
    }


def _gemini() -> Any:
    chat, embed = ["generateContent", "countTokens"], ["embedContent"]
    rows = [
        ("gemini-made-up", "Gemini Made Up", chat),
        ("gemini-embedding", "Gemini Embedding", embed),
    ]
    return {
        "models": [
            {"name": f"models/{name}", "displayName": label, "supportedGenerationMethods": one}
            for name, label, one in rows
        ]
    }


def _ollama() -> Any:
    rows = [("llama3.2:latest", "llama"), ("nomic-embed-text:latest", "nomic-bert")]
    return {
        "models": [
            {"name": name, "model": name, "size": 1, "details": {"family": family}}
            for name, family in rows
        ]
    }


def _bedrock() -> Any:
    rows = [
        ("amazon.nova-lite-v1:0", "Nova Lite", ["TEXT"]),
        ("amazon.titan-embed", "Titan", ["EMBEDDING"]),
    ]
    return {
        "modelSummaries": [
            {"modelId": name, "modelName": label, "outputModalities": one}
            for name, label, one in rows
        ]
    }


def _foundry() -> Any:
    return {
        "value": [
            {
                "name": "my-chat",
                "modelName": "gpt-4o",
                "type": "ModelDeployment",
                "capabilities": {"chat_completion": "true"},
            }
        ]
    }


# The end of a path -> the answer of the service there.
SHAPES: dict[str, Callable[[], Any]] = {
    "/api/tags": _ollama,
    "/foundation-models": _bedrock,
    "/deployments": _foundry,
    "/openai/models": _azure,
    "/servicestats": lambda: {
        "counters": {"documentCount": {"usage": 1, "quota": None}},
        "limits": {"maxFieldsPerIndex": 1000},
    },
    "/contentsafety/text/blocklists": lambda: {"value": []},
    "/formrecognizer/info": lambda: {"customDocumentModels": {"count": 0, "limit": 500}},
    "/documentintelligence/info": lambda: {"customDocumentModels": {"count": 0, "limit": 500}},
    "/account": lambda: {
        "account_id": "5ac5",
        "api_key": "made-up",
        "plan_name": "Free Plan",
        "total_searches_left": 100,
    },
    "/collections": lambda: {"result": {"collections": []}, "status": "ok", "time": 0.0001},
    "/v1/meta": lambda: {"hostname": "http://[::]:8080", "modules": {}, "version": "1.30.0"},
}


def _entra(upstream: Upstream, path: str) -> Any:
    """Tokens: of a managed identity (azure-identity's IDENTITY_ENDPOINT), or of an app
    registration. The first key is the token.
    """
    if "/.well-known/" in path:
        base = f"{upstream.url}/{path.split('/')[1]}"
        return {
            "issuer": base,
            "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
            "token_endpoint": f"{base}/oauth2/v2.0/token",
        }
    token = next(iter(upstream.keys or ("token",)))
    return {
        "access_token": token,
        "token_type": "Bearer",
        "expires_in": "3600",
        "expires_on": "4102444800",
        "resource": "made-up",
    }


@cache
def _bomb() -> bytes:
    return gzip.compress(b"[" + b"0," * 10_000_000 + b"0]", 1)


@cache
def certificate() -> str:
    """A key and a self-signed certificate for 127.0.0.1 and localhost, as PEM."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    names = x509.SubjectAlternativeName(
        [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    )
    now = datetime.datetime.now(datetime.UTC)
    builder = x509.CertificateBuilder(
        name,
        name,
        key.public_key(),
        x509.random_serial_number(),
        now,
        now + datetime.timedelta(days=1),
    )
    signed = builder.add_extension(names, critical=False).sign(key, hashes.SHA256())
    plain = (
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return (
        key.private_bytes(*plain).decode()
        + signed.public_bytes(serialization.Encoding.PEM).decode()
    )


def server_context() -> ssl.SSLContext:
    """TLS for a server with `certificate()`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with NamedTemporaryFile("w", suffix=".pem") as file:
        file.write(certificate())
        file.flush()
        context.load_cert_chain(file.name)
    return context


def trusting_context() -> ssl.SSLContext:
    """TLS for a client that trusts `certificate()` and nothing else."""
    return ssl.create_default_context(
        cadata=certificate()[certificate().index("-----BEGIN CERTIFICATE") :]
    )


def aimock_program() -> Path:
    """The path of llmock: in this repository after `npm ci`, else the path in AIMOCK."""
    places = [ROOT / "node_modules" / ".bin" / "llmock"] + [
        Path(place) for place in (os.environ.get("AIMOCK"),) if place
    ]
    for place in places:
        if place.exists():
            return place
    raise AssertionError(
        "aimock is not there. Run `npm ci` in the repository's root, or let AIMOCK name the llmock "
        "program."
    )


# The SDKs whose protocols aimock speaks, and for what.
AIMOCK_PLAYS = {
    "openai": {Capability.CHAT, Capability.EMBEDDING},
    "anthropic": {Capability.CHAT},
    "google-genai": {Capability.CHAT},
}


@contextmanager
def aimock(
    keys: str = GOOD_KEY,
    fixtures: Path = ROOT / "tests" / "fixtures" / "aimock",
    options: tuple[str, ...] = (),
) -> Iterator[str]:
    """@copilotkit/aimock, an independent imitation of the services. Gives its address."""
    command = [
        str(aimock_program()),
        "--port",
        "0",
        "--fixtures",
        str(fixtures),
        "--strict",
        *options,
    ]
    environment = {**os.environ, "AIMOCK_API_KEYS": keys}
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        try:
            said = ""
            for line in process.stdout or ():
                said += line
                if found := re.search(r"listening on (http://\S+)", line):
                    break
            else:
                raise AssertionError(f"aimock did not start: {said}")
            yield found[1]
        finally:
            process.terminate()

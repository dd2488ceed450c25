"""Servers that keep the bytes they were sent, and a token service of OAuth2, for tests of
authentication.

    with HttpServer(answers={"/me": Answer(204)}) as server:
        ...  # server.url, server.requests[0].line
    with OAuth2Server() as server:
        ...  # /token gives tokens, every other path wants one
"""

import base64
import datetime
import ipaddress
import itertools
import json
import socket
import ssl
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from tempfile import NamedTemporaryFile
from typing import Any, Self
from urllib.parse import parse_qs, unquote_plus

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec


@dataclass(frozen=True)
class RawRequest:
    """A request, byte for byte."""

    head: bytes
    body: bytes = b""

    @property
    def line(self) -> str:
        """`GET /me?x=1 HTTP/1.1`."""
        return self.head.partition(b"\r\n")[0].decode("latin-1")

    @property
    def path(self) -> str:
        """The path without what is asked of it."""
        return self.line.split(" ")[1].partition("?")[0]

    @property
    def headers(self) -> list[bytes]:
        """The lines of the head after the first."""
        return [line for line in self.head.split(b"\r\n")[1:] if line]

    def values(self, name: str) -> list[str]:
        """The values of all headers of this name, in any letter case."""
        found = [line.partition(b":") for line in self.headers]
        return [
            value.strip().decode("latin-1")
            for key, _, value in found
            if key.decode().lower() == name.lower()
        ]

    @property
    def form(self) -> dict[str, str]:
        """The body as a form."""
        return {
            name: values[0]
            for name, values in parse_qs(self.body.decode(), keep_blank_values=True).items()
        }

    def __contains__(self, text: str) -> bool:
        return text.encode() in self.head + self.body


@dataclass(frozen=True)
class Answer:
    """An answer to a request.

    `raw`: these bytes instead of everything else; `seconds`: how long that takes.
    """

    status: int = 200
    body: Any = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    raw: bytes | None = None
    seconds: float = 0

    def as_bytes(self) -> bytes:
        """The answer on the wire; a body that is neither bytes nor text is sent as JSON."""
        if self.raw is not None:
            return self.raw
        body = (
            self.body
            if isinstance(self.body, bytes)
            else self.body.encode()
            if isinstance(self.body, str)
            else json.dumps(self.body).encode()
        )
        headers = {
            "Content-Type": "application/json",
            **self.headers,
            "Content-Length": str(len(body)),
        }
        lines = [
            f"HTTP/1.1 {self.status} Made up",
            *(f"{name}: {value}" for name, value in headers.items()),
        ]
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


Answering = Answer | Callable[[RawRequest], Answer]


class HttpServer:
    """Answers on 127.0.0.1 by path, `default` for any other. `tls`: for https."""

    def __init__(
        self,
        answers: dict[str, Answering] | None = None,
        default: Answering = Answer(),
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.answers, self.default, self.tls = answers or {}, default, tls
        self.requests: list[RawRequest] = []

    def __enter__(self) -> Self:
        self._door = socket.create_server(("127.0.0.1", 0))
        self.host = f"127.0.0.1:{self._door.getsockname()[1]}"
        self.url = f"{'https' if self.tls else 'http'}://{self.host}"
        self._closing = threading.Event()
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        with suppress(OSError):
            self._door.shutdown(socket.SHUT_RDWR)
        self._door.close()

    def asked(self, path: str) -> list[RawRequest]:
        """The requests for this path."""
        return [one for one in self.requests if one.path == path]

    def answer(self, request: RawRequest) -> Answer:
        """The answer to this request."""
        found = self.answers.get(request.path, self.default)
        return found if isinstance(found, Answer) else found(request)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                threading.Thread(
                    target=self._serve, args=(self._door.accept()[0],), daemon=True
                ).start()

    def _serve(self, caller: socket.socket) -> None:
        with (
            suppress(OSError),
            self.tls.wrap_socket(caller, server_side=True) if self.tls else caller as stream,
        ):
            while request := _next_request(stream):
                self.requests.append(request)
                answer = self.answer(request)
                if answer.seconds and self._closing.wait(answer.seconds):
                    return
                stream.sendall(answer.as_bytes())
                if answer.raw is not None:
                    return


def _next_request(stream: socket.socket) -> RawRequest | None:
    """The next request, None when the caller hung up."""
    data = b""
    while b"\r\n\r\n" not in data:
        more = stream.recv(65536)
        if not more:
            return None
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    length = int((RawRequest(head).values("content-length") or ["0"])[0])
    chunked = RawRequest(head).values("transfer-encoding") == ["chunked"]
    while len(body) < length or (chunked and not body.endswith(b"0\r\n\r\n")):
        body += stream.recv(65536)
    return RawRequest(head, body)


class OAuth2Server(HttpServer):
    """A token service at /token (RFC 6749, sections 2.3.1, 4.3, 4.4 and 6) and a service that takes
    its tokens everywhere else.

    `says`: another answer of the token service. `expires_in`: None for unsaid. `seconds`: how long
    a token takes to be made.
    """

    def __init__(
        self,
        *,
        client: tuple[str, str] = ("my-client", "client-secret-7391"),
        expires_in: Any = 3600,
        says: Answering | None = None,
        seconds: float = 0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        super().__init__({"/token": self._token}, self._service, tls)
        self.client, self.expires_in, self.says, self.seconds = client, expires_in, says, seconds
        self.given: dict[str, float] = {}  # the tokens that are good, and until when
        self._numbers = itertools.count(1)

    @property
    def token_url(self) -> str:
        """The address at which tokens are given out."""
        return f"{self.url}/token"

    @property
    def fetched(self) -> int:
        """The number of times that a token was asked for."""
        return len(self.asked("/token"))

    def revoke(self) -> None:
        """Makes every token that was given out invalid."""
        self.given.clear()

    def _token(self, request: RawRequest) -> Answer:
        if self.says:
            return self.says if isinstance(self.says, Answer) else self.says(request)
        if not request.line.startswith("POST ") or request.values("content-type") != [
            "application/x-www-form-urlencoded"
        ]:
            return Answer(
                400,
                {"error": "invalid_request", "error_description": f"secret-echo {request.body!r}"},
            )
        if _client(request) != self.client:
            return Answer(
                401,
                {"error": "invalid_client", "error_description": f"secret-echo {_client(request)}"},
            )
        if request.form.get("grant_type") not in (
            "client_credentials",
            "password",
            "refresh_token",
        ):
            return Answer(400, {"error": "unsupported_grant_type"})
        return self._given()

    def _given(self) -> Answer:
        token = f"token-secret-{next(self._numbers)}"
        life = self.expires_in if isinstance(self.expires_in, int | float) else 3600
        self.given[token] = time.time() + life if life > 0 else float("inf")
        told = {} if self.expires_in is None else {"expires_in": self.expires_in}
        return Answer(
            body={"access_token": token, "token_type": "Bearer", **told}, seconds=self.seconds
        )

    def _service(self, request: RawRequest) -> Answer:
        scheme, _, token = (request.values("authorization") or [""])[0].partition(" ")
        good = scheme == "Bearer" and self.given.get(token, 0) > time.time()
        return Answer() if good else Answer(401, {"said": f"you sent {request.head!r}"})


def _client(request: RawRequest) -> tuple[str, str]:
    """The client's id and secret: from the header, decoded as RFC 6749, section 2.3.1, says, or
    from the body.
    """
    scheme, _, sent = (request.values("authorization") or [""])[0].partition(" ")
    if scheme == "Basic":
        name, _, secret = base64.b64decode(sent).decode().partition(":")
        return unquote_plus(name), unquote_plus(secret)
    return request.form.get("client_id", ""), request.form.get("client_secret", "")


@cache
def authority() -> tuple[str, Any, Any]:
    """A certificate authority nobody knows: its certificate as PEM, the same as an object, and its
    key.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    signed = _signed("Made Up Authority", key, None, key, days=3650)
    return signed.public_bytes(serialization.Encoding.PEM).decode(), signed, key


@cache
def service_certificate(days: int = 44) -> tuple[str, str]:
    """A key and a certificate for 127.0.0.1 by `authority()` that ends in that many days and some
    hours, each as PEM.
    """
    _, issuer, issuers_key = authority()
    key = ec.generate_private_key(ec.SECP256R1())
    signed = _signed("localhost", key, issuer, issuers_key, days)
    plain = (
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return key.private_bytes(*plain).decode(), signed.public_bytes(
        serialization.Encoding.PEM
    ).decode()


def _signed(name: str, key: Any, issuer: Any, issuers_key: Any, days: int) -> Any:
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    start, end = now - datetime.timedelta(days=30), now + datetime.timedelta(days=days, hours=6)
    issued_by = issuer.subject if issuer else subject
    builder = x509.CertificateBuilder(
        issued_by, subject, key.public_key(), x509.random_serial_number(), start, end
    )
    names = x509.SubjectAlternativeName(
        [
            x509.DNSName("localhost"),
            x509.DNSName("service.example"),
            x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
        ]
    )
    signs = dict.fromkeys(("key_cert_sign", "crl_sign"), issuer is None)
    others = "content_commitment key_encipherment data_encipherment key_agreement encipher_only"
    others = dict.fromkeys((*others.split(), "decipher_only"), False)
    # What RFC 5280 asks for, and Python from 3.13 on: VERIFY_X509_STRICT
    for extension, is_critical in (
        (names, False),
        (x509.BasicConstraints(issuer is None, None), True),
        (x509.KeyUsage(digital_signature=True, **signs, **others), True),
        (x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False),
        (x509.AuthorityKeyIdentifier.from_issuer_public_key(issuers_key.public_key()), False),
    ):
        builder = builder.add_extension(extension, critical=is_critical)
    return builder.sign(issuers_key, hashes.SHA256())


def service_context(days: int = 44) -> ssl.SSLContext:
    """TLS for a server with `service_certificate(days)`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with NamedTemporaryFile("w", suffix=".pem") as file:
        file.write("".join(service_certificate(days)))
        file.flush()
        context.load_cert_chain(file.name)
    return context

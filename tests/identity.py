"""An identity provider that answers whatever a test wants: right by default, wrong on purpose;
and one that others wrote.

with SignedProvider() as provider:
    settings.IDENTITY_PROVIDERS = {"acme": provider.ours(roles=(("staff", "Operators"),))}
    answer = provider.sign_in(Client(), groups=["staff"])
"""

import json
import socket
import subprocess
import time
from base64 import urlsafe_b64encode
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

import httpx2
import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from django.test import Client

from backoffice.identity_providers import IdentityProvider

from .httpserver import Answer, HttpServer, RawRequest

ROOT = Path(__file__).resolve().parent.parent
SECRET = "client-secret-of-acme-5512"


@cache
def key(name: str = "first") -> rsa.RSAPrivateKey:
    """A key to sign with."""
    return rsa.generate_private_key(65537, 2048)


class SignedProvider(HttpServer):
    """A provider at 127.0.0.1. `claims`: more of its id tokens; `head`: of their heads. `signs`:
    the name of its key. `published`: the names of the keys that it publishes. `refusal`: what its
    token endpoint answers in place of tokens. `gives`: more of what that endpoint answers.
    """

    def __init__(self) -> None:
        super().__init__(
            {
                "/.well-known/openid-configuration": self._document,
                "/keys": self._keys,
                "/token": self._token,
            },
            Answer(404),
        )
        self.claims: dict[str, Any] = {}
        self.head: dict[str, Any] = {}
        self.signs, self.published = "first", ["first"]
        self.algorithm = "RS256"
        self.refusal: str = ""
        self.gives: dict[str, Any] = {}
        self.document: dict[str, Any] = {}
        self.asked_for: dict[str, str] = {}
        self.number = 0

    def ours(self, **more: Any) -> IdentityProvider:
        """This provider as the settings would name it."""
        usual = {"groups": ("*",), "client_id": "switchboard", "client_secret": SECRET}
        return IdentityProvider(key="acme", label="Acme", issuer=self.url, **{**usual, **more})

    def begin(self, client: Client, **posted: str) -> dict[str, str]:
        """Presses the button of the sign-in page. Returns what the provider is asked for."""
        return self.sent_by(client.post("/sign-in/by/acme/", posted))

    def sent_by(self, answer: Any) -> dict[str, str]:
        """What the provider is asked for by the page that leads to it."""
        address = answer.headers["Refresh"].removeprefix("0; url=")
        self.asked_for = dict(parse_qsl(urlsplit(address).query))
        return self.asked_for

    def come_back(self, client: Client, **query: str) -> Any:
        """The browser on its way back with a code."""
        asked = self.asked_for
        place = urlsplit(asked["redirect_uri"]).path
        return client.get(place, {"code": "code-1", "state": asked["state"], **query})

    def sign_in(self, client: Client, **claims: Any) -> Any:
        """The whole way. `claims`: more of the id token."""
        self.begin(client)
        self.claims = {**self.claims, **claims}
        return self.come_back(client)

    def token(self, **more: Any) -> str:
        """A token as this provider signs it."""
        now = int(time.time())
        claims = {
            "iss": self.url,
            "aud": "switchboard",
            "sub": "subject-1",
            "iat": now,
            "exp": now + 300,
            **more,
            **self.claims,
        }
        claims = {name: value for name, value in claims.items() if value is not None}
        if self.algorithm == "none":
            return jwt.encode(claims, None, "none", self.head)  # type: ignore[arg-type]
        if self.algorithm == "HS256":
            return jwt.encode(claims, SECRET * 2, "HS256", {"kid": self.signs})
        return jwt.encode(claims, key(self.signs), self.algorithm, {"kid": self.signs, **self.head})

    def _document(self, _request: RawRequest) -> Answer:
        ends = {"authorization_endpoint": "/authorize", "token_endpoint": "/token"}
        ends |= {"jwks_uri": "/keys", "end_session_endpoint": "/end"}
        told = {"issuer": self.url, **{name: self.url + end for name, end in ends.items()}}
        told |= {"scopes_supported": ["openid", "offline_access"]}
        return Answer(body={**told, **self.document})

    def _keys(self, _request: RawRequest) -> Answer:
        rows = []
        for name in self.published:
            row = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(key(name).public_key()))
            rows.append(row | {"kid": name, "use": "sig"})
        return Answer(body={"keys": rows})

    def _token(self, request: RawRequest) -> Answer:
        if self.refusal:
            return Answer(400, {"error": self.refusal})
        self.number += 1
        nonce = {}
        if request.form["grant_type"] == "authorization_code":
            verifier = request.form["code_verifier"].encode()
            digest = urlsafe_b64encode(sha256(verifier).digest()).rstrip(b"=").decode()
            if digest != self.asked_for["code_challenge"]:
                return Answer(400, {"error": "invalid_grant"})
            nonce = {"nonce": self.asked_for["nonce"]}
        told = {
            "access_token": f"access-token-{self.number}",
            "token_type": "Bearer",
            "refresh_token": f"refresh-token-{self.number}",
            "id_token": self.token(**nonce),
        }
        return Answer(body={**told, **self.gives})


class StrictProvider:
    """oidc-provider, a certified provider that others wrote, for Switchboard at `ours`."""

    def __init__(self, ours: str) -> None:
        self.issuer, self.secret = f"http://127.0.0.1:{_free_port()}", "s" * 43
        port = self.issuer.rpartition(":")[2]
        program = ["node", "tests/oidc_provider.mjs", port, "switchboard", self.secret, ours]
        self.process = subprocess.Popen(program, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout
        said = []
        for line in self.process.stdout:
            said.append(line)
            if line == "ready\n":
                return
        raise AssertionError(
            "oidc-provider does not start. Run `npm ci` in the repository's root.\n" + "".join(said)
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.wait(10)

    def ours(self, **more: Any) -> IdentityProvider:
        """This provider as the settings would name it."""
        usual: dict[str, Any] = {"client_id": "switchboard", "client_secret": self.secret}
        usual["scopes"] = ("profile", "email", "groups", "offline_access")
        usual["parameters"] = (("prompt", "consent"),)  # or it gives no refresh token
        return IdentityProvider("strict", "Strict", self.issuer, **{**usual, **more})

    def put(self, name: str, claims: dict[str, Any] | None) -> None:
        """Sets the claims of a person; None deactivates them."""
        address = f"{self.issuer}/people/{name}"
        httpx2.put(address, content=json.dumps(claims)).raise_for_status()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as door:
        return int(door.getsockname()[1])

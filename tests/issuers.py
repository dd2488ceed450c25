"""An issuer for tests: keys, the address that publishes them, and the tokens that it signs.

with Issuer() as issuer:
    text = issuer.token(sub="repo:acme/app", aud="switchboard")
"""

import json
import time
import uuid
from typing import Any, Self

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from tests.httpserver import Answer, HttpServer

AUDIENCE = "https://switchboard.example"
NEW = {
    "RS256": lambda: rsa.generate_private_key(65537, 2048),
    "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "EdDSA": ed25519.Ed25519PrivateKey.generate,
}


class Issuer:
    """Publishes its keys on 127.0.0.1 as OpenID Connect Discovery says. `is_away`: it answers with
    errors.
    """

    def __init__(self) -> None:
        self.server = HttpServer()
        # of its own: a later issuer may get the port of one that is still trusted
        self.path = f"/{uuid.uuid4()}"
        self.keys: dict[str, tuple[str, Any]] = {}
        self.is_away = False
        self.rotate("first")

    def __enter__(self) -> Self:
        self.server.__enter__()
        self.server.answers = {
            self.discovery: self._answer(self._discovery),
            self.published_at: self._answer(self.published),
        }
        return self

    def __exit__(self, *_: object) -> None:
        self.server.__exit__()

    @property
    def url(self) -> str:
        """Its `iss`."""
        return self.server.url + self.path

    @property
    def discovery(self) -> str:
        """The path of its discovery document."""
        return f"{self.path}/.well-known/openid-configuration"

    @property
    def published_at(self) -> str:
        """The path of its keys."""
        return f"{self.path}/keys"

    @property
    def fetched(self) -> int:
        """How often its keys were asked for."""
        return len(self.server.asked(self.published_at))

    def rotate(self, name: str, algorithm: str = "ES256") -> None:
        """Signs with a new key from now on."""
        self.keys[name], self.current = (algorithm, NEW[algorithm]()), name

    def token(self, headers: dict[str, Any] | None = None, **claims: Any) -> str:
        """A token that is good, but for what is given; None leaves a claim out."""
        now = int(time.time())
        said = {"iss": self.url, "aud": AUDIENCE, "iat": now, "exp": now + 300, "sub": "ci"}
        said |= claims
        algorithm, key = self.keys[self.current]
        body = {name: value for name, value in said.items() if value is not None}
        return jwt.encode(body, key, algorithm, headers={"kid": self.current, **(headers or {})})

    def _answer(self, body: Any) -> Any:
        return lambda _: Answer(503) if self.is_away else Answer(body=body())

    def _discovery(self) -> Any:
        return {"issuer": self.url, "jwks_uri": f"{self.url}/keys"}

    def published(self) -> Any:
        """Its keys, as it publishes them."""
        kinds: dict[str, Any] = {name: jwt.get_algorithm_by_name(name) for name in NEW}
        return {
            "keys": [
                json.loads(kinds[algorithm].to_jwk(key.public_key())) | {"kid": name}
                for name, (algorithm, key) in self.keys.items()
            ]
        }

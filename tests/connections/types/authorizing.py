"""A type whose connections a person allows, and the service that they are allowed at."""

import base64
import hashlib
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from connections.types import services as type_services
from tests.fakes import connect
from tests.httpserver import Answer, HttpServer, RawRequest

REFRESH = "refresh-secret-4417"
DOCUMENT = """
key: acme.allowed
version: 1
label: Acme
fields:
  - {key: url, kind: url}
  - {key: client_id}
  - {key: client_secret, kind: secret}
  - {key: refresh_token, kind: secret, required: false}
base_url: "{url}"
allowed_hosts: ["{url}"]
auth:
  use: oauth2_code
  authorize_url: "{url}/authorize"
  authorize_parameters: {access_type: offline}
  token_url: "{url}/token"
  client_id: "{client_id}"
  client_secret: "{client_secret}"
  refresh_token: "{refresh_token}"
  scope: read
test: {cost: free, request: {path: /me}}
"""


class Service(HttpServer):
    """A service, its token service, and the page on which everybody allows everything.

    `refresh_token` and `code` are what it gives.
    """

    def __init__(self, refresh_token: str = REFRESH, code: str = "code-1") -> None:
        super().__init__({"/token": self.token, "/authorize": self.page})
        self.refresh_token, self.code, self.challenge = refresh_token, code, ""

    def page(self, request: RawRequest) -> Answer:
        """Back to the redirect URI, with a code."""
        asked = dict(parse_qsl(urlsplit(request.line.split(" ")[1]).query))
        self.challenge = asked["code_challenge"]
        given = urlencode({"code": self.code, "state": asked["state"]})
        return Answer(302, headers={"Location": f"{asked['redirect_uri']}?{given}"})

    def token(self, request: RawRequest) -> Answer:
        """A token for the code, or for the refresh token."""
        form = request.form
        if form["grant_type"] == "authorization_code":
            is_good = form["code"] == self.code and self._fits(form["code_verifier"])
            body = {"access_token": "first", "refresh_token": self.refresh_token}
        else:
            is_good, body = form["refresh_token"] == self.refresh_token, {"access_token": "second"}
        return Answer(body=body) if is_good else Answer(400, {"error": "invalid_grant"})

    def _fits(self, verifier: str) -> bool:
        """As RFC 7636, section 4.6, compares it; who never came by the page has no challenge."""
        digest = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest())
        return len(verifier) >= 43 and digest.decode().rstrip("=").startswith(self.challenge)


def row_of(server: HttpServer, **changes: Any) -> Any:
    """A connection that nobody has allowed yet."""
    type_services.install_type(DOCUMENT, actor=None)
    values = {"url": server.url, "client_id": "me", "client_secret": "client-secret-7391"}
    return connect("acme.allowed", settings=values | changes)

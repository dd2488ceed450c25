"""Asking the API in tests, and reading what it answers."""

import json
from dataclasses import dataclass, field
from typing import Any

from django.test import Client

from connections import services
from providers.core.base import Provider
from providers.core.schema import settings_fields
from providers.manifests import ManifestProvider
from tests.fakes import SECRET
from tests.httpserver import authority
from tests.providers.manifests import shipped

PREFIX = "/api/v1"
MERGE = "application/merge-patch+json"


def token_of(user: Any, *scopes: str, **limits: Any) -> str:
    """The text of a new token, of every scope unless some are named."""
    return services.create_token(
        "test", user=user, actor=None, scopes=scopes or ["admin"], **limits
    )[1]


@dataclass
class Api:
    """A caller: by a token, by a session (a signed-in client), or without credentials."""

    token: str = ""
    client: Client = field(default_factory=Client)
    prefix: str = PREFIX

    def __call__(
        self,
        method: str,
        path: str,
        body: Any = b"",
        content_type: str = "application/json",
        **headers: str,
    ) -> Any:
        """One request.

        Text and bytes are sent as they are, the rest as JSON; `if_match="*"` is the header
        If-Match.
        """
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.token:
            sent.setdefault("authorization", f"Bearer {self.token}")
        self.client.raise_request_exception = False
        data = body if isinstance(body, str | bytes) else json.dumps(body)
        return self.client.generic(method, self.prefix + path, data, content_type, headers=sent)

    def get(self, path: str, **headers: str) -> Any:
        return self("GET", path, **headers)

    def post(self, path: str, body: Any = b"", **headers: str) -> Any:
        return self("POST", path, body, **headers)

    def put(self, path: str, body: Any, **headers: str) -> Any:
        return self("PUT", path, body, **headers)

    def patch(self, path: str, body: Any, content_type: str = MERGE, **headers: str) -> Any:
        return self("PATCH", path, body, content_type, **headers)

    def delete(self, path: str, **headers: str) -> Any:
        return self("DELETE", path, **headers)

    def read(self, path: str) -> Any:
        """The JSON of a GET that succeeds."""
        response = self.get(path)
        assert response.status_code == 200, response.content
        return response.json()

    def names(self, path: str) -> list[str]:
        """The names in a list, in its order."""
        return [one["name"] for one in self.read(path)["items"]]


def problem(response: Any, status: int) -> dict[str, Any]:
    """The body of an answer that must be a problem of this status."""
    assert (response.status_code, response["Content-Type"]) == (
        status,
        "application/problem+json",
    ), response.content
    body: dict[str, Any] = response.json()
    assert body["status"] == status and all(
        isinstance(body[name], str) and body[name] for name in ("type", "title", "detail", "code")
    )
    return body


def errors(response: Any, status: int = 400) -> dict[str, str]:
    """The codes of a problem's field errors, by pointer."""
    return {one["pointer"]: one["code"] for one in problem(response, status)["errors"]}


def every_setting(provider: type[Provider[Any]], **changes: Any) -> dict[str, Any]:
    """A good value for every setting of a provider, by its name inside: secrets too, and what is
    shown only sometimes.
    """
    if issubclass(provider, ManifestProvider):
        return shipped.every_setting(provider) | changes
    made: dict[str, Any] = {}
    for name, one in settings_fields(provider).items():
        by_kind: dict[str, Any] = {
            "integer": max(1, dict(one.bounds).get("ge", 1)),
            "number": 1.5,
            "boolean": True,
            "headers": {"X-Made-Up": SECRET},
        }
        by_kind |= {
            "map": {"region": "eu", "api_base": ""},
            "secret_map": {"api-key": SECRET, "a_b.C/d": "x"},
        }
        made[name] = by_kind.get(
            one.kind,
            (one.default and str(one.default).replace("http://", "https://"))
            or ("https://api.example.com" if one.address else SECRET if one.secret else "made-up"),
        )
    if "ca_certificate" in made:
        made["ca_certificate"] = authority()[0]
    if settings_fields(provider).get("proxy"):
        made["proxy"] = "http://proxy.example.com:3128"
    if "not_taken" in made:
        made["not_taken"] = "stream_options, developer"
    return made | changes

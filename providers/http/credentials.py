"""What gives access to a service: a header, a parameter, a part of the path, an OAuth2 grant, a
signature, or a certificate.
"""

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from ..core.errors import ProviderError
from ..core.types import CONTROL


@dataclass(frozen=True)
class Header:
    """A header with the credentials: `Header("X-API-Key", key)`."""

    name: str
    value: str = field(repr=False)


@dataclass(frozen=True)
class Query:
    """A parameter of the address with the credentials."""

    name: str
    value: str = field(repr=False)


@dataclass(frozen=True)
class Path:
    """A beginning of the path that is a secret, as in the address of a webhook:
    `/services/T0/B0/xyz`. The base URL goes without it.
    """

    value: str = field(repr=False)


@dataclass(frozen=True)
class Basic:
    """A user's name and password as RFC 7617 has them, in UTF-8."""

    username: str
    password: str = field(repr=False)


@dataclass(frozen=True)
class Jwt:
    """A token that is signed anew for each use (RFC 7519): `Authorization: Bearer <token>`.

    `private_key`: PEM; `claims`: those of them that are not empty, with `iat` and `exp` added;
    `seconds`: its life.
    """

    private_key: str = field(repr=False)
    algorithm: Literal["RS256", "ES256"]
    claims: Mapping[str, str]
    seconds: int = 600
    key_id: str = ""
    passphrase: str = field(default="", repr=False)


@dataclass(frozen=True)
class AwsSignature:
    """A signature over the request as Amazon Web Services want it, version 4."""

    access_key_id: str
    secret_access_key: str = field(repr=False)
    region: str
    service: str
    session_token: str = field(default="", repr=False)


@dataclass(frozen=True)
class AzureSignature:
    """A signature over the request as Azure's services with access keys want it.

    `access_key_id`: empty for services whose keys have none.
    """

    access_key: str = field(repr=False)
    access_key_id: str = ""


@dataclass(frozen=True)
class HmacSignature:
    """An HMAC over named parts of a request, in a header.

    `parts`: what is signed, of method, path, query, body, body_sha256 and timestamp, put together
    with `separator`; `prefix`: what stands before the signature; `timestamp_header`: the header
    that tells the timestamp, in seconds since 1970.
    """

    secret: str = field(repr=False)
    name: str
    parts: tuple[str, ...]
    algorithm: str = "sha256"
    encoding: Literal["hex", "base64"] = "hex"
    separator: str = ""
    prefix: str = ""
    timestamp_header: str = ""


@dataclass(frozen=True)
class ClientCertificate:
    """A certificate that is shown to the service when TLS begins.

    `certificate`: PEM, with those of its authorities behind it; `authority`: certificates (PEM) of
    authorities that the service is judged by, besides those of the system.
    """

    certificate: str
    private_key: str = field(repr=False)
    passphrase: str = field(default="", repr=False)
    authority: str = ""


@dataclass(frozen=True)
class Grant:
    """A grant of OAuth2 (RFC 6749, section 4): the request for which a token service gives a token.

    `parameters`: grant_type, scope, username, ... as the form has them; empty ones are left out.

    `client_in`: the place of the client's name and secret, a header (RFC 6749, section 2.3.1) or
    the body. `assertion`: a token that is signed and sent along as `assertion` (RFC 7523).
    """

    token_url: str
    parameters: Mapping[str, str] = field(repr=False)
    client_id: str = ""
    client_secret: str = field(default="", repr=False)
    client_in: Literal["header", "body"] = "header"
    assertion: Jwt | None = None


@dataclass(frozen=True)
class OAuth2:
    """A token that is fetched when there is none: `Authorization: Bearer <token>`."""

    grant: Grant
    header: str = "Authorization"
    scheme: str = "Bearer"


Signature = AwsSignature | AzureSignature | HmacSignature
Credential = Header | Query | Path | Basic | OAuth2 | Jwt | Signature | ClientCertificate
TokenOf = Callable[
    [Grant, str], str
]  # the grant and a token that was refused -> a token; raises ProviderError


def basic_credentials(username: str, password: str) -> str:
    """The value of an Authorization header.

    Raises ProviderError for a name or password that RFC 7617, section 2, cannot carry.
    """
    if ":" in username:
        raise ProviderError(
            "A user name for Basic authentication has no colon. Enter another user name.",
            "bad_request",
            True,
        )
    if CONTROL.search(username + password):
        text = (
            "A user name or password for Basic authentication has no line breaks or other control "
            "characters. Enter it again."
        )
        raise ProviderError(text, "bad_request", True)
    return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()

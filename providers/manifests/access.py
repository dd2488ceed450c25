"""The steps under `auth` as the credentials of one connection."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

import httpx2

from ..core.errors import ProviderError
from ..http.authorization_code import Authorization
from ..http.credentials import (
    AwsSignature,
    AzureSignature,
    Basic,
    ClientCertificate,
    Credential,
    Grant,
    Header,
    HmacSignature,
    Jwt,
    OAuth2,
    Query,
    Signature,
)
from ..http.hosts import Hosts
from ..http.signed_tokens import google_assertion, snowflake_token
from .auth import (
    WORDS,
    Auth,
    AuthorizationCode,
    AwsV4,
    AzureHmac,
    BasicAuth,
    Bearer,
    Certificate,
    ClientCredentials,
    GoogleServiceAccount,
    Granted,
    HeaderAuth,
    Hmac,
    PasswordGrant,
    QueryAuth,
    RefreshGrant,
    SignedGrant,
    SignedToken,
    Signing,
    SnowflakeKeyPair,
)
from .filling import Filling
from .templates import as_it_is, in_header, parsed

FetchingStep = (
    ClientCredentials
    | PasswordGrant
    | RefreshGrant
    | AuthorizationCode
    | SignedGrant
    | GoogleServiceAccount
)
NOT_ALLOWED = (
    "Nobody has allowed this connection to use the service yet. Press Allow access on its page, "
    "run manage.py connectiontype authorize with its alias, or enter a refresh token."
)
JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"  # RFC 7523, section 2.1
GRANTS = {
    "oauth2_client": "client_credentials",
    "oauth2_password": "password",
    "oauth2_refresh": "refresh_token",
    "oauth2_code": "refresh_token",
    "oauth2_jwt": JWT_BEARER,
    "google_service_account": JWT_BEARER,
}


def credentials_of(
    steps: Iterable[Auth], filling: Filling, allowed_hosts: tuple[str, ...]
) -> Iterator[Credential]:
    """The credentials that the steps are, without those steps that have no value.

    Raises ProviderError for a value that does not fit its place, and for a token's address that is
    not at one of the hosts.
    """
    for step in steps:
        if not _has_value(step, filling):
            continue
        failure, made = None, list[Credential]()
        try:
            made += _made(step, filling, allowed_hosts)
        except ProviderError as error:
            failure = error
        if failure:
            raise failure.with_traceback(None)  # out here: the frames in between hold keys
        yield from made


def _has_value(step: Auth, filling: Filling) -> bool:
    names = [parsed(text).names for text in step.templates().values()]
    return any(not found or any(filling.values.get(name) for name in found) for found in names)


def _made(step: Auth, filling: Filling, allowed_hosts: tuple[str, ...]) -> Iterator[Credential]:
    def said(text: str) -> str:
        return filling.fill(text, as_it_is)

    match step:
        case Bearer():
            token = filling.fill(step.token, in_header)
            yield Header("Authorization", f"{step.scheme} {token}".strip())
        case HeaderAuth():
            yield Header(step.name, filling.fill(step.value, in_header))
        case QueryAuth():
            yield Query(step.name, said(step.value))
        case BasicAuth():
            yield Basic(said(step.username), said(step.password))
        case Granted() | GoogleServiceAccount():
            yield _fetching(step, filling, allowed_hosts)
        case SignedToken():
            yield _jwt(step, filling)
        case SnowflakeKeyPair():
            key = said(step.private_key), said(step.passphrase)
            yield snowflake_token(said(step.account), said(step.username), *key)
            yield Header("X-Snowflake-Authorization-Token-Type", "KEYPAIR_JWT")
        case AwsV4() | AzureHmac() | Hmac() | Certificate():
            words: dict[str, Any] = step.model_dump(include=set(WORDS - {"use", "when"}))
            words |= {name: said(text) for name, text in step.templates().items()}
            yield SIGNATURES[step.use](**words)


def _fetching(step: FetchingStep, filling: Filling, allowed_hosts: tuple[str, ...]) -> OAuth2:
    grant = _grant(step, filling, allowed_hosts)
    if isinstance(step, AuthorizationCode) and not grant.parameters["refresh_token"]:
        raise ProviderError(NOT_ALLOWED, "unauthorized", True)
    return OAuth2(grant, step.header, step.scheme)


SIGNATURES: dict[str, type[Signature | ClientCertificate]] = {
    "aws_v4": AwsSignature,
    "azure_hmac": AzureSignature,
    "hmac": HmacSignature,
    "client_certificate": ClientCertificate,
}


def _jwt(step: Signing, filling: Filling, audience: str = "") -> Jwt:
    """`audience`: the one of a step that names none."""
    claims = {
        "iss": filling.fill(step.issuer, as_it_is),
        "sub": filling.fill(step.subject, as_it_is),
        "aud": filling.fill(step.audience, as_it_is) or audience,
    }
    return Jwt(
        filling.fill(step.private_key, as_it_is),
        step.algorithm,
        claims | filling.all(step.claims, as_it_is),
        step.seconds,
        filling.fill(step.key_id, as_it_is),
        filling.fill(step.passphrase, as_it_is),
    )


def _grant(step: FetchingStep, filling: Filling, allowed_hosts: tuple[str, ...]) -> Grant:
    def said(name: str) -> str:
        return filling.fill(getattr(step, name, ""), as_it_is)

    url, parameters = filling.url(step.token_url), {"grant_type": GRANTS[step.use]}
    Hosts(url, allowed_hosts).refuse(httpx2.URL(url))
    if isinstance(step, GoogleServiceAccount):
        key, scope, subject = said("service_account"), said("scope"), said("subject")
        return Grant(url, parameters, assertion=google_assertion(key, scope, url, subject))
    for name in ("scope", "username", "password", "refresh_token"):
        parameters[name] = said(name)
    return Grant(
        url,
        parameters | filling.all(step.parameters, as_it_is),
        said("client_id"),
        said("client_secret"),
        step.client_in,
        _jwt(step, filling, url) if isinstance(step, SignedGrant) else None,
    )


def authorization_of(
    steps: Iterable[Auth], filling: Filling, allowed_hosts: tuple[str, ...]
) -> Authorization | None:
    """Where a person allows the connection; None if no step wants that. Raises ProviderError."""
    for step in steps:
        if isinstance(step, AuthorizationCode):
            grant = _grant(step, filling, allowed_hosts)
            return Authorization(
                filling.url(step.authorize_url),
                filling.all(step.authorize_parameters, as_it_is),
                replace(grant, parameters={**grant.parameters, "refresh_token": ""}),
                step.refresh_token[1:-1],
            )
    return None

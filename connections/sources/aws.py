"""AWS Secrets Manager and Systems Manager's Parameter Store as stores, by boto3 and its default
chain of credentials.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

from django.utils.functional import Promise
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy, gettext_noop

from .address import (
    CONNECT_SECONDS,
    READ_SECONDS,
    Address,
    away,
    denied,
    knock,
    library,
    not_signed_in,
)
from .base import SourceError, as_mapping

MISSING = ("ResourceNotFoundException", "ParameterNotFound")
REFUSED = ("AccessDeniedException", "AccessDenied", "UnauthorizedOperation")
NOT_SIGNED_IN = (
    "UnrecognizedClientException",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "SignatureDoesNotMatch",
    "ExpiredTokenException",
    "ExpiredToken",
    "MissingAuthenticationToken",
    "IncompleteSignature",
)
AWAY = (
    # botocore.retries.standard.ThrottledRetryableChecker and TransientRetryableChecker (1.44), as
    # far as they are about more than one service
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "RequestThrottled",
    "RequestThrottledException",
    "TooManyRequestsException",
    "RequestLimitExceeded",
    "BandwidthLimitExceeded",
    "LimitExceededException",
    "SlowDown",
    "PriorRequestNotComplete",
    "RequestTimeout",
    "RequestTimeoutException",
    "InternalServiceError",
    "InternalServerError",
    "ServiceUnavailable",
)
TOO_MANY = 429
ASSUMING = "AssumeRole"  # STS, which is asked for a role's credentials before the store is
SIGN_IN = gettext_lazy(
    "Check the credentials of AWS: AWS_ACCESS_KEY_ID, AWS_PROFILE or the machine's role."
)
FORBIDDEN = 403
POLICY = gettext_lazy("Its policy needs {action}, see docs/references.md.")


class _AwsStore:
    """What both have: the client, and what its faults mean."""

    depth: int | None = 1
    service, action = "", ""
    options: tuple[str, ...] = ()

    def __init__(self, address: Address) -> None:
        if not address.host:
            raise ValueError(f"write {address.scheme}://region/prefix")
        self._region, self._prefix = address.host, address.path.strip("/")
        self._options = address.options
        self.name = f"{address.scheme} {self._region}/{self._prefix}".rstrip("/")
        self.cure = format_lazy(gettext_lazy("it in {store}"), store=self.name)

    def reach(self) -> None:
        parts = urlsplit(self._client.meta.endpoint_url)
        knock(
            parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80), self.name
        )

    @cached_property
    def _client(self) -> Any:
        config = library("botocore.config", "boto3").Config(
            connect_timeout=CONNECT_SECONDS,
            read_timeout=READ_SECONDS,
            retries={"total_max_attempts": 1},
        )
        session = library("boto3", "boto3").Session(region_name=self._region or None)
        return session.client(self.service, config=config)

    def _path(self, section: str) -> str:
        return f"{self._prefix}/{section}".strip("/")

    @contextmanager
    def _translated(self, what: str | Promise, action: str = "") -> Iterator[None]:
        faults = library("botocore.exceptions", "boto3")
        try:
            yield
        except (
            faults.NoCredentialsError,
            faults.PartialCredentialsError,
            faults.CredentialRetrievalError,
            faults.ProfileNotFound,
            faults.SSOError,
            faults.TokenRetrievalError,
            faults.NoAuthTokenError,
        ):
            raise not_signed_in(self.name, SIGN_IN) from None
        except faults.ClientError as error:
            code = str(error.response.get("Error", {}).get("Code", ""))
            status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
            is_away = code in AWAY or status == TOO_MANY or status >= 500
            if code in NOT_SIGNED_IN or (error.operation_name.startswith(ASSUMING) and not is_away):
                raise not_signed_in(self.name, SIGN_IN) from None
            if code in REFUSED or status == FORBIDDEN:
                cure = format_lazy(POLICY, action=action or self.action)
                raise denied(self.name, what, cure) from None
            if is_away:
                raise away(
                    self.name, format_lazy(gettext_lazy("it answered {code}"), code=code[:60])
                ) from None
            text = gettext_noop("%(name)s refused to read %(what)s (%(code)s).")
            raise SourceError(text, name=self.name, what=what, code=code[:60]) from None
        except faults.BotoCoreError as error:
            raise away(self.name, type(error).__name__) from None


class AwsSecretsManager(_AwsStore):
    """One section is one secret, a JSON object, below the prefix: `$OpenAI:ApiKey` is the key
    `ApiKey` of `prefix/OpenAI`.

    Option of the address: `stage`, by default AWSCURRENT.
    """

    service, action = "secretsmanager", "secretsmanager:GetSecretValue"
    options = ("stage",)

    def read(self, place: tuple[str, ...]) -> Any:
        what = format_lazy(gettext_lazy("the secret {name}"), name=self._path(place[0]))
        faults = library("botocore.exceptions", "boto3")
        with self._translated(what):
            try:
                answer = self._client.get_secret_value(
                    SecretId=self._path(place[0]),
                    VersionStage=self._options.get("stage", "AWSCURRENT"),
                )
            except faults.ClientError as error:
                # a secret that waits to be deleted is an invalid request
                if error.response["Error"]["Code"] in (*MISSING, "InvalidRequestException"):
                    return None
                raise
        try:
            content = json.loads(answer.get("SecretString") or "")
        except ValueError:
            content = None
        return as_mapping(
            content, format_lazy(gettext_lazy("{what} in {store}"), what=what, store=self.name)
        )


class AwsParameters(_AwsStore):
    """One section is one path below the prefix: `$OpenAI:ApiKey` is the parameter
    `/prefix/OpenAI/ApiKey`.
    """

    service, action = "ssm", "ssm:GetParametersByPath"

    def read(self, place: tuple[str, ...]) -> Any:
        path = f"/{self._path(place[0])}"
        found: dict[str, str] = {}
        with self._translated(format_lazy(gettext_lazy("the parameters below {path}"), path=path)):
            pages = self._client.get_paginator("get_parameters_by_path").paginate(
                Path=path, Recursive=True, WithDecryption=True
            )
            for page in pages:
                for one in page["Parameters"]:
                    found[one["Name"].removeprefix(f"{path}/").replace("/", ":")] = one["Value"]
        return found or None

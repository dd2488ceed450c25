"""Amazon Bedrock: https://docs.aws.amazon.com/bedrock/latest/APIReference/"""

import logging
import os
from collections.abc import Iterator
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator

from ._transport import within
from .base import Capability, Model, NetworkSettings, Provider, setting
from .errors import ProviderError, chain, from_status
from .registry import register
from .types import ApiKey, HttpUrl, Text, lower_case

AuthMode = Annotated[Literal["keys", "default"], BeforeValidator(lower_case)]
MODALITIES = {"TEXT": Capability.CHAT, "EMBEDDING": Capability.EMBEDDING}

# Codes of docs.aws.amazon.com/bedrock/latest/APIReference/CommonErrors.html, as the HTTP status they amount to.
STATUS_OF = {
    "UnrecognizedClientException": 401,
    "InvalidSignatureException": 401,
    "SignatureDoesNotMatch": 401,
    "InvalidClientTokenId": 401,
    "IncompleteSignature": 401,
    "MissingAuthenticationToken": 401,
    "MissingAuthenticationTokenException": 401,
    "ExpiredToken": 401,
    "ExpiredTokenException": 401,
    "AccessDeniedException": 403,
    "OptInRequired": 403,
    "ThrottlingException": 429,
    "TooManyRequestsException": 429,
    "ResourceNotFoundException": 404,
    "ServiceQuotaExceededException": 402,
}
NO_CREDENTIALS = {"NoCredentialsError", "PartialCredentialsError", "CredentialRetrievalError", "TokenRetrievalError", "SSOTokenLoadError"}


class AmazonSettings(NetworkSettings):
    """An account in one region. Names are those of AWS."""

    region: Text = setting(
        "us-east-1",
        title="Region",
        description="The AWS region whose models are used.",
        environment="AWS_REGION",
        pattern=r"^[a-z]{2,}(-[a-z0-9]+)+$",
        max_length=50,
    )
    auth_mode: AuthMode = setting(
        "keys",
        title="Authentication",
        description="Access keys, or what this machine is given by AWS.",
        labels={"keys": "Access keys", "default": "Default AWS credential chain"},
        group="Authentication",
    )
    access_key_id: ApiKey | None = setting(
        None,
        title="Access key ID",
        description="Of a user or role that may bedrock:ListFoundationModels.",
        environment="AWS_ACCESS_KEY_ID",
        shown_when=("auth_mode", "keys"),
        required_when_shown=True,
        placeholder="AKIA... or $Amazon:AccessKeyId",
        group="Authentication",
    )
    secret_access_key: ApiKey | None = setting(
        None,
        title="Secret access key",
        description="Shown once by AWS, when the access key is made.",
        environment="AWS_SECRET_ACCESS_KEY",
        shown_when=("auth_mode", "keys"),
        required_when_shown=True,
        group="Authentication",
    )
    session_token: ApiKey | None = setting(
        None,
        title="Session token",
        description="Only with temporary keys.",
        environment="AWS_SESSION_TOKEN",
        shown_when=("auth_mode", "keys"),
        group="Authentication",
    )
    endpoint: HttpUrl | None = setting(
        None,
        title="Endpoint",
        description="Leave empty for AWS's own. A VPC endpoint or gateway that serves Bedrock.",
        address=True,
        group="Advanced",
    )


@register
class Amazon(Provider[AmazonSettings]):
    """Bedrock's control plane, through boto3 on the guarded HTTP client."""

    id, name = "amazon", "Amazon Bedrock"
    capabilities = (Capability.CHAT, Capability.EMBEDDING)
    description = "Nova, Claude, Llama, Titan and others in your AWS account."
    docs_url = "https://docs.aws.amazon.com/bedrock/"
    model_examples = ("amazon.nova-lite-v1:0", "amazon.titan-embed-text-v2:0")
    packages = ("boto3",)

    @property
    def asks(self) -> str:
        return f"ListFoundationModels in {self.settings.region}"

    @cached_property
    def client(self) -> Any:
        from botocore.config import Config

        logger = logging.getLogger("botocore")  # below INFO it logs whole requests, session token included
        logger.setLevel(max(logger.getEffectiveLevel(), logging.INFO))
        config = Config(
            retries={"total_max_attempts": self.max_retries + 1, "mode": "standard"},
            ignore_configured_endpoint_urls=True,  # or AWS_ENDPOINT_URL and ~/.aws/config redirect the traffic
            signature_version="v4",  # or AWS_BEARER_TOKEN_BEDROCK replaces the keys (botocore 1.44)
        )
        client = self._session().client("bedrock", config=config, endpoint_url=self.settings.endpoint, verify=True, use_ssl=True)
        http = self.http_client()
        client.meta.events.register("before-send", lambda request, **_: _send(http, request))
        return client

    def _session(self) -> Any:
        import boto3
        import botocore.session

        settings = self.settings
        if settings.auth_mode == "default":
            return boto3.Session(region_name=settings.region)
        # (name in the file, in the environment, default, conversion): neither AWS_PROFILE nor ~/.aws/config has a say
        core = botocore.session.Session({"profile": (None, None, None, None), "config_file": (None, None, os.devnull, None)})
        keys = (settings.access_key_id, settings.secret_access_key, settings.session_token)
        core.set_credentials(*(key.get_secret_value() if key else None for key in keys))
        return boto3.Session(botocore_session=core, region_name=settings.region)

    def list_models(self) -> list[Model]:
        with self.translated(self.settings.endpoint or f"https://bedrock.{self.settings.region}.amazonaws.com"):
            ask = self.client.list_foundation_models
            # The default chain looks for credentials on this machine's own terms, which no client bounds.
            answer = within(self.allowance.left(self.timeout), ask)
            return [_model(row) for row in answer["modelSummaries"]]

    def translate(self, error: Exception, host: str) -> ProviderError:
        if any(type(cause).__name__ in NO_CREDENTIALS for cause in chain(error)):
            return ProviderError("This machine has no AWS credentials. Enter access keys, or give it a role.", "unauthorized", True)
        answer = getattr(error, "response", None)
        if not isinstance(answer, dict):
            return super().translate(error, host)
        code, status = answer.get("Error", {}).get("Code"), answer.get("ResponseMetadata", {}).get("HTTPStatusCode")
        return from_status(STATUS_OF.get(code) or status or 500, host)


class _Body:
    """The answer's bytes, where botocore expects a urllib3 response."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def stream(self) -> Iterator[bytes]:
        yield self._content


def _send(http: Any, request: Any) -> Any:
    """Sends what botocore has signed through the guarded client."""
    from botocore.awsrequest import AWSResponse

    headers = {name: value.decode() if isinstance(value, bytes) else value for name, value in request.headers.items()}
    found = http.request(request.method, request.url, headers=headers, content=request.body)
    return AWSResponse(request.url, found.status_code, found.headers, _Body(found.content))


def _model(row: dict[str, Any]) -> Model:
    modalities = row.get("outputModalities") or []
    return Model(
        row["modelId"], row.get("modelName") or row["modelId"], frozenset(MODALITIES[one] for one in modalities if one in MODALITIES)
    )

"""Amazon Bedrock: https://docs.aws.amazon.com/bedrock/latest/APIReference/"""

import asyncio
import logging
import os
import re
from collections.abc import AsyncIterator
from contextlib import aclosing
from functools import cached_property, partial
from typing import Annotated, Any, ClassVar, Literal
from urllib.parse import urlsplit

from pydantic import BeforeValidator

from .core.base import Capability, Model, Provider
from .core.chat import ChatRequest, EmbeddingRequest
from .core.ends import moment
from .core.errors import ProviderError
from .core.registry import register
from .core.results import ChatAnswer, ChatChunk, EmbeddingAnswer
from .core.settings import NetworkSettings, setting
from .core.types import ApiKey, HttpUrl, Text, lower_case
from .http.allowance import within
from .vendors.anthropic.request import refused_by
from .vendors.bedrock.answers import ConverseStream, chat_answer
from .vendors.bedrock.client import BedrockRuntime, send
from .vendors.bedrock.converse import SAYS, converse
from .vendors.bedrock.embeddings import Vectors, bodies, embedding_answer, family_of, invoke
from .vendors.bedrock.errors import from_boto
from .vendors.tool_names import CLAUDE, for_vendor, restored, restored_piece

AuthMode = Annotated[Literal["keys", "default"], BeforeValidator(lower_case)]
MODALITIES = {"TEXT": Capability.CHAT, "EMBEDDING": Capability.EMBEDDING}
NOT_REVOKED = (
    "Only a lasting access key that is used at AWS's own address can be deleted with itself. "
    "Delete it in AWS's console."
)
EMBEDDINGS_AT_ONCE = 4  # requests for one caller


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
        description="Of a user or role that may bedrock:ListFoundationModels "
        "and bedrock:InvokeModel*.",
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
        description="Leave empty for AWS's own. Else a host that serves bedrock "
        "and bedrock-runtime; where its name begins with bedrock., "
        "models answer at bedrock-runtime. instead.",
        address=True,
        group="Advanced",
    )


@register
class Amazon(Provider[AmazonSettings]):
    """Bedrock, through boto3 on the guarded HTTP clients: `client` is its control plane,
    `async_client` its models.
    """

    id, name = "amazon", "Amazon Bedrock"
    mark = "aws"
    description = "Nova, Claude, Llama, Titan and others in your AWS account."
    docs_url = "https://docs.aws.amazon.com/bedrock/"
    keys_url = "https://console.aws.amazon.com/iam/home#/security_credentials"
    model_examples = ("amazon.nova-lite-v1:0", "amazon.titan-embed-text-v2:0")
    price_list = "aws"
    telemetry_name = "aws.bedrock"
    packages = ("boto3",)
    sdk = "boto3"
    iam_endpoint: ClassVar[str | None] = None  # AWS's own

    @property
    def asks(self) -> str:
        return f"ListFoundationModels in {self.settings.region}"

    @cached_property
    def client(self) -> Any:
        client = self._boto("bedrock", self.settings.endpoint)
        http = self.http_client()
        client.meta.events.register("before-send", lambda request, **_: send(http, request))
        return client

    @cached_property
    def async_client(self) -> BedrockRuntime:
        return BedrockRuntime(
            partial(self._boto, "bedrock-runtime", self._runtime_endpoint), self.async_http_client()
        )

    @property
    def _runtime_endpoint(self) -> str | None:
        """The address of the models, None for AWS's own:
        docs.aws.amazon.com/general/latest/gr/bedrock.html
        """
        given = self.settings.endpoint
        return given and re.sub(
            r"^(https?://)bedrock(-fips)?\.", r"\1bedrock-runtime\2.", given, flags=re.IGNORECASE
        )

    @property
    def _runtime_address(self) -> str:
        return (
            self._runtime_endpoint
            or f"https://bedrock-runtime.{self.settings.region}.amazonaws.com"
        )

    def _boto(self, service: str, endpoint: str | None) -> Any:
        from botocore.config import Config

        logger = logging.getLogger(
            "botocore"
        )  # below INFO it logs whole requests, session token included
        logger.setLevel(max(logger.getEffectiveLevel(), logging.INFO))
        config = Config(
            retries={"total_max_attempts": self.max_retries + 1, "mode": "standard"},
            # or AWS_ENDPOINT_URL and ~/.aws/config redirect the traffic
            ignore_configured_endpoint_urls=True,
            signature_version="v4",  # or AWS_BEARER_TOKEN_BEDROCK replaces the keys (botocore 1.44)
        )
        client = self._session().client(
            service, config=config, endpoint_url=endpoint, verify=True, use_ssl=True
        )
        if service == "bedrock-runtime":
            # as plain JSON: botocore refuses the whole answer for a count that is not a number
            usage = client.meta.service_model.shape_for("TokenUsage")
            usage._shape_model["document"] = True  # noqa: SLF001 no argument does that
        return client

    def _session(self) -> Any:
        import boto3
        import botocore.session

        settings = self.settings
        if settings.auth_mode == "default":
            return boto3.Session(region_name=settings.region)
        # (name in the file, in the environment, default, conversion): neither AWS_PROFILE nor
        # ~/.aws/config has a say
        core = botocore.session.Session(
            {"profile": (None, None, None, None), "config_file": (None, None, os.devnull, None)}
        )
        keys = (settings.access_key_id, settings.secret_access_key, settings.session_token)
        core.set_credentials(*(key.get_secret_value() if key else None for key in keys))
        return boto3.Session(botocore_session=core, region_name=settings.region)

    def list_models(self) -> list[Model]:
        with self.translated(
            self.settings.endpoint or f"https://bedrock.{self.settings.region}.amazonaws.com"
        ):
            ask = self.client.list_foundation_models
            # The default chain looks for credentials on this machine's own terms, which no client
            # bounds.
            answer = within(self.allowance.left(self.timeout), ask)
            return [_model(row) for row in answer["modelSummaries"]]

    def revoke(self) -> str:
        """Deletes the access key at IAM, signed with itself: whose it is follows from that.
        docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteAccessKey.html
        """
        key = self.settings.access_key_id
        is_lasting = self.settings.auth_mode == "keys" and not self.settings.session_token
        if key is None or not is_lasting or self.settings.endpoint:
            raise ProviderError(NOT_REVOKED, "bad_request", True)
        with self.translated(self.iam_endpoint or "https://iam.amazonaws.com"):
            client, http = self._boto("iam", self.iam_endpoint), self.http_client()
            client.meta.events.register("before-send", lambda request, **_: send(http, request))
            client.delete_access_key(AccessKeyId=key.get_secret_value())
        return "AWS has deleted the access key."

    async def chat(self, request: ChatRequest) -> ChatAnswer:
        self.refuse_unless(request, *SAYS)
        told, names = for_vendor(request, CLAUDE)
        body = converse(told)
        with self.translated(self._runtime_address):
            answer = await self.async_client.call(lambda boto: boto.converse(**body))
            host = urlsplit(self._runtime_address).netloc
            return restored(chat_answer(request.model, answer, host), names)

    async def stream_chat(self, request: ChatRequest) -> AsyncIterator[ChatChunk]:
        self.refuse_unless(request, *SAYS)
        told, names = for_vendor(request, CLAUDE)
        body, reader = (
            converse(told),
            ConverseStream(request.model, urlsplit(self._runtime_address).netloc),
        )
        with self.translated(self._runtime_address):
            async with aclosing(
                self.async_client.each(lambda boto: boto.converse_stream(**body)["stream"])
            ) as events:
                async for event in events:
                    if chunk := reader.chunk(event):
                        yield restored_piece(chunk, names)
            reader.end()

    async def embed(self, request: EmbeddingRequest) -> EmbeddingAnswer:
        self.refuse_unless(request, *family_of(request.model).extras)
        few = asyncio.Semaphore(EMBEDDINGS_AT_ONCE)

        async def ask(body: dict[str, Any]) -> Vectors:
            async with few:
                with self.translated(self._runtime_address):
                    return await self.async_client.call(
                        lambda boto: invoke(boto, request.model, body)
                    )

        asked = bodies(request)
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(ask(body)) for body in asked]
        except ExceptionGroup as errors:
            raise errors.exceptions[0] from None
        return embedding_answer(request.model, [task.result() for task in tasks])

    @classmethod
    def refused_parameters(cls, model: str, _effort: str | None = None) -> frozenset[str]:
        return refused_by(model)

    def translate(self, error: Exception, host: str) -> ProviderError:
        return from_boto(error, host) or super().translate(error, host)


def _model(row: dict[str, Any]) -> Model:
    modalities = row.get("outputModalities") or []
    return Model(
        row["modelId"],
        row.get("modelName") or row["modelId"],
        frozenset(MODALITIES[one] for one in modalities if one in MODALITIES),
        moment((row.get("modelLifecycle") or {}).get("endOfLifeTime")),
    )

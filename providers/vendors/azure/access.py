"""Access to an Azure resource: by key or with Microsoft Entra ID, whose tokens come through the
guarded client too.
"""

import asyncio
import logging
import time
from functools import cached_property
from typing import Annotated, Any, Literal, Self, TypeVar

import httpx2
from pydantic import BeforeValidator, ValidationError, field_validator, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from providers.core.base import Provider
from providers.core.errors import ProviderError
from providers.core.network_faults import network_fault
from providers.core.settings import AddressedSettings, setting
from providers.core.types import ApiKey, HttpUrl, Text, is_empty, lower_case
from providers.http.allowance import within

AuthMode = Annotated[Literal["key", "meid_token"], BeforeValidator(lower_case)]
ENTRA = ("tenant_id", "client_id", "client_secret")
SPARE_SECONDS = 300  # a token is asked for anew when it has less to live
NOT_ALL_OF_ENTRA = (
    "Tenant ID, client ID and client secret belong together: fill in all three, or none for the "
    "default Azure credential."
)


class AzureAccessSettings(AddressedSettings):
    """A resource and its credentials. Names are those of promptflow and of azure-identity."""

    endpoint: HttpUrl = setting(
        title="Endpoint",
        description="The resource's address, without a path.",
        address=True,
        environment="AZURE_OPENAI_ENDPOINT",
        placeholder="https://my-resource.openai.azure.com",
    )
    auth_mode: AuthMode = setting(
        "key",
        title="Authentication",
        description="An API key, or a token of Microsoft Entra ID.",
        labels={"key": "API key", "meid_token": "Microsoft Entra ID"},
        group="Authentication",
    )
    api_key: ApiKey | None = setting(
        None,
        title="API key",
        description="From the Azure portal: the resource, Keys and Endpoint.",
        environment="AZURE_OPENAI_API_KEY",
        shown_when=("auth_mode", "key"),
        required_when_shown=True,
        group="Authentication",
    )
    tenant_id: Text | None = setting(
        None,
        title="Tenant ID",
        description=(
            "Directory of the app registration. Leave all three empty for the default Azure "
            "credential of this machine."
        ),
        environment="AZURE_TENANT_ID",
        shown_when=("auth_mode", "meid_token"),
        group="Authentication",
    )
    client_id: Text | None = setting(
        None,
        title="Client ID",
        description="Application ID of the app registration.",
        pair=True,
        environment="AZURE_CLIENT_ID",
        shown_when=("auth_mode", "meid_token"),
        group="Authentication",
    )
    client_secret: ApiKey | None = setting(
        None,
        title="Client secret",
        description="A secret of the app registration.",
        environment="AZURE_CLIENT_SECRET",
        shown_when=("auth_mode", "meid_token"),
        group="Authentication",
    )
    authority: HttpUrl = setting(
        "https://login.microsoftonline.com",
        title="Authority",
        description=(
            "Where Microsoft Entra ID lives; another one in Azure Government and Azure China."
        ),
        address=True,
        environment="AZURE_AUTHORITY_HOST",
        shown_when=("auth_mode", "meid_token"),
        group="Advanced",
    )

    @field_validator("tenant_id")
    @classmethod
    def _like_a_tenant(cls, value: str | None) -> str | None:
        if value and not value.replace("-", "").replace(".", "").isalnum():
            raise PydanticCustomError(
                "tenant_id", "A tenant is a GUID or a domain name such as contoso.onmicrosoft.com."
            )
        return value

    @model_validator(mode="after")
    def _all_three_or_none(self) -> Self:
        empty = [name for name in ENTRA if is_empty(getattr(self, name))]
        if self.auth_mode == "meid_token" and 0 < len(empty) < len(ENTRA):
            reason = PydanticCustomError("incomplete", NOT_ALL_OF_ENTRA)
            details = [InitErrorDetails(type=reason, loc=(name,), input=None) for name in empty]
            raise ValidationError.from_exception_data(type(self).__name__, details, hide_input=True)
        return self


AccessT = TypeVar("AccessT", bound=AzureAccessSettings)


class AzureAccess(Provider[AccessT]):
    """A resource of Azure.

    A subclass says which service it is, and the `scope` of its tokens.
    """

    scope = "https://cognitiveservices.azure.com/.default"

    @property
    def endpoint(self) -> str:
        """The resource's address without a slash at its end."""
        return self.settings.endpoint.rstrip("/")

    @property
    def by_key(self) -> bool:
        """True if requests carry the key, False if they carry a token."""
        return self.settings.auth_mode == "key"

    @cached_property
    def credential(self) -> Any:
        """The client of Microsoft Entra ID, which caches tokens: the app registration, or this
        machine's own credential.
        """
        from azure.identity import ClientSecretCredential, DefaultAzureCredential

        logging.getLogger("azure.identity").setLevel(
            logging.ERROR
        )  # its warnings repeat what the token service answered
        settings = self.settings
        options: dict[str, Any] = {"authority": settings.authority, "retry_total": self.max_retries}
        if settings.tenant_id and settings.client_id and settings.client_secret:
            options |= {
                "transport": azure_transport(self.http_client()),
                "disable_instance_discovery": True,
            }
            return ClientSecretCredential(
                settings.tenant_id,
                settings.client_id,
                settings.client_secret.get_secret_value(),
                **options,
            )
        # Not guarded: the addresses come from this machine (IDENTITY_ENDPOINT, the metadata
        # service), none from a setting.
        unused = (
            "shared_token_cache",
            "visual_studio_code",
            "powershell",
            "developer_cli",
            "broker",
        )
        return DefaultAzureCredential(
            process_timeout=int(self.timeout) + 1,
            **{f"exclude_{one}_credential": True for one in unused},
            **options,
        )

    def token(self) -> str:
        """A token of Microsoft Entra ID. Raises ProviderError."""
        with self.translated(self.settings.authority, same_act=True):
            return str(self._ask_token().token)

    def _ask_token(self) -> Any:
        ask = self.credential.get_token
        return within(self.allowance.left(self.timeout), ask, self.scope)

    @cached_property
    def _held(self) -> dict[str, Any]:
        return {}

    @property
    def held_secrets(self) -> tuple[str, ...]:
        return tuple(str(one.token) for one in self._held.values())

    @cached_property
    def _asking(self) -> asyncio.Lock:
        return asyncio.Lock()

    async def held_token(self) -> str:
        """As `token`, beside the event loop, and asked for once while it lives: some credentials
        run a program for each question.
        """
        async with self._asking:
            if (
                "token" not in self._held
                or self._held["token"].expires_on < time.time() + SPARE_SECONDS
            ):
                with self.translated(self.settings.authority):
                    self._held["token"] = await asyncio.to_thread(self._ask_token)
            return str(self._held["token"].token)

    def translate(self, error: Exception, host: str) -> ProviderError:
        if any(base.__module__.startswith("azure.core.") for base in type(error).__mro__):
            fault = (
                network_fault(error, host) if self.settings.client_secret else None
            )  # the default chain tries places in vain
            return fault or self._no_token(host)
        return super().translate(error, host)

    def _no_token(self, host: str) -> ProviderError:
        if self.settings.client_secret:
            return ProviderError(
                f"{host} gave no token. Check tenant ID, client ID and client secret.",
                "unauthorized",
                True,
            )
        return ProviderError(
            "This machine has no Azure credential that works. Fill in tenant ID, client ID and "
            "client secret, or give it an identity.",
            "unauthorized",
            True,
        )


def azure_transport(client: httpx2.Client) -> Any:
    """The guarded client in the shape azure-core wants, so that egress rules hold for the token
    service too.
    """
    from azure.core.pipeline.transport import HttpResponse, HttpTransport

    class Answer(HttpResponse):
        def body(self) -> bytes:
            return bytes(self.internal_response.content)

    class Transport(HttpTransport[Any, Any]):
        def send(self, request: Any, **_: Any) -> Any:
            kind = "data" if isinstance(request.body, dict) else "content"
            found = client.request(
                request.method, request.url, headers=request.headers, **{kind: request.body}
            )
            answer = Answer(request, found)
            answer.status_code, answer.reason, answer.headers = (
                found.status_code,
                found.reason_phrase,
                found.headers,
            )
            answer.content_type = found.headers.get("content-type")
            return answer

        def open(self) -> None: ...

        def close(self) -> None: ...

        def __exit__(self, *_: object) -> None: ...

    return Transport()

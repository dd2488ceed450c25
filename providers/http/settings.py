"""The settings of the HTTP connection."""

from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Secret,
    ValidationInfo,
    field_validator,
)
from pydantic_core import PydanticCustomError

from ..core.settings import ProxiedSettings, setting
from ..core.types import ApiKey, HeaderName, Headers, HttpUrl, Password, Text, UserName
from .tls import Certificates

AUTHENTICATION, TEST, TLS = "Authentication", "Test", "TLS"
COGNIGY = {
    "oauth2": "oauth2",
    "apikeyauthkey": "api_key_authorization",
    "apikeyxkey": "x_api_key",
}  # its authType, lower case
WITH_KEY = ("api_key_authorization", "x_api_key", "header", "query")


def _auth_type(value: Any) -> Any:
    """Accepts the spellings of Cognigy's HTTP Request node too: `oAuth2`, `apiKeyAuthKey`,
    `apiKeyXKey`.
    """
    return COGNIGY.get(value.lower(), value.lower()) if isinstance(value, str) else value


def _below_the_base(value: str) -> str:
    if "://" in value or "#" in value or "\\" in value or " " in value or value.startswith("//"):
        raise PydanticCustomError(
            "path", "This is not a path below the base URL. Write it like /v1/me?limit=1."
        )
    return value


def _parameter(value: str) -> str:
    if " " in value or any(one in value for one in "&=#?"):
        raise PydanticCustomError(
            "parameter", "A parameter's name has no blanks and none of & = # ?."
        )
    return value


AuthType = Annotated[
    Literal[
        "none", "basic", "oauth2", "api_key_authorization", "x_api_key", "bearer", "header", "query"
    ],
    BeforeValidator(_auth_type),
]


class HttpSettings(ProxiedSettings):
    """A service, its credentials, and its test."""

    base_url: HttpUrl = setting(
        title="Base URL",
        description=(
            "Where the service lives. Paths are appended to it, and credentials are sent to its "
            "host only."
        ),
        address=True,
        placeholder="https://api.example.com/v1",
    )
    auth_type: AuthType = setting(
        "none",
        title="Authentication",
        description="How requests prove who they are.",
        labels={
            "none": "None",
            "basic": "Basic (user name and password)",
            "oauth2": "OAuth2 (client credentials)",
            "api_key_authorization": "API key (Authorization: ApiKey)",
            "x_api_key": "API key (X-API-Key)",
            "bearer": "Bearer token",
            "header": "Any header",
            "query": "Query parameter",
        },
        group=AUTHENTICATION,
    )
    username: UserName | None = setting(
        None,
        title="User name",
        description="May be empty where a token is the password.",
        pair=True,
        shown_when=("auth_type", "basic"),
        group=AUTHENTICATION,
    )
    password: Password | None = setting(
        None,
        title="Password",
        description="Of this user, or the token that stands for it.",
        shown_when=("auth_type", "basic"),
        required_when_shown=True,
        placeholder="$Http:Password",
        group=AUTHENTICATION,
    )
    token_url: HttpUrl | None = setting(
        None,
        title="Token URL",
        description="Where tokens are given out. Client ID and client secret are sent there.",
        address=True,
        shown_when=("auth_type", "oauth2"),
        required_when_shown=True,
        placeholder="https://login.example.com/oauth2/token",
        group=AUTHENTICATION,
    )
    client_id: Text | None = setting(
        None,
        title="Client ID",
        description="As the token service has registered the client.",
        pair=True,
        shown_when=("auth_type", "oauth2"),
        required_when_shown=True,
        group=AUTHENTICATION,
    )
    client_secret: ApiKey | None = setting(
        None,
        title="Client secret",
        description="Of this client.",
        shown_when=("auth_type", "oauth2"),
        required_when_shown=True,
        placeholder="$Http:ClientSecret",
        group=AUTHENTICATION,
    )
    scope: Text | None = setting(
        None,
        title="Scope",
        description=(
            "What the token may do, with blanks between several. Empty for what the token "
            "service gives by itself."
        ),
        shown_when=("auth_type", "oauth2"),
        group=AUTHENTICATION,
    )
    header_name: HeaderName | None = setting(
        None,
        title="Header",
        description="The header that carries the key.",
        shown_when=("auth_type", "header"),
        required_when_shown=True,
        placeholder="X-Auth-Token",
        group=AUTHENTICATION,
    )
    parameter: Annotated[Text, AfterValidator(_parameter)] | None = setting(
        None,
        title="Parameter",
        description="The parameter of the address that carries the key.",
        shown_when=("auth_type", "query"),
        required_when_shown=True,
        placeholder="api_key",
        group=AUTHENTICATION,
    )
    api_key: ApiKey | None = setting(
        None,
        title="API key",
        description="Sent as it is; for a word before it, such as Token, write that here too.",
        shown_when=("auth_type", WITH_KEY),
        required_when_shown=True,
        placeholder="$Http:ApiKey",
        group=AUTHENTICATION,
    )
    token: ApiKey | None = setting(
        None,
        title="Token",
        description="Sent as Authorization: Bearer with the token after it.",
        shown_when=("auth_type", "bearer"),
        required_when_shown=True,
        placeholder="$Http:Token",
        group=AUTHENTICATION,
    )
    test_method: Literal["GET", "HEAD"] = setting(
        "GET",
        title="Test method",
        description="How a test asks.",
        labels={"GET": "GET (ask)", "HEAD": "HEAD (ask for the status only)"},
        group=TEST,
    )
    test_path: Annotated[Text, AfterValidator(_below_the_base)] | None = setting(
        None,
        title="Test path",
        description=(
            "What a test asks: a path below the base URL that needs the credentials, costs nothing "
            "and changes nothing."
        ),
        placeholder="/me",
        group=TEST,
    )
    expected_status: int | None = setting(
        None,
        title="Expected status",
        description="The HTTP status of a test that passes. Empty for any from 200 to 299.",
        group=TEST,
        ge=100,
        le=599,
    )
    verify_tls: bool = setting(
        True,
        title="Verify certificates",
        description="No lets anybody between here and the service read the credentials.",
        trust=True,
        group=TLS,
    )
    ca_certificate: Certificates | None = setting(
        None,
        title="Authority",
        description=(
            "Certificates (PEM) to trust besides those of the system, for a service with an "
            "authority of its own."
        ),
        trust=True,
        shown_when=("verify_tls", True),
        multiline=True,
        group=TLS,
    )
    client_in: Literal["header", "body"] = setting(
        "header",
        title="Client credentials",
        description="Where the token service reads client ID and client secret.",
        labels={"header": "In a header (Basic)", "body": "In the body"},
        shown_when=("auth_type", "oauth2"),
        group="Advanced",
    )
    headers: Headers | None = setting(
        None,
        title="Additional headers",
        description="Sent with every request, one a line: Name: value.",
        group="Advanced",
        placeholder="Accept: application/json",
    )
    timeout: float = setting(
        60.0,
        title="Timeout",
        description="Seconds to wait for an answer. A test waits 10.",
        group="Advanced",
        gt=0,
        le=3600,
    )

    @field_validator("headers")
    @classmethod
    def _leaves_the_credentials(
        cls, headers: Secret[dict[str, str]] | None, info: ValidationInfo
    ) -> Secret[dict[str, str]] | None:
        taken = _header_of(info.data.get("auth_type", ""), info.data.get("header_name"))
        if (
            taken
            and headers
            and taken.lower() in {name.lower() for name in headers.get_secret_value()}
        ):
            text = (
                "{name} carries the credentials already. Leave it out here, or choose another "
                "authentication."
            )
            raise PydanticCustomError("header", text, {"name": taken})
        return headers


def _header_of(auth_type: str, header_name: str | None) -> str:
    """The header that carries the credentials, empty when none does."""
    names = {"none": "", "query": "", "x_api_key": "X-API-Key", "header": header_name or ""}
    return names.get(auth_type, "Authorization" if auth_type else "")

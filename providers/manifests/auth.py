"""Authentication of a type's requests: the steps under `auth`. Every value is a template."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from .base_models import Condition, Line, ManifestPart, Parameters, Templates

HeaderName = Annotated[str, Field(pattern=r"^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}$")]
Scheme = Annotated[str, Field(pattern=r"^[A-Za-z0-9._~+/-]*$", max_length=50)]
SignedPart = Literal["method", "path", "query", "body", "body_sha256", "timestamp"]
SignaturePrefix = Annotated[str, Field(pattern=r"^[\x20-\x7e]*$", max_length=50)]
Seconds = Annotated[int, Field(ge=60, le=3600)]
# What a step says that is no template.
WORDS = frozenset(
    {
        *("use", "when", "client_in", "name", "header", "scheme", "algorithm", "seconds"),
        *("parts", "encoding", "separator", "prefix", "timestamp_header"),
    }
)


class AuthStep(ManifestPart):
    """One step. `when`: it is taken only while a choice has one of these values."""

    when: Condition = {}

    def templates(self) -> dict[str, str]:
        """Its templates by their place in the step: `token`, `parameters.audience`."""
        found: dict[str, str] = {}
        for key, value in self.model_dump(exclude=set(WORDS)).items():
            said = value if isinstance(value, dict) else {"": value}
            found |= {f"{key}.{name}" if name else key: text for name, text in said.items() if text}
        return found


class NoAuth(AuthStep):
    """Nothing is sent."""

    use: Literal["none"]


class Bearer(AuthStep):
    """`Authorization: Bearer <token>`, or another word than Bearer; an empty one sends the token
    alone.
    """

    use: Literal["bearer"]
    token: Line
    scheme: Scheme = "Bearer"


class BasicAuth(AuthStep):
    """`Authorization: Basic`, of a user's name and a password."""

    use: Literal["basic"]
    username: Line
    password: Line = ""


class HeaderAuth(AuthStep):
    """A header of any name."""

    use: Literal["header"]
    name: HeaderName
    value: Line


class QueryAuth(AuthStep):
    """A parameter in the address."""

    use: Literal["query"]
    name: Annotated[str, Field(pattern=r"^[^\x00-\x20&=#?{}]{1,100}$")]
    value: Line


class Fetched(AuthStep):
    """Base of the steps that fetch a token. `header`, `scheme`: how requests carry it."""

    token_url: Line
    scope: Line = ""
    header: HeaderName = "Authorization"
    scheme: Scheme = "Bearer"


class Granted(Fetched):
    """Base of the steps that fetch a token of OAuth 2.0 for a client.

    `client_in`: where the client's id and secret are sent.
    """

    client_id: Line = ""
    client_secret: Line = ""
    client_in: Literal["header", "body"] = "header"
    parameters: Parameters = {}


class ClientCredentials(Granted):
    """RFC 6749, section 4.4."""

    use: Literal["oauth2_client"]
    client_id: Line
    client_secret: Line


class PasswordGrant(Granted):
    """RFC 6749, section 4.3."""

    use: Literal["oauth2_password"]
    username: Line
    password: Line


class RefreshGrant(Granted):
    """RFC 6749, section 6."""

    use: Literal["oauth2_refresh"]
    refresh_token: Line


class AuthorizationCode(Granted):
    """RFC 6749, section 4.1: a person allows it in a browser. Then as with a refresh token, which
    is the field that `refresh_token` names.
    """

    use: Literal["oauth2_code"]
    authorize_url: Line
    authorize_parameters: Templates = {}
    client_id: Line
    refresh_token: Annotated[str, Field(pattern=r"^\{[A-Za-z][A-Za-z0-9_]*\}$")]


class Signing(AuthStep):
    """Base of the steps that sign a JWT (RFC 7519). `seconds`: its life."""

    private_key: Line
    passphrase: Line = ""
    algorithm: Literal["RS256", "ES256"] = "RS256"
    key_id: Line = ""
    issuer: Line = ""
    subject: Line = ""
    audience: Line = ""
    claims: Templates = {}
    seconds: Seconds = 600


class SignedToken(Signing):
    """A signed token, which requests carry themselves."""

    use: Literal["jwt"]


class SignedGrant(Granted, Signing):
    """A signed token, for which there is a token of OAuth 2.0: RFC 7523, section 2.1."""

    use: Literal["oauth2_jwt"]


class GoogleServiceAccount(Fetched):
    """The same as Google has it, with the JSON key of a service account."""

    use: Literal["google_service_account"]
    service_account: Line
    scope: Line
    subject: Line = ""
    token_url: Line = "https://oauth2.googleapis.com/token"  # noqa: S105 an address


class SnowflakeKeyPair(AuthStep):
    """A signed token as Snowflake wants it."""

    use: Literal["snowflake_key_pair"]
    account: Line
    username: Line
    private_key: Line
    passphrase: Line = ""


class AwsV4(AuthStep):
    """A signature over the request: AWS Signature Version 4."""

    use: Literal["aws_v4"]
    access_key_id: Line
    secret_access_key: Line
    session_token: Line = ""
    region: Line
    service: Line


class AzureHmac(AuthStep):
    """A signature over the request: HMAC-SHA256 of Azure's services with access keys."""

    use: Literal["azure_hmac"]
    access_key: Line
    access_key_id: Line = ""


class Hmac(AuthStep):
    """A signature over named parts of the request: an HMAC of a shared secret, in a header."""

    use: Literal["hmac"]
    secret: Line
    name: HeaderName
    parts: Annotated[tuple[SignedPart, ...], Field(min_length=1, max_length=6, strict=False)]
    algorithm: Literal["sha256", "sha512"] = "sha256"
    encoding: Literal["hex", "base64"] = "hex"
    separator: Annotated[str, Field(max_length=5)] = ""
    prefix: SignaturePrefix = ""
    timestamp_header: HeaderName | Literal[""] = ""

    @model_validator(mode="after")
    def _tells_its_timestamp(self) -> Self:
        if ("timestamp" in self.parts) != bool(self.timestamp_header):
            raise ValueError(
                "A timestamp is signed and told, or neither: name it in parts and timestamp_header."
            )
        return self


class Certificate(AuthStep):
    """A certificate that is shown to the service when TLS begins."""

    use: Literal["client_certificate"]
    certificate: Line
    private_key: Line
    passphrase: Line = ""
    authority: Line = ""


Auth = Annotated[
    NoAuth
    | Bearer
    | BasicAuth
    | HeaderAuth
    | QueryAuth
    | ClientCredentials
    | PasswordGrant
    | RefreshGrant
    | AuthorizationCode
    | SignedToken
    | SignedGrant
    | GoogleServiceAccount
    | SnowflakeKeyPair
    | AwsV4
    | AzureHmac
    | Hmac
    | Certificate,
    Field(discriminator="use"),
]
STEPS: dict[str, type[AuthStep]] = {
    "none": NoAuth,
    "bearer": Bearer,
    "basic": BasicAuth,
    "header": HeaderAuth,
    "query": QueryAuth,
    "oauth2_client": ClientCredentials,
    "oauth2_password": PasswordGrant,
    "oauth2_refresh": RefreshGrant,
    "oauth2_code": AuthorizationCode,
    "jwt": SignedToken,
    "oauth2_jwt": SignedGrant,
    "google_service_account": GoogleServiceAccount,
    "snowflake_key_pair": SnowflakeKeyPair,
    "aws_v4": AwsV4,
    "azure_hmac": AzureHmac,
    "hmac": Hmac,
    "client_certificate": Certificate,
}

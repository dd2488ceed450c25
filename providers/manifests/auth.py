"""Authentication of a type's requests: the steps under `auth`. Every value is a template."""

from typing import Annotated, Literal

from pydantic import Field

from .base_models import Condition, Line, ManifestPart, Templates


class AuthStep(ManifestPart):
    """One step. `when`: it is taken only while a choice has one of these values."""

    when: Condition = {}

    def templates(self) -> dict[str, str]:
        """Its templates by their key in the document."""
        given = self.model_dump(exclude={"use", "when", "client_in", "parameters"})
        return {key: value for key, value in given.items() if value}


class NoAuth(AuthStep):
    """Nothing is sent."""

    use: Literal["none"]


class Bearer(AuthStep):
    """`Authorization: Bearer <token>`, or another word than Bearer; an empty one sends the token
    alone.
    """

    use: Literal["bearer"]
    token: Line
    scheme: Annotated[str, Field(pattern=r"^[A-Za-z0-9._~+/-]*$", max_length=50)] = "Bearer"

    def templates(self) -> dict[str, str]:
        return {"token": self.token}


class BasicAuth(AuthStep):
    """`Authorization: Basic`, of a user's name and a password."""

    use: Literal["basic"]
    username: Line
    password: Line = ""


class HeaderAuth(AuthStep):
    """A header of any name."""

    use: Literal["header"]
    name: Annotated[str, Field(pattern=r"^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}$")]
    value: Line

    def templates(self) -> dict[str, str]:
        return {"value": self.value}


class QueryAuth(AuthStep):
    """A parameter in the address."""

    use: Literal["query"]
    name: Annotated[str, Field(pattern=r"^[^\x00-\x20&=#?{}]{1,100}$")]
    value: Line

    def templates(self) -> dict[str, str]:
        return {"value": self.value}


class Granted(AuthStep):
    """Base of the steps that fetch a token of OAuth 2.0.

    `client_in`: where the client's id and secret are sent.
    """

    token_url: Line
    client_id: Line = ""
    client_secret: Line = ""
    scope: Line = ""
    client_in: Literal["header", "body"] = "header"
    parameters: Templates = {}


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


Auth = Annotated[
    NoAuth
    | Bearer
    | BasicAuth
    | HeaderAuth
    | QueryAuth
    | ClientCredentials
    | PasswordGrant
    | RefreshGrant,
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
}

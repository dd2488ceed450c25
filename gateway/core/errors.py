"""GatewayError, the one exception for every refusal; each protocol gives it a shape of its own."""

import re
from typing import Any

from django.views.decorators.debug import sensitive_variables
from pydantic import ValidationError

from connections.services import Unusable
from providers.core.errors import ProviderError
from providers.core.messages import Unsupported
from providers.core.redaction import redacted

# HTTP statuses for the codes of ProviderError. Every other code is a fault behind the gateway (502)
# that the caller can do nothing about.
STATUSES = {"bad_request": 400, "not_found": 404, "rate_limited": 429, "timeout": 504}


class GatewayError(Exception):
    """A refusal.

    `code` is stable, `param` the field of the request it is about, `retry_after` seconds. `headers`
    go with the response.
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        param: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.param = param
        self.retry_after = retry_after
        self.headers: list[tuple[bytes, bytes]] = []

    def again(self) -> "GatewayError":
        """A new exception with the same refusal, for another request.

        One exception that is raised twice would keep the frames of both requests, with their
        bodies, in its traceback.
        """
        return GatewayError(self.status, self.code, self.message, self.param, self.retry_after)


def invalid(code: str, message: str, param: str | None = None) -> GatewayError:
    """A 400: the request itself is wrong."""
    return GatewayError(400, code, message, param)


def from_validation(error: ValidationError) -> GatewayError:
    """A 400 that names the first field that is wrong. The value that was sent is not repeated."""
    first = error.errors(include_input=False, include_url=False)[0]
    # pydantic's path also has steps that the caller never wrote: a union's members and a
    # discriminator's tag, whose names have other characters than a field's.
    path = [
        str(one)
        for one in first["loc"]
        if isinstance(one, int) or re.fullmatch(r"[a-z_]+", str(one))
    ]
    param = ".".join(path)
    return invalid("invalid_request", f"{param or 'body'}: {first['msg']}", param or None)


def from_unusable(error: Unusable, alias: str) -> GatewayError:
    """A 409: the connection with this alias cannot be used as it is."""
    message = error.message if alias in error.message else f"{alias}: {error.message}"
    return GatewayError(409, error.code, message)


@sensitive_variables("secrets")
def from_provider(error: ProviderError, secrets: tuple[str, ...]) -> GatewayError:
    """The refusal for a failure of a provider.

    The service's own words are added where they help, with *** for what repeats one of `secrets`.
    """
    message = error.message
    if error.said:
        message = f"{message} It said: {redacted(error.said, secrets)}"
    param = error.feature if isinstance(error, Unsupported) else None
    code = "unsupported" if isinstance(error, Unsupported) else error.code
    return GatewayError(STATUSES.get(error.code, 502), code, message, param, error.retry_after)


def secret_values(settings: Any) -> tuple[str, ...]:
    """The clear text of every secret in a provider's settings, to search for in what must not
    carry it.
    """
    found: list[str] = []
    for name in type(settings).model_fields:
        value = getattr(settings, name)
        inner = value.get_secret_value() if hasattr(value, "get_secret_value") else None
        found += inner.values() if isinstance(inner, dict) else [inner] if inner else []
    return tuple(found)

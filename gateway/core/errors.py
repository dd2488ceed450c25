"""What the gateway answers instead of an answer: one exception, whichever shape an endpoint gives
it.
"""

import re
from typing import Any

from django.views.decorators.debug import sensitive_variables
from pydantic import ValidationError

from connections.services import Unusable
from providers.core.chat import Unsupported
from providers.core.errors import ProviderError

# Statuses for the codes of ProviderError. What the caller can do nothing about is a fault behind
# the gateway.
STATUSES = {"bad_request": 400, "not_found": 404, "rate_limited": 429, "timeout": 504}
REDACTED = "***"
SHORTEST_SECRET = 6  # shorter ones are words, and would be found everywhere


class GatewayError(Exception):
    """A refusal.

    `code` is stable, `param` the field of the request it is about, `retry_after` seconds, `steps`:
    who was tried.
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
        self.status, self.code, self.message, self.param, self.retry_after = (
            status,
            code,
            message,
            param,
            retry_after,
        )
        self.headers: list[tuple[bytes, bytes]] = []

    def again(self) -> "GatewayError":
        """The same refusal for another request: raised twice, one exception would keep the frames
        of both, bodies and all.
        """
        return GatewayError(self.status, self.code, self.message, self.param, self.retry_after)


def invalid(code: str, message: str, param: str | None = None) -> GatewayError:
    """A 400."""
    return GatewayError(400, code, message, param)


def from_validation(error: ValidationError) -> GatewayError:
    """A 400 that names the first field that is wrong. What was typed is not repeated."""
    first = error.errors(include_input=False, include_url=False)[0]
    # a union's members and a discriminator's tag are steps of pydantic's path, none of the caller's
    path = [
        str(one)
        for one in first["loc"]
        if isinstance(one, int) or re.fullmatch(r"[a-z_]+", str(one))
    ]
    param = ".".join(path)
    return invalid("invalid_request", f"{param or 'body'}: {first['msg']}", param or None)


def from_unusable(error: Unusable, alias: str) -> GatewayError:
    """A 409: the connection behind the profile cannot be used as it is."""
    message = error.message if alias in error.message else f"{alias}: {error.message}"
    return GatewayError(409, error.code, message)


@sensitive_variables("secrets")
def from_provider(error: ProviderError, secrets: tuple[str, ...]) -> GatewayError:
    """What a provider could not do.

    The service's own words are added where they help, unless they repeat a credential.
    """
    message = error.message
    if error.said and not any(
        secret in error.said for secret in secrets if len(secret) >= SHORTEST_SECRET
    ):
        message = f"{message} It said: {error.said}"
    param = error.feature if isinstance(error, Unsupported) else None
    code = "unsupported" if isinstance(error, Unsupported) else error.code
    return GatewayError(STATUSES.get(error.code, 502), code, message, param, error.retry_after)


def secret_values(settings: Any) -> tuple[str, ...]:
    """The clear text of every secret of a provider's settings, to be looked for in what must not
    carry it.
    """
    found: list[str] = []
    for name in type(settings).model_fields:
        value = getattr(settings, name)
        inner = value.get_secret_value() if hasattr(value, "get_secret_value") else None
        found += inner.values() if isinstance(inner, dict) else [inner] if inner else []
    return tuple(found)

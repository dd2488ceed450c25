"""GatewayError, the one exception for every refusal; each protocol gives it a shape of its own."""

from collections.abc import Callable
from typing import Any

from django.views.decorators.debug import sensitive_variables
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from connections.services import Unusable
from connections.workloads.services import TokenRefused
from providers.core.error_bodies import CONTEXT_CODES
from providers.core.errors import ProviderError, no_such_model
from providers.core.messages import Unsupported
from providers.core.redaction import redacted
from providers.core.wording import THIS, plain_sentence

# HTTP statuses for the codes of ProviderError. Every other code is a fault behind the gateway (502)
# that the caller can do nothing about.
STATUSES = {
    "bad_request": 400,
    "context_too_long": 400,
    "not_found": 404,
    "rate_limited": 429,
    "timeout": 504,
}
TOLD = frozenset(
    {"connection_inactive", "undecryptable", "misplaced"}
)  # of what cannot be used: in full
# The code on which clients shorten a conversation, as OpenAI writes it.
CONTEXT_TOO_LONG = "context_length_exceeded"


NO_DEFAULT = (
    "No profile is named, and there is no default for {}. Name one, or choose a default on the "
    "page Profiles."
)


class GatewayError(Exception):
    """A refusal.

    `code` is stable, `param` the field of the request it is about, `retry_after` seconds. `outcome`
    and `detail`: the code and the message for those who run this, where they say more than callers
    with a token may learn. `field_code`: of the field alone, as the management API tells it.
    `headers` go with the response. `service_code`, `service_param` and
    `service_details`: what the service told of it, where it refused the request, for clients that
    act on that.
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
        self.outcome, self.detail = code, message
        self.field_code = "invalid" if code == "invalid_request" else code
        self.headers: list[tuple[bytes, bytes]] = []
        self.service_code = self.service_param = ""
        self.service_details: dict[str, Any] = {}

    def again(self, *, in_full: bool = False) -> "GatewayError":
        """A new exception with the same refusal, for another request. `in_full`: with the `detail`
        as its message.

        One exception that is raised twice would keep the frames of both requests, with their
        bodies, in its traceback.
        """
        message = self.detail if in_full else self.message
        again = GatewayError(self.status, self.code, message, self.param, self.retry_after)
        again.outcome, again.detail = self.outcome, self.detail
        again.field_code = self.field_code
        return again


def invalid(code: str, message: str, param: str | None = None) -> GatewayError:
    """A 400: the request itself is wrong."""
    return GatewayError(400, code, message, param)


def from_validation(error: ValidationError, body: Any) -> GatewayError:
    """A 400 that names the first field of `body` that is wrong. Its value is not repeated."""
    found = error.errors(include_input=False, include_url=False)
    # A list is tried as each member of a union, also as a text: the deepest fault is the true one.
    place = found[0]["loc"][:-1]
    wrong = max((one for one in found if one["loc"][: len(place)] == place), key=_depth(body))
    param = ".".join(map(str, _field_path(body, wrong)))
    text = f"{param or 'body'}: {plain_sentence(wrong, THIS)}"
    refused = invalid("invalid_request", text, param or None)
    refused.field_code = "required" if wrong["type"] == "missing" else "invalid"
    return refused


def _depth(body: Any) -> Callable[[ErrorDetails], int]:
    return lambda wrong: len(_field_path(body, wrong))


def _field_path(body: Any, wrong: ErrorDetails) -> list[int | str]:
    """The path of a wrong field as the caller wrote it. pydantic's also has steps for the members
    of a union and for the tags that tell them apart.
    """
    path, value = list[int | str](), body
    *steps, last = wrong["loc"] or ("",)
    for step in (*steps, last):
        is_there = (isinstance(value, dict) and step in value) or (
            isinstance(value, list) and isinstance(step, int) and step < len(value)
        )
        if is_there:
            path.append(step)
            value = value[step]
    if wrong["type"] == "missing" and last and (not isinstance(value, dict) or last not in value):
        path.append(last)
    return path


def from_unusable(error: Unusable, alias: str) -> GatewayError:
    """A 409: the connection with this alias cannot be used as it is. What it lacks (names of
    variables, hosts) is in `detail` alone.
    """
    detail = error.message if alias in error.message else f"{alias}: {error.message}"
    if error.code in TOLD:
        return GatewayError(409, error.code, detail)
    text = f"The connection {alias} cannot be used as it is. Tell whoever runs Switchboard: its "
    refused = GatewayError(409, error.code, f"{text}page says what it lacks.")
    refused.detail = detail
    return refused


def from_refused(refused: TokenRefused) -> GatewayError:
    """A 401 for the token of an issuer that is not taken, a 503 while its issuer's keys are not
    known.
    """
    if refused.retry_after is not None:
        code = "issuer_unavailable"
        return GatewayError(503, code, refused.message, retry_after=refused.retry_after)
    return GatewayError(401, "invalid_token", refused.message)


@sensitive_variables("secrets")
def from_provider(error: ProviderError, model: str, secrets: tuple[str, ...]) -> GatewayError:
    """The refusal for a failure of a provider, of which this model was asked.

    The service's own words are added where they help, with *** for what repeats one of `secrets`.
    """
    message = no_such_model(error.no_model_at, model) if error.no_model_at else error.message
    if error.said:
        message = f"{message} It said: {redacted(error.said, secrets)}"
    param = error.feature if isinstance(error, Unsupported) else None
    code = "unsupported" if isinstance(error, Unsupported) else error.code
    is_forbidden = error.status == 403 and error.is_about_request
    status = 403 if is_forbidden else STATUSES.get(error.code, 502)
    refused = GatewayError(status, code, message, param, error.retry_after)
    if error.status is not None and (error.is_about_request or error.code == "not_found"):
        _tell_service(refused, error, secrets)
    return refused


@sensitive_variables("secrets")
def text_for_record(error: ProviderError, refused: GatewayError, secrets: tuple[str, ...]) -> str:
    """The refusal's sentence and the service's own words, for people who read records."""
    heard = error.heard.get_secret_value()
    if not heard or error.said:
        return refused.message
    return f"{refused.message} It said: {redacted(heard, secrets)}"


def _tell_service(refused: GatewayError, error: ProviderError, secrets: tuple[str, ...]) -> None:
    """Adds the code, the field and the details of the service, unless they repeat a secret."""
    told = str((error.service_code, error.service_param, error.service_details))
    if redacted(told, secrets) == told:
        refused.service_code = error.service_code
        refused.service_param = error.service_param
        refused.service_details = error.service_details
    if error.code == "context_too_long" and refused.service_code not in CONTEXT_CODES:
        refused.service_code = CONTEXT_TOO_LONG


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

"""The one exception a provider raises, and how refusals of services become one."""

from collections.abc import Iterator, Mapping
from typing import Any, cast
from urllib.parse import urlsplit

from pydantic import SecretStr

from . import error_bodies as told
from .waits import seconds_to_wait

CREDENTIAL_CODES = ("unauthorized", "forbidden", "quota", "rate_limited")
NETWORK_CODES = ("timeout", "dns", "refused", "tls", "blocked_address")
ANSWER_CODES = ("not_found", "bad_request", "context_too_long", "bad_response")
OTHER_CODES = ("not_installed", "error")
CODES = frozenset({*CREDENTIAL_CODES, *NETWORK_CODES, *ANSWER_CODES, *OTHER_CODES})


class ProviderError(Exception):
    """A provider could not do what was asked.

    `message` is one plain sentence that names cause and cure and never carries what the service
    answered; `code` is one of CODES; `permanent` says that trying again changes nothing.
    `retry_after`: seconds the service asks to wait. `said`: why the service refused a request, in
    its own words: it may repeat a credential, so nothing shows it unredacted. `status`,
    `service_code`, `service_param` and `service_details`: the HTTP status of its answer, the code
    and the name of a parameter in it, and what else a client acts on, where it told them.
    `is_about_request`: the service refused this request, so its connection is not at fault.
    `refusal`: the JSON of such an answer, for programs alone: it too may repeat anything. `heard`:
    the service's own words of any failure, for records. `usage`: the tokens (`results.Usage`) that
    it counted all the same, None where it told none. `no_model_at`: a host without such a model,
    for a sentence that names it: see `no_such_model`. `may_be_read`: the connection broke after
    the request was sent, so it is not sent again.
    """

    def __init__(
        self,
        message: str,
        code: str = "error",
        permanent: bool = False,
        *,
        retry_after: float | None = None,
        said: str = "",
    ) -> None:
        if code not in CODES:
            raise ValueError(f"{code!r} is not a provider error code")
        super().__init__(message)
        self.message, self.code, self.permanent = message, code, permanent
        self.retry_after, self.said = retry_after, said
        self.status: int | None = None
        self.service_code = self.service_param = ""
        self.service_details: dict[str, Any] = {}
        self.heard, self.usage = SecretStr(said), cast("Any", None)
        self.may_be_read, self.no_model_at = False, ""
        self.is_about_request = code in ("bad_request", "context_too_long")
        self.refusal: Any = None


class BlockedAddress(Exception):
    """The guard of outbound addresses refused a host. `str()` is a sentence for people."""


class AnswerTooLarge(Exception):
    """The service sent more than the guard lets through."""


class CompressedAnswer(Exception):
    """The service compressed an answer although it was asked not to: it may be of any size."""


class RedirectRefused(Exception):
    """The service redirected to another host, where credentials must not follow."""


def chain(error: BaseException | None) -> Iterator[BaseException]:
    """The error and what caused it, outermost first."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


# Faults of a service below 500: a model that failed (Bedrock), no room (Groq:
# console.groq.com/docs/flex-processing), a request that was cancelled behind it (Google, nginx).
SERVICE_FAULTS = (424, 498, 499)


def from_status(status: int, host: str) -> ProviderError:
    """The error for an HTTP status that is not a success. `host`: the service, in the sentence."""
    if status == 401:
        return ProviderError(
            f"{host} does not accept the credentials. Enter a valid key.", "unauthorized", True
        )
    if status == 403:
        return ProviderError(
            f"{host} knows the credentials but does not allow this. Check the key's rights.",
            "forbidden",
            True,
        )
    if status == 404:
        return ProviderError(
            f"{host} has no such address. Check the endpoint, its path and its version.",
            "not_found",
            True,
        )
    if status == 402:
        return ProviderError(
            f"The account at {host} has no credit left. Check its billing.", "quota", True
        )
    if status == 408:
        return ProviderError(f"{host} gave up waiting. Try again.", "timeout")
    if status == 429:
        return ProviderError(
            f"{host} receives too many requests from this account. Try again later.", "rate_limited"
        )
    if 300 <= status < 400:
        return ProviderError(
            f"{host} redirects elsewhere. Enter the final address as the endpoint.",
            "bad_response",
            True,
        )
    if 400 <= status < 500 and status not in SERVICE_FAULTS:
        return ProviderError(
            f"{host} refused the request (HTTP {status}). Check the settings.", "bad_request", True
        )
    return ProviderError(f"{host} failed with HTTP {status}. Try again later.", "error")


MOST_SAID = 1000  # characters
REFUSALS = (400, 404, 413, 422, 451)  # answers whose reason a caller can do something about


def from_answer(status: int, host: str, headers: Mapping[str, str], body: Any) -> ProviderError:
    """As `from_status`, with what the answer's headers and its JSON (None: it had none) tell."""
    error = _refusal_of_request(status, host, body)
    if status == 404 and error is None and told.is_about_model(body):
        error = ProviderError(no_such_model(host), "not_found", True)
        error.no_model_at = host
    if error is None and status in (400, 403, 429, 500) and told.is_about_credit(body):
        error = from_status(402, host)
    if error is None and status in (400, 403) and told.is_about_key(body):
        error = from_status(401, host)
    if error is None:
        error = from_status(status, host)
        error.retry_after = seconds_to_wait(headers)
    error.status = status
    error.service_code, error.service_param = told.code_in(body), told.param_in(body)
    error.service_details = told.details_in(body)
    error.heard = SecretStr(told.reason_in(body)[:MOST_SAID])
    if error.is_about_request or (status in REFUSALS and error.code != "quota"):
        error.refusal = body
        error.said = error.heard.get_secret_value()
    return error


def _refusal_of_request(status: int, host: str, body: Any) -> ProviderError | None:
    """The error for a request that is refused for its prompt, its size or for where it comes from,
    which its body alone tells; None for any other.
    """
    if status == 413 and told.is_about_rate(body):
        # Groq, as in assafelovic/gpt-researcher#985: it alone is more than the tokens of a minute
        error = ProviderError(
            f"The request is larger than what {host} lets this account send in a minute. Shorten "
            "it, or ask another service.",
            "rate_limited",
            True,
        )
        error.is_about_request = True
        return error
    if status in REFUSALS and told.is_about_context(body):
        return ProviderError(
            f"The prompt is too long for the model at {host}. Shorten it, or ask a model that reads"
            " more.",
            "context_too_long",
            True,
        )
    if status == 500 and "Jinja Exception" in told.reason_in(body):
        # ggml-org/llama.cpp#19851: its template takes other roles, or in another order
        return ProviderError(
            f"The model's template at {host} does not take these messages. Use other roles, or "
            "another order.",
            "bad_request",
            True,
        )
    return _forbidden_request(host, body) if status == 403 else None


def _forbidden_request(host: str, body: Any) -> ProviderError | None:
    """The error for a 403 that is not about the key, None for one that is."""
    if told.is_about_prompt(body):
        return ProviderError(
            f"{host} refuses this prompt by its rules. Change the prompt.", "bad_request", True
        )
    if told.is_about_place(body):
        error = ProviderError(
            f"{host} does not serve the country or region this server asks from. Ask another "
            "service.",
            "forbidden",
            True,
        )
        error.is_about_request = True
        return error
    return None


def no_such_model(host: str, model: str = "") -> str:
    """The sentence for a model that a service does not have; "such" where its name is not known."""
    named = f"the model {model}" if model else "such a model"
    return (
        f"{host} does not have {named}, or not for this key. Enter a model in the profile that it "
        "has."
    )


def from_error_body(error: Any, host: str) -> ProviderError:
    """The ProviderError for an error that came inside an answer of status 200: an object, or a
    sentence. Its status is the one that it tells itself.
    """
    return from_answer(told.status_in(error), host, {}, {"error": error})


def not_installed(package: str) -> ProviderError:
    """The error for an SDK that is not there."""
    return ProviderError(
        f"The package {package} is not installed here. Install it, then restart the application.",
        "not_installed",
        True,
    )


def bad_response(address: str) -> ProviderError:
    """The error for an answer that is not of this protocol: HTML, other JSON, nonsense.

    `address`: a host, or an URL there.
    """
    host = urlsplit(address).netloc or address
    return ProviderError(
        f"{host} answered, but not as this service does. Check the endpoint and its path.",
        "bad_response",
        True,
    )

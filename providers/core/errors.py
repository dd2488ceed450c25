"""The one exception a provider raises, and how faults of the network become one."""

import socket
import ssl
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

import httpx2

CREDENTIAL_CODES = ("unauthorized", "forbidden", "quota", "rate_limited")
NETWORK_CODES = ("timeout", "dns", "refused", "tls", "blocked_address")
ANSWER_CODES = ("not_found", "bad_request", "bad_response", "not_installed", "error")
CODES = frozenset({*CREDENTIAL_CODES, *NETWORK_CODES, *ANSWER_CODES})


class ProviderError(Exception):
    """A provider could not do what was asked.

    `message` is one plain sentence that names cause and cure and never carries what the service
    answered; `code` is one of CODES; `permanent` says that trying again changes nothing.
    `retry_after`: seconds the service asks to wait. `said`: why the service refused a request, in
    its own words: it may repeat a credential, so nothing shows it unredacted. `status`,
    `service_code` and `service_param`: the HTTP status of its answer, and the code and the name of
    a parameter in it, where it told them.
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


class BlockedAddress(Exception):
    """The guard of outbound addresses refused a host. `str()` is a sentence for people."""


class AnswerTooLarge(Exception):
    """The service sent more than the guard lets through."""


class CompressedAnswer(Exception):
    """The service compressed an answer although it was asked not to; unpacked it may be of any
    size.
    """


class RedirectRefused(Exception):
    """The service redirected to another host, where credentials must not follow."""


def chain(error: BaseException | None) -> Iterator[BaseException]:
    """The error and what caused it, outermost first."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


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
    if 400 <= status < 500:
        return ProviderError(
            f"{host} refused the request (HTTP {status}). Check the settings.", "bad_request", True
        )
    return ProviderError(f"{host} failed with HTTP {status}. Try again later.", "error")


MOST_SAID = 1000  # characters
REFUSALS = (400, 404, 413, 422)  # answers whose reason a caller can do something about


def from_answer(status: int, host: str, headers: Mapping[str, str], body: Any) -> ProviderError:
    """As `from_status`, with the information in the answer's headers and in its JSON (None: it had
    none).
    """
    if status == 429 and _error_text(body, "code") == "insufficient_quota":
        return ProviderError(
            f"The account at {host} has no credit left. Check its billing.", "quota", True
        )
    error = from_status(status, host)
    error.status = status
    error.retry_after = _retry_after_seconds(headers.get("retry-after"))
    if status in REFUSALS:
        error.said = (_error_text(body, "message") or _error_text(body, "detail"))[:MOST_SAID]
    return error


def _error_text(body: Any, name: str) -> str:
    """A text of `{"error": {...}}`, or of the object itself, as OpenAI's SDK unpacks it."""
    inner = body.get("error", body) if isinstance(body, dict) else None
    found = inner.get(name) if isinstance(inner, dict) else inner if name == "message" else None
    return found if isinstance(found, str) else ""


def _retry_after_seconds(text: str | None) -> float | None:
    """`Retry-After` in seconds; None for a date, which is hardly ever sent."""
    try:
        seconds = float(text or "")
    except ValueError:
        return None
    return seconds if 0 <= seconds < 86400 else None


def from_network(error: BaseException, host: str) -> ProviderError:
    """The error for any other failure.

    An exception that is not a fault of the network comes from an SDK that could not read the
    answer.
    """
    return network_fault(error, host) or bad_response(host)


def network_fault(error: BaseException, host: str) -> ProviderError | None:
    """The fault of the network or of the guard in the error's chain of causes, told apart by type,
    never by text; else None.
    """
    causes = list(chain(error))
    for cause in causes:
        if isinstance(cause, ProviderError):
            return cause
        if (
            found := _refused_by_guard(cause, host)
            or _broken_tls(cause, host)
            or _unreachable(cause, host)
        ):
            return found
    if any(isinstance(cause, OSError | httpx2.TransportError) for cause in causes):
        return ProviderError(
            f"{host} closed the connection without an answer. Check the endpoint, then try again.",
            "error",
        )
    return None


def _refused_by_guard(cause: BaseException, host: str) -> ProviderError | None:
    match cause:
        case BlockedAddress():
            return ProviderError(str(cause), "blocked_address", True)
        case AnswerTooLarge():
            return ProviderError(
                f"{host} answered more than a list of models can be. Check the endpoint.",
                "bad_response",
                True,
            )
        case CompressedAnswer():
            return ProviderError(
                f"{host} compresses answers that must not be compressed. Check the endpoint.",
                "bad_response",
                True,
            )
        case RedirectRefused() | httpx2.TooManyRedirects():
            return ProviderError(
                f"{host} redirects elsewhere, where the key does not follow. Enter the final "
                "address as the endpoint.",
                "bad_response",
                True,
            )
        case httpx2.UnsupportedProtocol() | httpx2.InvalidURL() | httpx2.LocalProtocolError():
            return ProviderError(
                f"No request to {host} can be made. Check the endpoint and the key.",
                "bad_request",
                True,
            )
    return None


def _broken_tls(cause: BaseException, host: str) -> ProviderError | None:
    match cause:
        case ssl.SSLCertVerificationError():
            return ProviderError(
                f"The certificate of {host} cannot be trusted. Renew it, or add its authority to "
                "the system's store.",
                "tls",
                True,
            )
        case ssl.SSLError():
            return ProviderError(
                f"{host} does not speak TLS as it should. Check the endpoint's scheme and port.",
                "tls",
                True,
            )
    return None


def _unreachable(cause: BaseException, host: str) -> ProviderError | None:
    match cause:
        case socket.gaierror(errno=socket.EAI_AGAIN):
            return ProviderError(
                f"The name service gave no answer about {host}. Check the network, then try again.",
                "dns",
            )
        case socket.gaierror():
            return ProviderError(
                f"There is no host named {host}. Check the spelling of the endpoint.", "dns", True
            )
        case ConnectionRefusedError():
            return ProviderError(
                f"Nothing listens at {host}. Check the port, and that the service runs.", "refused"
            )
        case TimeoutError() | httpx2.TimeoutException():
            return ProviderError(
                f"{host} did not answer in time. Check the endpoint and the network, then try "
                "again.",
                "timeout",
            )
    return None


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

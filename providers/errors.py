"""The one exception a provider raises, and how faults of the network become one."""

import json
import socket
import ssl
from collections.abc import Iterator

CODES = frozenset(
    "unauthorized forbidden not_found rate_limited quota timeout dns refused tls bad_request bad_response "
    "blocked_address not_installed error".split()
)


class ProviderError(Exception):
    """A provider could not do what was asked.

    `message` is one plain sentence that names cause and cure and never carries what the service answered;
    `code` is one of CODES; `permanent` says that trying again changes nothing.
    """

    def __init__(self, message: str, code: str = "error", permanent: bool = False) -> None:
        if code not in CODES:
            raise ValueError(f"{code!r} is not a provider error code")
        super().__init__(message)
        self.message, self.code, self.permanent = message, code, permanent


class BlockedAddress(Exception):
    """The guard of outbound addresses refused a host. `str()` is a sentence for people."""


class AnswerTooLarge(Exception):
    """The service sent more than the guard lets through."""


class RedirectRefused(Exception):
    """The service redirected to another host, where credentials must not follow."""


def chain(error: BaseException | None) -> Iterator[BaseException]:
    """The error and what caused it, outermost first."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def from_status(status: int, host: str) -> ProviderError:
    """The error for an HTTP status that is not a success; `host` names the service in the sentence."""
    if status == 401:
        return ProviderError(f"{host} does not accept the credentials. Enter a valid key.", "unauthorized", True)
    if status == 403:
        return ProviderError(f"{host} knows the credentials but does not allow this. Check the key's rights.", "forbidden", True)
    if status == 404:
        return ProviderError(f"{host} has no such address. Check the endpoint, its path and its version.", "not_found", True)
    if status == 402:
        return ProviderError(f"The account at {host} has no credit left. Check its billing.", "quota", True)
    if status == 408:
        return ProviderError(f"{host} gave up waiting. Try again.", "timeout")
    if status == 429:
        return ProviderError(f"{host} receives too many requests from this account. Try again later.", "rate_limited")
    if 300 <= status < 400:
        return ProviderError(f"{host} redirects elsewhere. Enter the final address as the endpoint.", "bad_response", True)
    if 400 <= status < 500:
        return ProviderError(f"{host} refused the request (HTTP {status}). Check the settings.", "bad_request", True)
    return ProviderError(f"{host} failed with HTTP {status}. Try again later.", "error")


def from_network(error: BaseException, host: str) -> ProviderError:
    """The error for a fault below HTTP, told apart by the types in its chain of causes, never by text."""
    for cause in chain(error):
        match cause:
            case ProviderError():
                return cause
            case BlockedAddress():
                return ProviderError(str(cause), "blocked_address", True)
            case AnswerTooLarge():
                return ProviderError(f"{host} answered more than a list of models can be. Check the endpoint.", "bad_response", True)
            case RedirectRefused():
                return ProviderError(
                    f"{host} redirects to another host, where the key does not follow. Enter the final address as the endpoint.",
                    "bad_response",
                    True,
                )
            case ssl.SSLCertVerificationError():
                return ProviderError(
                    f"The certificate of {host} cannot be trusted. Renew it, or add its authority to the system's store.", "tls", True
                )
            case ssl.SSLError():
                return ProviderError(f"{host} does not speak TLS as it should. Check the endpoint's scheme and port.", "tls", True)
            case socket.gaierror():
                return ProviderError(f"There is no host named {host}. Check the spelling of the endpoint.", "dns", True)
            case ConnectionRefusedError():
                return ProviderError(f"Nothing listens at {host}. Check the port, and that the service runs.", "refused")
            case TimeoutError():
                return ProviderError(f"{host} did not answer in time. Check the endpoint and the network, then try again.", "timeout")
            case json.JSONDecodeError():
                return bad_response(host)
    return ProviderError(f"{host} closed the connection without an answer. Check the endpoint, then try again.", "error")


def bad_response(host: str) -> ProviderError:
    """The error for an answer that is none of this protocol: HTML, other JSON, nonsense."""
    return ProviderError(f"{host} answered, but not as this service does. Check the endpoint and its path.", "bad_response", True)

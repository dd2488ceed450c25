"""How faults of the network become the one exception that a provider raises."""

import socket
import ssl

import httpx2

from .errors import (
    AnswerTooLarge,
    BlockedAddress,
    CompressedAnswer,
    ProviderError,
    RedirectRefused,
    bad_response,
    chain,
)


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
                f"The certificate of {host} cannot be trusted. Renew it, or add the authority "
                "that signed it to the connection or to CONNECTIONS_CA_FILE.",
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
                f"There is no host named {host}. Check the spelling of the endpoint, and "
                "that this server reaches its name service (DNS).",
                "dns",
                True,
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

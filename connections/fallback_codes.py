"""The failures after which a profile may let its next fallback answer."""

from typing import Literal

FallbackCode = Literal[
    "unauthorized",
    "forbidden",
    "quota",
    "rate_limited",
    "timeout",
    "refused",
    "dns",
    "tls",
    "not_found",
    "bad_response",
    "error",
    "context_too_long",
    "connection_inactive",
    "missing_key",
]
# A request that is wrong in itself (bad_request) is wrong everywhere, so no profile may hand it on.
FALLBACK_CODES: dict[str, str] = {
    "unauthorized": "the key is not accepted",
    "forbidden": "the key may not do this",
    "quota": "the quota is used up",
    "rate_limited": "too many requests",
    "timeout": "no answer in time",
    "refused": "nobody answers at the address",
    "dns": "the host is unknown",
    "tls": "the certificate is not accepted",
    "not_found": "the model is not there",
    "bad_response": "the answer makes no sense",
    "error": "the service fails or hangs up",
    "context_too_long": "the prompt is too long for the model",
    "connection_inactive": "it is switched off",
    "missing_key": "its key is missing or cannot be read",
}
DEFAULT_FALLBACK_CODES = frozenset(
    {
        "unauthorized",
        "quota",
        "rate_limited",
        "timeout",
        "refused",
        "error",
        "connection_inactive",
        "missing_key",
    }
)
# Codes of Unusable that are a missing key.
MISSING_KEY = frozenset({"unresolved_reference", "undecryptable"})

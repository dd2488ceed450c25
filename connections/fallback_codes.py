"""The failures after which a profile may let its next fallback answer."""

from typing import Literal

from django.utils.translation import gettext_noop

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
    "unauthorized": gettext_noop("the key is not accepted"),
    "forbidden": gettext_noop("the key may not do this"),
    "quota": gettext_noop("the quota is used up"),
    "rate_limited": gettext_noop("too many requests"),
    "timeout": gettext_noop("no answer in time"),
    "refused": gettext_noop("nobody answers at the address"),
    "dns": gettext_noop("the host is unknown"),
    "tls": gettext_noop("the certificate is not accepted"),
    "not_found": gettext_noop("the model is not there"),
    "bad_response": gettext_noop("the answer makes no sense"),
    "error": gettext_noop("the service fails or hangs up"),
    "context_too_long": gettext_noop("the prompt is too long for the model"),
    "connection_inactive": gettext_noop("it is switched off"),
    "missing_key": gettext_noop("its key is missing or cannot be read"),
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
MISSING_KEY = frozenset({"unresolved_reference", "undecryptable", "misplaced"})

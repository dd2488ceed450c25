"""Words for how requests and attempts ended."""

from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from connections.fallback_codes import FALLBACK_CODES

from .dimensions import CLOSED, FAILED, OK

WORDS = {
    OK: _("Succeeded"),
    CLOSED: _("Caller hung up"),
    FAILED: _("Failed"),
    "server_stopped": _("Server stopped"),
    **FALLBACK_CODES,
    "bad_request": _("The request is wrong"),
    "connection_inactive": _("The connection is switched off"),
    "unresolved_reference": _("A reference has no value"),
    "undecryptable": _("The key cannot be decrypted"),
    "misplaced": _("The key belongs to another connection or other settings"),
    "context_length_exceeded": FALLBACK_CODES["context_too_long"],
}


def in_words(outcome: str) -> str:
    """An outcome or the code of an error for people: `rate_limited` -> `Too many requests`. One
    without words of its own is read as it is written.
    """
    words = WORDS.get(outcome)
    return capfirst(str(words)) if words else outcome.replace("_", " ").capitalize()

"""Words for how requests and attempts ended."""

from django.utils.text import capfirst
from django.utils.translation import gettext
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
    # What the gateway refused itself, before any service was asked
    "invalid_request": _("A field of the request is wrong"),
    "unknown_field": _("The request has an unknown field"),
    "parse_error": _("The request is not JSON"),
    "unsupported": _("The model does not take something in the request"),
    "missing_variable": _("A variable of the system prompt is missing"),
    "invalid_variable": _("A variable of the system prompt is wrong"),
    "override_not_allowed": _("The profile lets no caller change this setting"),
    "max_tokens_limit": _("More tokens wanted than the profile allows"),
    "wrong_capability": _("The profile is for something else"),
    "profile_not_found": _("There is no such profile"),
    "profile_not_allowed": _("The profile is not for this token"),
    "profile_inactive": _("The profile is switched off"),
    "no_default_profile": _("No profile was named, and there is no default"),
    "not_shared": _("The connection is not shared with the profile's team"),
    "database_unavailable": _("The database of Switchboard was away"),
}


def in_words(outcome: str) -> str:
    """An outcome or the code of an error for people: `rate_limited` -> `Too many requests`. One
    without words of its own is read as it is written.
    """
    words = WORDS.get(outcome)
    return capfirst(gettext(str(words))) if words else outcome.replace("_", " ").capitalize()

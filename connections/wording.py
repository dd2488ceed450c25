"""What providers say, in the language of a page. They know English only, and what they said is
stored as they said it; commands and the API, where no language is active, show it so.
"""

import re

from django.utils.translation import get_language, gettext, ngettext
from django.utils.translation import gettext_lazy as _

from providers.core.wording import Sentence

PLAIN = re.compile(r"It works\.( \d+ models?\.)?")  # without more to say
PROVED = ("It works.", "It works:")  # how the message of a test begins that needed the credentials
# Of a field of a form or a column, in the place of Django's own sentence
REQUIRED = _("This is missing. Enter or choose a value.")
# The cause of a failure and its cure, by the code of its ProviderError
CAUSES = {
    "unauthorized": _("The service does not accept the credentials. Enter a valid key."),
    "forbidden": _(
        "The service knows the credentials but does not allow this. Check the key's rights."
    ),
    "quota": _("The account has no credit left. Check its billing."),
    "rate_limited": _("The service receives too many requests from this account. Try again later."),
    "timeout": _(
        "The service did not answer in time. Check the endpoint and the network, then try again."
    ),
    "dns": _("The host cannot be found. Check the spelling of the endpoint, and the network."),
    "refused": _("Nothing listens there. Check the port, and that the service runs."),
    "tls": _("The host cannot be trusted. Check its certificate, and the endpoint."),
    "blocked_address": _("This server may not ask that address. Check the endpoint."),
    "not_found": _("The service has no such address or model. Check the endpoint and the model."),
    "bad_request": _("The service refused the request. Check the settings."),
    "context_too_long": _("The prompt is too long for the model. Shorten it."),
    "bad_response": _("The answer is not that of this service. Check the endpoint and its path."),
    "not_installed": _(
        "A package that this service needs is not installed here. Install it, then restart."
    ),
    "error": _("The service failed. Try again later."),
}
# Why stored credentials are not used
LOST = {
    "undecryptable": _(
        "The stored credentials of %(name)s cannot be decrypted: the key that encrypted them is "
        "not in FERNET_KEYS. Add that key again, or enter the credentials again."
    ),
    "misplaced": _(
        "The stored credentials of %(name)s belong to another connection, or to the settings that "
        "it had before somebody changed the database, so they are not used. Enter them again. If "
        "a backup or an older version stored them, see SECURITY.md: rotate_credentials --bind."
    ),
}


def in_active_language(text: str) -> str:
    """A text of a provider: its label, its help, or a sentence about a wrong value. What the
    catalogue lacks stays English, as what a validator of a provider's own says.
    """
    if isinstance(text, Sentence):
        words = {"label", "help"} & text.places.keys()
        places = {name: in_active_language(text.places[name]) for name in words}
        return gettext(text.pattern).format(**{**text.places, **places})
    return gettext(text) if text else ""


def outcome_in_words(code: str, message: str, model_count: int | None = None) -> str:
    """The outcome of a test or a call, which has this code, for a page: in English as the provider
    said it; else the sentence for its code, and what was said behind it.
    """
    if (get_language() or "en").startswith("en"):
        return message
    if code != "ok":
        return _quoted(str(CAUSES[code]), message) if code in CAUSES else message
    words = gettext("It works.")
    if model_count is not None:
        number = {"number": model_count}
        words += " " + ngettext("%(number)s model.", "%(number)s models.", model_count) % number
    return words if PLAIN.fullmatch(message) else _quoted(words, message)


def _quoted(words: str, message: str) -> str:
    return gettext("%(sentence)s In English: %(message)s") % {"sentence": words, "message": message}


def proves_credentials(message: str) -> bool:
    """True for the message of a test that succeeded, and that needed the credentials to do so."""
    return message.startswith(PROVED)

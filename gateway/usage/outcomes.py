"""Words for how requests and attempts ended."""

from connections.fallback_codes import FALLBACK_CODES

from .dimensions import CLOSED, FAILED, OK

WORDS = {
    OK: "Succeeded",
    CLOSED: "Caller hung up",
    FAILED: "Failed",
    "server_stopped": "Server stopped",
    **{code: text[0].upper() + text[1:] for code, text in FALLBACK_CODES.items()},
    "bad_request": "The request is wrong",
    "connection_inactive": "The connection is switched off",
    "unresolved_reference": "A reference has no value",
    "undecryptable": "The key cannot be decrypted",
    "context_length_exceeded": FALLBACK_CODES["context_too_long"].capitalize(),
}


def in_words(outcome: str) -> str:
    """An outcome or the code of an error for people: `rate_limited` -> `Too many requests`. One
    without words of its own is read as it is written.
    """
    return WORDS.get(outcome) or outcome.replace("_", " ").capitalize()

"""The addresses of issuers and of their keys, and the names that stand in addresses of ours."""

import re
from urllib.parse import urlsplit

from django.utils.translation import gettext as _

from connections.models import ALIAS_PATTERN
from connections.services import FieldError

HERE = ("localhost", "127.0.0.1", "::1")
LONGEST_NAME = 100
RESERVED = ("try",)  # a word of the API's addresses


def is_address(text: str) -> bool:
    """True for an https address, or an http one of this machine, without user, query and fragment.

    The guard judges it again when it is asked.
    """
    if not text.isascii() or not text.isprintable() or " " in text or len(text) > 500:
        return False
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return False
    is_plain = not (parts.query or parts.fragment or "@" in parts.netloc) and port != 0
    host = parts.hostname or ""
    is_safe = parts.scheme == "https" or (parts.scheme == "http" and host in HERE)
    return bool(host) and is_safe and is_plain


def name_errors(name: str) -> list[FieldError]:
    """The errors of the name of an issuer or a rule."""
    if re.fullmatch(ALIAS_PATTERN, name) and len(name) <= LONGEST_NAME and name not in RESERVED:
        return []
    text = _("At most %(most)d small letters and digits, with single hyphens between them.")
    return [FieldError("name", "invalid", text % {"most": LONGEST_NAME})]

"""What may be stored of a target: its columns and its address."""

from collections.abc import Mapping
from functools import cache
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import available_timezones

from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from connections import conf
from connections.services import FieldError
from providers.core.errors import BlockedAddress

from ...attention.kinds import KINDS
from ...models import NoticeTarget
from .senders import NotSent, send_by_apprise

_time_zones = cache(available_timezones)  # it opens each of the machine's 600 files
LONGEST_ADDRESS = 2000
MOST_WORDS = 50


@sensitive_variables()
def errors_of(kind: str, address: str) -> list[FieldError]:
    """What is wrong with an address, at most one error."""
    address = address.strip()
    try:
        if not address or len(address) > LONGEST_ADDRESS or not address.isprintable():
            text = _("Enter an address of at most %(number)s characters.")
            raise NotSent(text % {"number": LONGEST_ADDRESS})
        if kind == NoticeTarget.Kind.APPRISE:
            send_by_apprise(address, None)
        else:
            _judge_webhook(address)
    except NotSent as error:
        return [FieldError("address", "invalid", str(error))]
    return []


@sensitive_variables()
def _judge_webhook(address: str) -> None:
    try:
        parts = urlsplit(address)
        host, _port = parts.hostname, parts.port
    except ValueError:
        host = None
    if not host or parts.scheme not in ("http", "https") or parts.username is not None:
        raise NotSent(
            _(
                "Enter a whole address that begins with https:// or http://, without user and "
                "password."
            )
        )
    try:
        conf.egress().refuse_name(host)
    except BlockedAddress as refused:
        raise NotSent(str(refused)) from None


def take(row: NoticeTarget, columns: Mapping[str, Any]) -> list[FieldError]:
    """Puts valid columns into the row, and returns what is wrong with the others."""
    for name, value in columns.items():
        setattr(row, name, value)
    errors = []
    name = str(row.name or "").strip()
    if not name or len(name) > 100 or "\x00" in name:
        text = _("Enter a name of at most %(number)s characters.") % {"number": 100}
        errors.append(FieldError("name", "invalid", text))
    row.name = name
    if unknown := [one for one in row.kinds if one not in KINDS]:
        text = _("There is no kind %(kind)s. There are: %(kinds)s.")
        text %= {"kind": f"{unknown[0]!r:.40}", "kinds": ", ".join(KINDS)}
        errors.append(FieldError("kinds", "invalid", text))
    if row.minimum_severity not in NoticeTarget.Severity.values:
        text = _("Choose one of: %(choices)s.")
        text %= {"choices": ", ".join(NoticeTarget.Severity.values)}
        errors.append(FieldError("minimum_severity", "invalid", text))
    for field in ("providers", "tags"):
        words = getattr(row, field)
        if len(words) > MOST_WORDS or any(len(one) > 100 or "\x00" in one for one in words):
            text = _("Enter at most %(number)s words.") % {"number": MOST_WORDS}
            errors.append(FieldError(field, "invalid", text))
    if (row.quiet_from is None) != (row.quiet_to is None):
        text = _("Enter both the begin and the end of the quiet hours, or neither.")
        errors.append(FieldError("quiet_to", "invalid", text))
    if row.time_zone not in _time_zones():
        text = _("Enter the name of a time zone, such as UTC or Europe/Berlin.")
        errors.append(FieldError("time_zone", "invalid", text))
    return errors

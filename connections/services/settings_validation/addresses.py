"""Settings that hold an address: whether it may be asked, and which secrets may follow it."""

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from django.utils.translation import gettext as _

from connections import conf
from connections.references import is_reference, place
from providers.core.errors import BlockedAddress
from providers.core.schema import SettingsField

from .result import SettingsResult, Stored


def check_egress(result: SettingsResult, field: SettingsField) -> None:
    """Refuses an address whose host may not be asked."""
    address = result.settings.get(field.name)
    if not isinstance(address, str) or is_reference(address):
        return
    try:
        host = urlsplit(address).hostname
        if host:
            conf.egress().refuse_name(host)
    except BlockedAddress as error:
        result.refuse(field.name, "blocked_address", str(error))
    except ValueError:
        return  # the schema says what is wrong with it


def refuse_kept_secrets(
    result: SettingsResult,
    fields: Mapping[str, SettingsField],
    stored: Stored,
    kept: Iterable[tuple[str, str]],
) -> None:
    """Refuses every stored literal that is `kept` while an address changes, or how its host proves
    who it is: it must be entered again, or whoever may edit could send it to a host of their own.
    One that is for the proxy is entered again for another proxy alone.
    """
    changed = [
        field
        for field in fields.values()
        if field.guards_secrets
        and result.settings.get(field.name, field.default)
        != stored.settings.get(field.name, field.default)
        and not _is_harmless(field, result.settings.get(field.name, field.default))
    ]
    for name, key in kept:
        causes = [one for one in changed if one.proxy or not fields[name].for_proxy]
        if not causes:
            continue
        text = _because(causes[0], key or _the(fields[name].label))
        result.refuse(place(name, key), "secret_required", text)


def _because(cause: SettingsField, what: str) -> str:
    """The sentence that `what` is to be entered again."""
    if cause.kind == "boolean":
        text = _("Enter %(what)s again, because %(setting)s was switched.")
        return text % {"what": what, "setting": _(cause.label)}
    text = _("Enter %(what)s again, because %(setting)s changed.")
    return text % {"what": what, "setting": _the(cause.label)}


def _is_harmless(field: SettingsField, value: Any) -> bool:
    """True for the check of certificates switched on, and for a proxy taken out."""
    return (field.trust and value is True) or (field.proxy and value is None)


def _the(label: str) -> str:
    """A setting inside of a sentence: `the endpoint`, but `the API key` stays. In other languages
    labels stay as they are.
    """
    if (translated := _(label)) != label:
        return translated
    return f"the {label if label[1:2].isupper() else label[:1].lower() + label[1:]}"

"""The provider's own schema, over values whose references are resolved."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from connections import conf
from connections.credentials import Undecryptable
from connections.references import (
    InvalidReference,
    State,
    is_reference,
    parse,
    place,
    unescape,
)
from connections.resolving import Asker
from connections.secret_texts import doubt
from connections.wording import in_active_language
from providers.core.base import Provider
from providers.core.schema import SettingsField, settings_fields, validate

from .maps import entries
from .result import SettingsResult

# the codes of a schema for a secret that is not there
MISSING_CODES = ("required", "nothing_given", "incomplete")


def check_schema(result: SettingsResult, provider: type[Provider[Any]], asker: Asker) -> None:
    """Sets `result.validated`, or adds the errors of the provider's schema. `asker`: on
    whose behalf references are named.

    What cannot be known yet (a reference that does not resolve, a lost secret, a missing one) is
    not an error, but leaves `validated` at None.
    """
    fields = settings_fields(provider)
    values, unresolved = _resolved(result, fields, asker)
    # an entry that is unresolved stands for itself, as any text may be the value of an entry
    unknown = {name for name in unresolved if not fields[name].is_map}
    if isinstance(result.credentials, Undecryptable):
        lost = {
            name
            for name, field in fields.items()
            if field.secret and (field.is_map or name not in values)
        }
        unresolved, unknown = unresolved | lost, unknown | lost
    result.validated, errors = validate(provider, values, ignore=frozenset(unknown))
    missing = {name.partition(".")[0] for name in result.missing_secrets}
    for error in errors:
        if not (error.code in MISSING_CODES and error.field in missing):
            message = in_active_language(error.message) + _about_reference(result, error.field)
            result.refuse(error.field, error.code, message)
    if result.errors or unresolved or result.missing_secrets:
        result.validated = None


def _resolved(
    result: SettingsResult, fields: Mapping[str, SettingsField], asker: Asker
) -> tuple[dict[str, Any], set[str]]:
    """The values by setting, and the settings with a reference that does not resolve.

    Such a reference is left out where it is the whole value, and left in where it is an entry.
    """
    values: dict[str, Any] = {}
    unresolved: set[str] = set()
    for name, value in result.values.items():
        field = fields[name]
        if field.is_map:
            found = {
                key: _value(result, place(name, key), one, field, asker)
                for key, one in value.items()
            }
            values[name] = {key: value[key] if one is None else one for key, one in found.items()}
            is_open = None in found.values()
        else:
            one = _value(result, name, value, field, asker)
            is_open = one is None
            values |= {} if is_open else {name: one}
        if is_open:
            unresolved.add(name)
    return values, unresolved


def _value(
    result: SettingsResult, where: str, value: Any, field: SettingsField, asker: Asker
) -> Any:
    """The value that a stored one stands for, None for a reference that does not resolve, which is
    refused or noticed.
    """
    if not is_reference(value):
        return unescape(value) if isinstance(value, str) else value
    try:
        parse(value)
    except InvalidReference as error:
        result.refuse(where, "invalid_reference", str(error))
        return None
    resolution = conf.resolver().resolve(value, field.secret, asker)
    if resolution.state == State.DENIED and not resolution.source:
        result.refuse(where, "denied_reference", resolution.message)
    elif resolution.state != State.RESOLVED:
        result.unresolved.append(resolution.message)
        text = _("Saved, but not usable yet: %(reason)s") % {"reason": resolution.message}
        result.notify(where, f"{resolution.state}_reference", text)
    elif field.secret and (found := doubt(resolution.value or "", field.free or field.is_map)):
        text = _("%(setting)s: about the value that %(reference)s stands for: %(reason)s")
        values = {"setting": where, "reference": value, "reason": found.message}
        result.notify(where, found.code, text % values)
    return resolution.value


def _about_reference(result: SettingsResult, where: str) -> str:
    """A sentence to add to an error when it is about the value of a reference."""
    name, _dot, key = where.partition(".")
    value = result.settings.get(name)
    reference = entries(value).get(key) if key else value
    if not is_reference(reference):
        return ""
    text = _("This is about the value that %(reference)s stands for.") % {"reference": reference}
    return f" {text}"

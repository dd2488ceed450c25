"""The settings of an old version, as somebody would post them today."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from django.views.decorators.debug import sensitive_variables

from providers.core.base import Provider
from providers.core.schema import SettingsField, settings_fields

from ..credentials import Undecryptable, merged
from ..errors import FieldError, Invalid, Notice
from ..kept import kept_beside, settings_alone
from ..models import Connection
from ..references import is_reference, place
from ..type_versions import bring_up
from .settings_validation import entries

LOST = gettext_noop(
    "The secrets of that version cannot be decrypted: no key of FERNET_KEYS opens them. Restore "
    "it without its secrets. Nothing was changed."
)
LEFT_OUT = gettext_noop("%(name)s is not a setting of %(provider)s any more, so it is left out.")
NOT_BROUGHT = gettext_noop("%(name)s is not brought back. Enter it, or restore with secrets.")

NOT_KEPT = gettext_noop("%(name)s is not kept any more. Enter it.")
IS_PURGED = gettext_noop("%(name)s of that version is purged, so it stays as it is now.")
PURGED = object()  # stands for a secret that a version had and that is not kept


@dataclass
class Then:
    """What a version had. `settings`: to be posted; `lacking`: secrets that it had, that do not
    come back, and that nothing of now stands for; `kept`: what a room keeps beside the settings.
    """

    settings: dict[str, Any] = field(default_factory=dict, repr=False)
    lacking: list[str] = field(default_factory=list)
    kept: Mapping[str, Any] = field(default_factory=dict)
    notices: list[Notice] = field(default_factory=list)


@sensitive_variables()
def settings_then(
    record: Any, provider: type[Provider[Any]], now: Connection | None, with_secrets: bool
) -> Then:
    """The settings of `record`, a version in the history, for `now`: the row as it is, None where
    it is deleted.

    Secrets stay as they are `now`, unless `with_secrets`; references come back in any case. Raises
    Invalid for secrets that cannot be decrypted.
    """
    was, purged = record.instance, frozenset(getattr(record, "purged", None) or ())
    is_lost = isinstance(was.credentials, Undecryptable)
    if is_lost and with_secrets:
        raise Invalid([FieldError("version", "undecryptable", _(LOST))])
    if is_lost:
        was.credentials = None
    bring_up(was, provider)
    fields = settings_fields(provider)
    values = merged(settings_alone(was.settings), was.credentials or {})
    then = Then(kept=kept_beside(was.settings))
    for name in values.keys() - fields.keys():
        text = _(LEFT_OUT) % {"name": name[:100], "provider": provider.name}
        then.notices.append(Notice(f"settings.{name[:100]}", "unknown_field", text))
    writer = _Secrets(then, _values_of(now), with_secrets, is_lost, purged)
    for name, one in fields.items():
        if one.secret:
            writer.write(one, values.get(name))
        elif name in values:
            then.settings[name] = values[name]
    if now is None or not isinstance(now.credentials, Undecryptable):
        for name in then.lacking:
            text = _(NOT_KEPT if with_secrets else NOT_BROUGHT) % {"name": name}
            then.notices.append(Notice(f"settings.{name}", "not_brought_back", text))
    return then


@sensitive_variables()
def _values_of(row: Connection | None) -> dict[str, Any]:
    if row is None:
        return {}
    literals = row.credentials if isinstance(row.credentials, dict) else {}
    return merged(settings_alone(row.settings), literals)


@dataclass
class _Secrets:
    """Says of each secret whether it comes back, stays as it is now, or is cleared."""

    then: Then
    now: Mapping[str, Any] = field(repr=False)
    with_secrets: bool
    is_lost: bool
    purged: frozenset[str]

    @sensitive_variables()
    def write(self, setting: SettingsField, value: Any) -> None:
        """Adds what is to be posted of one secret setting."""
        name = setting.name
        if not setting.is_map:
            was = PURGED if name in self.purged and value is None else value
            self._one(self.then.settings, name, name, was, self.now.get(name))
            return
        was, now = dict(entries(value)), entries(self.now.get(name))
        gone = [one.partition(".")[2] for one in self.purged if one.startswith(f"{name}.")]
        was = dict.fromkeys(gone, PURGED) | was
        given: dict[str, Any] = {}
        for key in {**was, **now}:
            self._one(given, key, place(name, key), was.get(key), now.get(key))
        if given:
            self.then.settings[name] = given

    @sensitive_variables()
    def _one(self, given: dict[str, Any], key: str, where: str, was: Any, now: Any) -> None:
        if was is None:
            if now is not None and not self.is_lost:
                given[key] = None
        elif was is not PURGED and (is_reference(was) or self.with_secrets):
            given[key] = was
        elif now is None:
            self.then.lacking.append(where)
        elif was is PURGED and self.with_secrets:
            text = _(IS_PURGED) % {"name": where}
            self.then.notices.append(Notice(f"settings.{where}", "purged", text))

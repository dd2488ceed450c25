"""Secret settings, and the entries of secret maps: the write rule of `credentials.write_rule`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from connections.credentials import CLEAR, KEEP, MASKED, REPLACE, Undecryptable, key_ids, write_rule
from connections.references import is_reference, place, unescape
from connections.secret_texts import doubt
from providers.core.schema import SettingsField
from providers.core.types import is_entry_key

from ...errors import Notice
from .maps import entries, posted_entries
from .result import SettingsResult, Stored

MASKED_SETTING = gettext_noop(
    "This is a mask, not a key. Leave %(setting)s empty to keep what is stored. If it is the real "
    "one, clear what is stored first, then enter it."
)
MASKED_ENTRY = gettext_noop(
    "This is a mask, not a secret. Leave the value empty to keep what is stored. If it is the real "
    "one, clear what is stored first, then enter it."
)
NOTHING_TO_KEEP = gettext_noop("There is nothing stored to keep. Enter a value or a reference.")
NO_ENCRYPTION_KEY = gettext_noop(
    "No key can be stored: FERNET_KEYS is not set. Set it, or enter a reference."
)
REPLACED_UNDECRYPTABLE = gettext_noop(
    "The stored credentials could not be decrypted and were replaced by what you entered; enter "
    "any other secret too."
)


@dataclass
class SecretWriter:
    """Sorts what was posted and what is stored: references into the settings of `result`, literals
    into its credentials.

    `kept`: the stored literals that stay, a setting and a key of its map (or an empty text) each.
    """

    result: SettingsResult
    stored: Stored
    kept: list[tuple[str, str]] = field(default_factory=list)
    _literals: dict[str, Any] = field(default_factory=dict, repr=False)
    _is_changed: bool = False

    def write(self, fields: Mapping[str, SettingsField], posted: Mapping[str, Any]) -> None:
        """Applies the write rule to every secret setting of a provider."""
        secret = [one for one in fields.values() if one.secret]
        for one in secret:
            if one.is_map:
                self._write_map(one, posted)
            else:
                self._write_setting(one, posted)
        for name in () if key_ids() else self._literals:
            self.result.refuse(name, "no_encryption_key", _(NO_ENCRYPTION_KEY))
        self.result.credentials = self._literals or None
        if self.stored.lost is None:
            return
        if self._is_changed:
            self.result.notices.append(
                Notice("credentials", "replaced_undecryptable", _(REPLACED_UNDECRYPTABLE))
            )
        else:
            self.result.credentials = self.stored.lost
            self.kept = [(one.name, "") for one in secret[:1]]  # nobody knows which ones it has

    def _write_setting(self, setting: SettingsField, posted: Mapping[str, Any]) -> None:
        name = setting.name
        stored = self.stored.values.get(name, self.stored.lost)
        rule = write_rule(posted, name, stored)
        if rule == MASKED:
            text = _(MASKED_SETTING) % {"setting": _(setting.label)}
            self.result.refuse(name, "masked_value", text)
        if rule == REPLACE and setting.kind != "headers":
            self._judge(name, posted[name], setting.free)
        value = self._value(rule, (name, ""), posted.get(name), stored)
        if value is not None:
            (self.result.settings if is_reference(value) else self._literals)[name] = value

    def _write_map(self, setting: SettingsField, posted: Mapping[str, Any]) -> None:
        name = setting.name
        if name in posted and posted[name] is None:
            self._is_changed = True
            return
        given = self._stripped(name, posted_entries(self.result, setting, posted.get(name)))
        before = entries(self.stored.values.get(name))
        for key in {**before, **given}:
            stored = before.get(key, self.stored.lost)
            rule = write_rule(given, key, stored)
            where = place(name, key) if is_entry_key(key) else name  # a wrong key is not repeated
            if rule == MASKED:
                self.result.refuse(where, "masked_value", _(MASKED_ENTRY))
            if rule == KEEP and stored is None:
                self.result.refuse(where, "required", _(NOTHING_TO_KEEP))
            if rule == REPLACE:
                self._judge(where, given[key], free=True)
            value = self._value(rule, (name, key), given.get(key), stored)
            if value is not None:
                home = self.result.settings if is_reference(value) else self._literals
                home.setdefault(name, {})[key] = value

    def _judge(self, where: str, posted: Any, free: bool) -> None:
        """Refuses or notices a new literal that no service can mean."""
        if not isinstance(posted, str) or is_reference(posted):
            return
        found = doubt(unescape(posted), free)
        if found and found.is_refused:
            self.result.refuse(where, found.code, found.message)
        elif found:
            self.result.notify(where, found.code, f"{where}: {found.message}")

    def _value(self, rule: str, of: tuple[str, str], posted: Any, stored: Any) -> Any:
        """The value to store by the rule, None for none."""
        if rule in (CLEAR, REPLACE):
            self._is_changed = True
            return posted if rule == REPLACE else None
        if stored is None or isinstance(stored, Undecryptable):
            return None
        if not is_reference(stored):
            self.kept.append(of)
        return stored

    def _stripped(self, name: str, given: Mapping[str, Any]) -> dict[str, Any]:
        """The entries without blanks and line breaks around their values, with a notice for each
        that had any.
        """
        clean = {
            key: value.strip() if isinstance(value, str) else value for key, value in given.items()
        }
        for key, value in clean.items():
            if value and value != given[key]:
                text = _("%(name)s: blanks or line breaks around the value were removed.")
                self.result.notify(place(name, key), "stripped", text % {"name": key})
        return clean

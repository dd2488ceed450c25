"""What becomes of posted settings: the write rule, the address rule, references, and the provider's
own schema.

One function for create, update and test-before-save, whichever surface asks.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from providers.core.base import Provider
from providers.core.errors import BlockedAddress
from providers.core.schema import SettingsField, canonical, secret_names, settings_fields, validate
from providers.core.settings import ProviderSettings

from .. import conf
from ..credentials import CLEAR, KEEP, MASKED, REPLACE, Undecryptable, key_ids, merged, write_rule
from ..references import InvalidReference, State, is_reference, parse, place, unescape
from .errors import FieldError, Notice
from .map_rules import apply_map, apply_secret_map, entries, notice_secrets

LACKING_CODES = (
    "required",
    "nothing_given",
    "incomplete",
)  # what a schema says of a secret that is not there
Credentials = dict[str, Any] | Undecryptable | None


@dataclass
class Judged:
    """The outcome: what to store (`settings`, `credentials`), what is wrong, what to know.

    `validated`: the provider's settings with every reference resolved, None when something is wrong
    or unresolved. `lacking`: secrets that are known to be missing, a setting or `setting.key` each.
    """

    settings: dict[str, Any]
    credentials: Credentials
    errors: list[FieldError] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)
    validated: ProviderSettings | None = None
    lacking: Sequence[str] = ()

    def refuse(self, name: str, code: str, message: str) -> None:
        """Adds an error for one setting; the first one stands."""
        if not any(error.field == f"settings.{name}" for error in self.errors):
            self.errors.append(FieldError(f"settings.{name}", code, message))

    def notify(self, name: str, code: str, message: str) -> None:
        """Adds a notice for one setting."""
        self.notices.append(Notice(f"settings.{name}", code, message))


def judge(
    provider: type[Provider[Any]],
    posted: Mapping[str, Any],
    settings: Mapping[str, Any],
    credentials: Credentials,
    lacking: Collection[str] = (),
) -> Judged:
    """Judges posted settings against what is stored.

    `posted`: field -> value; non-secret fields that are absent are cleared.

    A secret that `lacking` names may be missing.
    """
    fields = settings_fields(provider)
    judged = Judged({}, None)
    clean = {
        name: canonical(provider, name, _clean(judged, fields.get(name), name, value))
        for name, value in posted.items()
    }
    for name in (
        clean.keys() - fields.keys()
    ):  # whatever its value: validate sees neither empty nor unresolved ones
        judged.refuse(
            name,
            "unknown_setting",
            f"There is no setting {name[:100]!r}. There are: {', '.join(fields)}.",
        )
    _apply_secrets(judged, provider, clean, settings, credentials)
    _apply_plain(judged, fields, clean)
    notice_secrets(judged, fields)
    _check_addresses(judged, fields, settings, credentials)
    judged.lacking = [name for name in lacking if not _is_there(judged, *name.partition(".")[::2])]
    _check_schema(judged, provider)
    return judged


def _is_there(judged: Judged, name: str, key: str) -> bool:
    stored = judged.credentials if isinstance(judged.credentials, dict) else {}
    value = merged(judged.settings, stored).get(name)
    return bool(entries(value).get(key) if key else value) or isinstance(
        judged.credentials, Undecryptable
    )


def plain_settings(provider: type[Provider[Any]], settings: Mapping[str, Any]) -> dict[str, Any]:
    """The stored settings that are no secrets and that the provider still has."""
    fields = settings_fields(provider)
    return {
        name: value
        for name, value in settings.items()
        if name in fields and not fields[name].secret
    }


def _clean(judged: Judged, field: SettingsField | None, name: str, value: Any) -> Any:
    """A typed text without surrounding blanks and line breaks; said so where it was a secret."""
    if not isinstance(value, str):
        return value
    stripped = value.strip()
    if field and field.secret and stripped and stripped != value:
        judged.notify(
            name, "stripped", f"{field.label}: blanks or line breaks around the value were removed."
        )
    return stripped


def _apply_secrets(
    judged: Judged,
    provider: type[Provider[Any]],
    posted: Mapping[str, Any],
    settings: Mapping[str, Any],
    credentials: Credentials,
) -> None:
    fields = settings_fields(provider)
    kept: dict[str, Any] = {}
    changed = False
    for name in secret_names(provider):
        if fields[name].is_map:
            literals, touched = apply_secret_map(
                judged, fields[name], posted, settings, credentials
            )
            kept |= {name: literals} if literals else {}
            changed = changed or touched
            _require_key(judged, name, kept)
            continue
        stored = _stored_secret(name, settings, credentials)
        rule = write_rule(posted, name, stored)
        changed = changed or rule in (CLEAR, REPLACE)
        if rule == MASKED:
            judged.refuse(
                name,
                "masked_value",
                f"This is a mask, not a key. Leave {fields[name].label} empty to keep what is "
                "stored.",
            )
        value = posted[name] if rule == REPLACE else stored if rule in (KEEP, MASKED) else None
        if is_reference(value):
            judged.settings[name] = value
        elif value is not None and not isinstance(value, Undecryptable):
            kept[name] = value
        _require_key(judged, name, kept)
    judged.credentials = kept or None
    if isinstance(credentials, Undecryptable):
        _keep_undecryptable(judged, credentials, changed)


def _require_key(judged: Judged, name: str, kept: Mapping[str, Any]) -> None:
    if kept.get(name) is not None and not key_ids():
        judged.refuse(
            name,
            "no_encryption_key",
            "No key can be stored: FERNET_KEYS is not set. Set it, or enter a reference.",
        )


def _stored_secret(name: str, settings: Mapping[str, Any], credentials: Credentials) -> Any:
    if name in settings:
        return settings[name]
    return credentials if isinstance(credentials, Undecryptable) else (credentials or {}).get(name)


def _keep_undecryptable(judged: Judged, credentials: Undecryptable, changed: bool) -> None:
    if not changed:
        judged.credentials = credentials
    else:
        text = (
            "The stored credentials could not be decrypted and were replaced by what you entered; "
            "enter any other secret too."
        )
        judged.notices.append(Notice("credentials", "replaced_undecryptable", text))


def _apply_plain(
    judged: Judged, fields: Mapping[str, SettingsField], posted: Mapping[str, Any]
) -> None:
    for name, value in posted.items():
        field = fields.get(name)
        if value is None or value == "" or (field and field.secret):
            continue
        if field and field.is_map:
            apply_map(judged, field, value)
            continue
        judged.settings[name] = (
            value if is_reference(value) or field is None else field.from_text(value)
        )


def _check_addresses(
    judged: Judged,
    fields: Mapping[str, SettingsField],
    settings: Mapping[str, Any],
    credentials: Credentials,
) -> None:
    """A stored literal does not follow an address: enter it again.

    And an address must be one that may be asked.
    """
    addresses = [field for field in fields.values() if field.address]
    for address in addresses:
        _check_egress(judged, address, judged.settings.get(address.name))
    changed = [
        field
        for field in addresses
        if judged.settings.get(field.name, field.default) != settings.get(field.name, field.default)
    ]
    if not changed:
        return
    if isinstance(judged.credentials, Undecryptable):
        kept = [(next(name for name, field in fields.items() if field.secret), "")]
    else:
        kept = list(
            _kept_literals(
                fields,
                credentials if isinstance(credentials, dict) else {},
                judged.credentials or {},
            )
        )
    for name, key in kept:
        what = key or f"the {_inline(fields[name].label)}"
        text = f"Enter {what} again, because the {_inline(changed[0].label)} changed."
        judged.refuse(place(name, key), "secret_required", text)


def _kept_literals(
    fields: Mapping[str, SettingsField], old: Mapping[str, Any], new: Mapping[str, Any]
) -> Iterator[tuple[str, str]]:
    """The secrets that stay what they were: (setting, key in its map or an empty text)."""
    for name, value in new.items():
        if fields[name].is_map:
            yield from (
                (name, key) for key, one in value.items() if entries(old.get(name)).get(key) is one
            )
        elif name in old and old[name] is value:
            yield name, ""


def _inline(label: str) -> str:
    """A label inside a sentence: `Endpoint` -> `endpoint`, but `API key` stays."""
    return label if label[1:2].isupper() else label[:1].lower() + label[1:]


def _check_egress(judged: Judged, field: SettingsField, value: Any) -> None:
    if not isinstance(value, str) or is_reference(value):
        return
    try:
        host = urlsplit(value).hostname
        if host:
            conf.egress().refuse_name(host)
    except BlockedAddress as error:
        judged.refuse(field.name, "blocked_address", str(error))
    except ValueError:
        return  # the schema says what is wrong with it


def _check_schema(judged: Judged, provider: type[Provider[Any]]) -> None:
    fields = settings_fields(provider)
    values, unresolved = _resolve(judged, fields)
    unknown = {
        name for name in unresolved if not fields[name].is_map
    }  # a reference in a map stands in for its value, which is any text
    if isinstance(judged.credentials, Undecryptable):
        lost = {
            name for name in secret_names(provider) if name not in values or fields[name].is_map
        }
        unresolved, unknown = unresolved | lost, unknown | lost
    judged.validated, errors = validate(provider, values, ignore=frozenset(unknown))
    for error in errors:
        if not (
            error.code in LACKING_CODES
            and error.field in {name.partition(".")[0] for name in judged.lacking}
        ):
            judged.refuse(
                error.field, error.code, error.message + _about_reference(judged, error.field)
            )
    if judged.errors or unresolved or judged.lacking:
        judged.validated = None


def _about_reference(judged: Judged, where: str) -> str:
    name, _, key = where.partition(".")
    value = judged.settings.get(name)
    reference = entries(value).get(key) if key else value
    return (
        f" This is about the value that {reference} stands for." if is_reference(reference) else ""
    )


def _resolve(
    judged: Judged, fields: Mapping[str, SettingsField]
) -> tuple[dict[str, Any], set[str]]:
    """Resolved values by field, and the fields that could not be resolved; of maps every value that
    could be, and the references.
    """
    stored = judged.credentials if isinstance(judged.credentials, dict) else {}
    values: dict[str, Any] = {}
    unresolved: set[str] = set()
    for name, value in merged(judged.settings, stored).items():
        is_map = name in fields and fields[name].is_map
        secret = name in fields and fields[name].secret
        found = {
            key: _value(judged, place(name, key), one, secret)
            for key, one in (value if is_map else {"": value}).items()
        }
        if None in found.values():
            unresolved.add(name)
        if is_map:
            values[name] = {key: value[key] if one is None else one for key, one in found.items()}
        elif found[""] is not None:
            values[name] = found[""]
    return values, unresolved


def _value(judged: Judged, where: str, value: Any, secret: bool) -> Any:
    """What a stored value stands for, None for a reference that does not resolve."""
    if is_reference(value):
        return _resolve_one(judged, where, value, secret)
    return unescape(value) if isinstance(value, str) else value


def _resolve_one(judged: Judged, name: str, reference: str, secret: bool) -> str | None:
    try:
        parse(reference)
    except InvalidReference as error:
        judged.refuse(name, "invalid_reference", str(error))
        return None
    resolution = conf.resolver().resolve(reference, secret)
    if resolution.state == State.DENIED:
        judged.refuse(name, "denied_reference", resolution.message)
    elif resolution.state != State.RESOLVED:
        judged.notify(
            name,
            f"{resolution.state}_reference",
            f"Saved, but not usable yet: {resolution.message}",
        )
    return resolution.value

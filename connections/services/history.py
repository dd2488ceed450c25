"""The versions of a row: who changed what and when, never to which secret."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any

from django.utils.translation import gettext as _

from providers.core.registry import UnknownProvider, get_provider
from providers.core.schema import settings_fields

from ..credentials import MASK, Undecryptable
from ..models import Connection, VersionedModel
from ..references import is_reference, place
from ..row_versions import said_reason
from .purged_versions import Purged, secrets_of

NOT_CONTENT = {
    "version",
    "date_modified",
    "date_created",
    "modified_by",
    "created_by",
    "credentials_key",
    "last_check",
    "id",
    "team",  # whose name is not for everybody; the reason says that it moved
}


@dataclass(frozen=True)
class Difference:
    """One field of a change as it was and as it is, empty where it was not there. A secret is a
    mask, a reference is shown. `is_secret`: only that it changed is told.
    """

    field: str
    before: str
    after: str
    is_secret: bool = False


@dataclass(frozen=True)
class Version:
    """One save: its number, when, by whom (None: the machine's operator), one sentence per changed
    field, and what changed field by field. `sets_key`: a secret was stored or replaced.
    """

    number: int
    date: datetime
    user: Any
    changes: tuple[str, ...]
    differences: tuple[Difference, ...] = ()
    sets_key: bool = False


def versions(
    row: VersionedModel, limit: int = 20, skip: int = 0, number: int | None = None
) -> list[Version]:
    """The newest versions but for the first `skip`, newest first. `number`: from this one on."""
    kept = _kept(row).select_related("history_user").order_by("-history_date", "-history_id")
    if number is not None:
        kept = kept.filter(version__lte=number)
    records = list(kept[skip : skip + limit + 1])
    found = []
    for position, record in enumerate(records[:limit]):
        older = records[position + 1] if position + 1 < len(records) else None
        found.append(
            Version(
                record.version,
                record.history_date,
                record.history_user,
                (*_changes(record, older), *_purged(record)),
                tuple(differences(record, older)) if older else (),
                _sets_key(record, older),
            )
        )
    return found


def _changes(record: Any, older: Any) -> Sequence[str]:
    reason = [said_reason(record.history_change_reason)] if record.history_change_reason else []
    if older is None:
        return [_("created"), *reason] if record.history_type == "+" else []
    names = [field.name for field in record.tracked_fields if field.name not in NOT_CONTENT]
    maps = _maps(getattr(record, "provider_id", ""))
    texts = [
        text
        for name in names
        for text in (
            _credential_changes(record, older)
            if name == "credentials"
            else _change(name, _held(older, name), _held(record, name), maps)
        )
    ]
    return [*texts, *reason]


def _purged(record: Any) -> list[str]:
    """The secrets of which a version was purged, a sentence each."""
    text = _("%(name)s of this version is purged")
    return [text % {"name": name} for name in sorted(getattr(record, "purged", None) or {})]


def _kept(row: VersionedModel) -> Any:
    return row.history.exclude(history_type="-")  # type: ignore[attr-defined]


def count_versions(row: VersionedModel) -> int:
    """The number of versions that are kept."""
    return int(_kept(row).count())


class _Nothing:
    """A version that has nothing."""

    settings: Mapping[str, Any] = MappingProxyType({})


def fields_of_record(record: Any) -> list[Difference]:
    """What a version has, masked, as if it had come about from nothing."""
    return list(differences(record, _Nothing()))


def record_of(row: VersionedModel, number: int) -> Any:
    """The row of the history that has this version of a row; None where none is kept."""
    return _kept(row).filter(version=number).order_by("-history_id").first()


def _maps(provider_id: str) -> frozenset[str]:
    """The settings of this provider whose entries change one by one; none for a provider that is
    gone.
    """
    try:
        return frozenset(
            name
            for name, field in settings_fields(get_provider(provider_id)).items()
            if field.is_map
        )
    except UnknownProvider:
        return frozenset()


def _change(name: str, before: Any, after: Any, maps: frozenset[str]) -> list[str]:
    if before == after:
        return []
    if name == "settings":
        return [_("%(name)s changed") % {"name": key} for key in _different(before, after, maps)]
    if name == "alias":
        text = _("alias changed from %(before)s to %(after)s")
        return [text % {"before": before, "after": after}]
    if name == "is_active":
        return [_("switched on") if after else _("switched off")]
    if name == "expires_at":
        text = _("the key ends on %(day)s") if after else _("the end of the key taken away")
        return [text % {"day": after}]
    if name == "is_checked":
        return [_("checked by itself") if after else _("not checked by itself any more")]
    return [_("%(name)s changed") % {"name": name}]


def _credential_changes(record: Any, older: Any) -> list[str]:
    """The names of the secrets that changed.

    One that cannot be decrypted cannot be compared: each save encrypts anew.
    """
    before, after = older.credentials, record.credentials
    if isinstance(before, Undecryptable) or isinstance(after, Undecryptable):
        same = (
            isinstance(before, Undecryptable)
            and isinstance(after, Undecryptable)
            and before.token == after.token
        )
        return [] if same else [_("credentials cannot be compared")]
    return [
        _("%(name)s replaced") % {"name": key}
        for key in _changed(secrets_of(older), secrets_of(record))
    ]


def differences(record: Any, older: Any) -> Iterator[Difference]:
    """The fields in which two versions differ, or a row and a copy of it from before. Secret
    settings are masked, whatever they hold.
    """
    provider_id = getattr(record, "provider_id", "")
    maps, secret = _maps(provider_id), _secrets(provider_id)
    kept = record if hasattr(record, "tracked_fields") else type(record).history.model
    names = [field.name for field in kept.tracked_fields if field.name not in NOT_CONTENT]
    for name in names:
        before, after = _held(older, name), _held(record, name)
        if name == "credentials":
            if not isinstance(before, Undecryptable) and not isinstance(after, Undecryptable):
                old, new = secrets_of(older), secrets_of(record)
                for key in _changed(old, new):
                    yield Difference(key, _masked(old.get(key)), _masked(new.get(key)), True)
        elif name == "settings":
            old, new = _flat(before, maps), _flat(after, maps)
            for key in _different(before, after, maps):
                was, now = old.get(key), new.get(key)
                is_secret = key.partition(".")[0] in secret
                hides = MASK in (_shown(was, is_secret), _shown(now, is_secret))
                yield Difference(key, _shown(was, is_secret), _shown(now, is_secret), hides)
        elif before != after and name == "connection":
            was, now = (said_connection(one) if one else "" for one in (before, after))
            yield Difference(name, was, now)
        elif before != after:
            yield Difference(name, _shown(before), _shown(after))


def _masked(secret: Any) -> str:
    if isinstance(secret, Purged):
        return _("purged")
    return MASK if secret is not None else ""


def _held(record: Any, name: str) -> Any:
    """The value of a column; of the connection of a profile its id, as it may be gone."""
    return getattr(record, "connection_id" if name == "connection" else name, None)


def said_connection(pk: Any) -> str:
    """The alias of a connection, if it is there and whoever looks may see it."""
    seen = Connection.objects.filter(pk=pk).values_list("alias", flat=True).first()
    return seen or _("one that is gone or of another team")


def _shown(value: Any, is_secret: bool = False) -> str:
    if value is None:
        return ""
    if is_secret and not is_reference(value):
        return MASK
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _sets_key(record: Any, older: Any) -> bool:
    """True if a secret was stored or replaced; unknown, and False, where one cannot be read."""
    before, after = getattr(older, "credentials", None), getattr(record, "credentials", None)
    if isinstance(before, Undecryptable) or isinstance(after, Undecryptable):
        return False
    old = secrets_of(older) if older else {}
    return any(old.get(key) != value for key, value in secrets_of(record).items())


def _secrets(provider_id: str) -> frozenset[str]:
    """The secret settings of this provider; none for a provider that is gone."""
    try:
        fields = settings_fields(get_provider(provider_id))
    except UnknownProvider:
        return frozenset()
    return frozenset(name for name, field in fields.items() if field.secret)


def _different(
    before: Mapping[str, Any], after: Mapping[str, Any], maps: frozenset[str]
) -> list[str]:
    """The names of the settings that differ, those inside of maps as `configs.region`."""
    return _changed(_flat(before, maps), _flat(after, maps))


def _changed(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    return sorted(key for key in {*old, *new} if old.get(key) != new.get(key))


def _flat(document: Mapping[str, Any], maps: frozenset[str]) -> dict[str, Any]:
    both = [
        (name, value.items() if name in maps and isinstance(value, dict) else [("", value)])
        for name, value in document.items()
    ]
    return {place(name, key): one for name, inner in both for key, one in inner}

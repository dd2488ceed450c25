"""Lists of versions, one of them, and two beside each other."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from connections.models import RowVersion, VersionMark
from connections.row_versions import said_reason
from connections.services import (
    Difference,
    FieldError,
    Invalid,
    Version,
    compare_versions,
    count_versions,
    fields_of,
    versions,
)

from .subjects import Subject


@dataclass(frozen=True)
class Entry:
    """One version of a thing, with what people call it. `differences`: to the version before."""

    number: int
    date: datetime
    user: Any
    changes: Sequence[str]
    differences: Sequence[Difference]
    name: str = ""
    is_pinned: bool = False
    is_current: bool = False


def list_versions(subject: Subject, limit: int = 20, skip: int = 0) -> tuple[int, list[Entry]]:
    """The number of versions that are kept, and the newest of them but for the first `skip`."""
    if subject.of is None:
        total = count_versions(subject.row)
        found = versions(subject.row, limit, skip)
    else:
        kept = _kept(subject)
        total, records = kept.count(), list(kept.select_related("user")[skip : skip + limit + 1])
        found = list(_as_versions(records, limit))
    return total, _marked(subject, found)


def show_version(subject: Subject, number: int) -> tuple[Entry, list[Difference]]:
    """One version, and what it has: each field from nothing to its value, secrets masked.

    Raises Invalid where it is not kept.
    """
    if subject.of is None:
        has = fields_of(subject.row, number)
        found = versions(subject.row, 1, number=number)
    else:
        kept = _kept(subject)
        record = _record(subject, number)
        has = list(compare_contents({}, record.content))
        older = kept.filter(number__lt=number).first()
        found = list(_as_versions([record, *([older] if older else [])], 1))
    return _marked(subject, found)[0], has


def compare(subject: Subject, number: int, other: int) -> list[Difference]:
    """The fields in which two versions differ, as they were in `number` and as they were in
    `other`. Raises Invalid where one is not kept.
    """
    if subject.of is None:
        return compare_versions(subject.row, number, other)
    first, second = _record(subject, number), _record(subject, other)
    return list(compare_contents(first.content, second.content))


def content_of(subject: Subject, number: int) -> Mapping[str, Any]:
    """What is kept of a version. Raises Invalid where it is not kept."""
    return dict(_record(subject, number).content)


def compare_contents(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Difference]:
    """The fields in which two contents differ; what is inside of others as `members.ann`."""
    was, now = _flat(before), _flat(after)
    for name in [*now, *(one for one in was if one not in now)]:
        if was.get(name) != now.get(name):
            yield Difference(name, _shown(was.get(name)), _shown(now.get(name)))


def _kept(subject: Subject) -> Any:
    rows = RowVersion.objects.filter(kind=subject.kind, object_id=subject.object_id)
    return rows.order_by("-number")


def _record(subject: Subject, number: int) -> RowVersion:
    found: RowVersion | None = _kept(subject).select_related("user").filter(number=number).first()
    if found is None:
        text = _("Version %(number)d of %(name)s is not kept.")
        values = {"number": number, "name": subject.name}
        raise Invalid([FieldError("version", "not_found", text % values)])
    return found


def _as_versions(records: Sequence[RowVersion], limit: int) -> Iterator[Version]:
    for position, record in enumerate(records[:limit]):
        older = records[position + 1] if position + 1 < len(records) else None
        differ = list(compare_contents(older.content, record.content)) if older else []
        said = [said_reason(record.reason)] if record.reason else []
        text = _("%(name)s changed")
        changes = [text % {"name": one.field} for one in differ] or ([] if older else [_("kept")])
        yield Version(record.number, record.date, record.user, (*changes, *said), tuple(differ))


def _marked(subject: Subject, found: Sequence[Version]) -> list[Entry]:
    rows = VersionMark.objects.filter(
        kind=subject.kind,
        object_id=subject.object_id,
        number__in=[one.number for one in found],
    )
    marks = {one.number: one for one in rows}
    return [
        Entry(
            one.number,
            one.date,
            one.user,
            one.changes,
            one.differences,
            marks[one.number].name if one.number in marks else "",
            one.number in marks and marks[one.number].is_pinned,
            one.number == subject.version,
        )
        for one in found
    ]


def _flat(content: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in content.items():
        if isinstance(value, dict):
            found |= {f"{name}.{key}": one for key, one in value.items()}
        else:
            found[name] = value
    return found


def _shown(value: Any) -> str:
    if value is None or value == []:
        return ""
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)

"""What restoring a version would do, told before it is done; and what tells two versions apart."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.views.decorators.debug import sensitive_variables

from ..errors import FieldError, Invalid, Notice
from ..models import Connection, Profile
from .drafts import Saved
from .history import Difference, differences, fields_of_record, record_of, said_connection
from .permissions import Actor
from .profiles import ProfileDraft, draft_profile_change
from .restoring import (
    columns_of,
    connection_put_back,
    connection_then,
    fallbacks_now,
    fallbacks_then,
    profile_then,
    wanted_record,
)


@dataclass(frozen=True)
class Restoration:
    """What restoring a version would do: the fields that it would change, and what to know about
    it. `refusals`: the reasons why it would be refused.
    """

    differences: Sequence[Difference] = ()
    notices: Sequence[Notice] = ()
    refusals: Sequence[FieldError] = ()


@sensitive_variables("row", "latest", "record")
def plan_restoration(
    row: Any, number: int, *, actor: Actor, with_secrets: bool = False
) -> Restoration:
    """What restoring a version of a connection, or of a profile, would do. Changes nothing.

    Raises PermissionDenied.
    """
    row = type(row).objects.get(pk=row.pk)
    latest = record_of(row, row.version)
    try:
        record = wanted_record(row, number)
        if isinstance(row, Connection):
            saved = connection_put_back(row, record, actor, with_secrets)
            changed: list[Difference] = []
        else:
            saved, changed = _profile_put_back(row, record, number, actor)
    except Invalid as refused:
        return Restoration(refusals=refused.errors)
    row.tracked_fields = record.tracked_fields
    if latest is not None:
        changed = [*differences(row, latest), *changed]
    return Restoration(changed, saved.notices)


def _profile_put_back(
    row: Profile, record: Any, number: int, actor: Actor
) -> tuple[Saved, list[Difference]]:
    was, now = record.instance, fallbacks_now(row)
    then = profile_then(was, fallbacks_then(row, number))
    held = {one.pk: one for one in then.fallbacks or ()}
    draft = ProfileDraft(actor, connection_then(was), then.settings, then.fallbacks, held)
    chain = [one.pk for one in row.fallbacks.all()]
    saved = draft_profile_change(draft, row, chain, **columns_of(Profile, was))
    saved.notices[:0] = then.notices
    if then.fallbacks is None:
        return saved, []
    return saved, list(_fallbacks(now, [str(one.pk) for one in then.fallbacks]))


@sensitive_variables("first", "second")
def compare_versions(row: Any, number: int, other: int) -> list[Difference]:
    """The fields in which two versions of a connection, or of a profile, differ: as they were in
    `number`, and as they were in `other`. Raises Invalid where one is not kept.
    """
    first, second = wanted_record(row, number), wanted_record(row, other)
    found = list(differences(second, first))
    if isinstance(row, Profile):
        was, then = (fallbacks_then(row, one) for one in (number, other))
        if was is not None and then is not None:
            found += _fallbacks(was, then)
    return found


@sensitive_variables("record")
def fields_of(row: Any, number: int) -> list[Difference]:
    """What a version has, each field from nothing to its value, secrets masked. Raises Invalid
    where it is not kept.
    """
    return fields_of_record(wanted_record(row, number))


def _fallbacks(before: list[str], after: list[str]) -> Iterator[Difference]:
    if before == after:
        return
    pks = {*before, *after}
    aliases = {str(one.pk): one.alias for one in Profile.objects.filter(pk__in=pks)}
    was, now = (
        ", ".join(aliases.get(one) or said_connection(None) for one in chain)
        for chain in (before, after)
    )
    yield Difference("fallbacks", was, now)

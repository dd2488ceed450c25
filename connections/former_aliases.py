"""Former aliases: which row one finds, and who asked by it.

Only what was not found by its alias is looked for here, so that a look-up by alias or id takes no
further query.
"""

import uuid
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from django.core.cache import cache
from django.db import DatabaseError, models, transaction
from django.utils import timezone

from .models import AliasUse, FormerAlias, VersionedModel

NOTED_EVERY = 60  # seconds between two notes that the same one asked by the same former alias
LATELY = timedelta(days=30)
COMMAND_LINE, OWN_CODE = "the command line", "Python code on this server"


def former_alias(model: type[models.Model], alias: str) -> FormerAlias | None:
    """The former alias of a connection or a profile with this text, in any letter case, None
    without one. One query.
    """
    if "\x00" in alias:  # PostgreSQL refuses to look for one
        return None
    return FormerAlias.objects.of(model).filter(alias=alias.lower()).first()


def former_aliases_among(model: type[models.Model], aliases: Iterable[str]) -> list[FormerAlias]:
    """The former aliases of connections or profiles among these, the newest first. One query,
    none without aliases.
    """
    searched = {one for one in aliases if one and "\x00" not in one}
    return [*FormerAlias.objects.of(model).filter(alias__in=searched)] if searched else []


def take_aliases(model: type[models.Model], aliases: Iterable[str]) -> list[FormerAlias]:
    """`former_aliases_among` for aliases that a row has just been given. Those that find nothing,
    because the version before deleted their row, are removed. One query, more to remove.
    """
    searched = {one for one in aliases if one and "\x00" not in one}
    if not searched:
        return []
    found = [*FormerAlias.objects.with_orphans_of(model).filter(alias__in=searched)]
    if orphans := [one.pk for one in found if one.is_orphan]:
        end_former_aliases(FormerAlias.objects.filter(pk__in=orphans))
    return [one for one in found if one.pk not in orphans]


def end_former_aliases(rows: models.QuerySet[FormerAlias]) -> bool:
    """Deletes former aliases with their uses, in the transaction that is open. False for none.

    They are locked first: a use that a worker notes between the two deletions would break them.
    """
    keys = list(rows.values_list("pk", flat=True))
    locked = FormerAlias.objects.select_for_update().filter(pk__in=keys)
    return bool(keys and len(locked) and locked.delete()[0])


def former_aliases_of(row: VersionedModel) -> list[FormerAlias]:
    """The former aliases of a row that still answer, the newest first, with who asks by them."""
    found: Any = row.former_aliases  # type: ignore[attr-defined]
    return list(found.select_related("changed_by").prefetch_related("uses"))


def lately_used(former: FormerAlias) -> list[AliasUse]:
    """Those who asked by it in the last LATELY, the last one first."""
    since = timezone.now() - LATELY
    return [one for one in former.uses.all() if one.last_used_at >= since]


def caller_name(user_name: str, token_name: str = "") -> str:
    """The name under which a use is noted: of a person, or of a person's token."""
    return f"{user_name}, token {token_name}" if token_name else user_name


def actor_name(actor: Any) -> str:
    """`caller_name` of an actor of the services; None is the machine's own operator."""
    if actor is None:
        return COMMAND_LINE
    token = getattr(actor, "token", None)
    return caller_name(actor.get_username(), token.name if token else "")


def note_uses(uses: Iterable[tuple[uuid.UUID, str, datetime]]) -> None:
    """Notes who asked by a former alias, and when: (its id, a name, a time).

    At most one note a minute for each of both in this process, or in all of them with a shared
    cache. Raises nothing: what cannot be noted, such as a use of one that is taken away meanwhile,
    is no reason to refuse.
    """
    last = {(pk, by[:300]): when for pk, by, when in uses}
    rows = [
        AliasUse(former_alias_id=pk, used_by=by, last_used_at=when)
        for (pk, by), when in last.items()
        if cache.add(f"alias-used:{pk}:{sha256(by.encode()).hexdigest()}", 1, NOTED_EVERY)
    ]
    for row in rows:
        with suppress(DatabaseError), transaction.atomic():
            # a foreign key to one that is gone would fail the transaction that is open, if one is
            if not FormerAlias.objects.filter(pk=row.former_alias_id).exists():
                continue
            AliasUse.objects.bulk_create(
                [row],
                update_conflicts=True,
                unique_fields=["former_alias", "used_by"],
                update_fields=["last_used_at"],
            )


def note_asked(row: VersionedModel, name: str, by: str) -> None:
    """Notes a use of a former alias if this name found the row as that, and neither as its alias
    nor as its name. One query at most.
    """
    if name.lower() != row.alias and name != row.name:
        former = former_alias(type(row), name)
        if former and former.row_id == row.pk:
            note_use(former, by)


def note_use(former: FormerAlias, by: str) -> None:
    """`note_uses` for one that is used now."""
    note_uses([(former.pk, by, timezone.now())])

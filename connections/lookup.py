"""Look-ups by id or alias: wherever an alias is taken, the id is too."""

import uuid
from collections.abc import Iterable
from typing import Any

from django.db.models import Q, QuerySet


def parse_id(id_or_alias: str) -> uuid.UUID | None:
    """The id that the text is, None if it is an alias. No alias looks like an id."""
    if len(id_or_alias) not in (32, 36):
        return None
    try:
        return uuid.UUID(id_or_alias)
    except ValueError:
        return None


def id_or_alias_q(id_or_alias: str, of: str = "") -> Q:
    """The condition that a row has this id, or this alias in any letter case.

    `of`: it is about the row there, e.g. `connection__`.
    """
    if "\x00" in id_or_alias:  # PostgreSQL refuses to look for one
        return Q(pk__in=())
    pk = parse_id(id_or_alias)
    return Q(**{f"{of}pk": pk}) if pk else Q(**{f"{of}alias": id_or_alias.lower()})


def get_by_id_or_alias(rows: QuerySet[Any], id_or_alias: str) -> Any:
    """The row with this id or alias, None when there is none."""
    return rows.filter(id_or_alias_q(id_or_alias)).first()


def all_by_id_or_alias(rows: QuerySet[Any], given: Iterable[str]) -> dict[str, Any]:
    """The rows with these ids and aliases, by what each was asked for. Leaves out what does not
    exist. One query.
    """
    keys = {one: parse_id(one) or one.lower() for one in given if "\x00" not in one}
    aliases = [key for key in keys.values() if isinstance(key, str)]
    ids = [key for key in keys.values() if isinstance(key, uuid.UUID)]
    found: dict[Any, Any] = {}
    for row in rows.filter(Q(pk__in=ids) | Q(alias__in=aliases)):
        found |= {row.pk: row, row.alias: row}
    return {one: found[key] for one, key in keys.items() if key in found}

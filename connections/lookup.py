"""Look-ups by id or alias: wherever an alias is taken, the id and a former alias are too."""

import uuid
from collections.abc import Iterable
from typing import Any

from django.db.models import F, Model, Q, QuerySet
from django.utils import timezone

from .former_aliases import note_uses
from .models import FormerAlias


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


def former_alias_q(model: type[Model], of: str = "", **condition: str) -> Q:
    """The condition that a row of the model has a former alias like this, e.g. `alias="old"`.

    `of`: as for `id_or_alias_q`.
    """
    rows = FormerAlias.objects.of(model).filter(**condition).order_by()
    return Q(**{f"{of}pk__in": rows.values(f"{model._meta.model_name}_id")})


def get_by_id_or_alias(rows: QuerySet[Any], id_or_alias: str, by: str = "") -> Any:
    """The row with this id, alias or former alias, None when there is none.

    `by`: who asks, to be noted where a former alias is used; empty notes nothing. One query, one
    more for what is not there by its alias.
    """
    found = rows.filter(id_or_alias_q(id_or_alias)).first()
    if found is None and not parse_id(id_or_alias):
        found = renamed(rows, [id_or_alias.lower()], by).get(id_or_alias.lower())
    return found


def renamed(rows: QuerySet[Any], aliases: Iterable[str], by: str = "") -> dict[str, Any]:
    """The rows by their former aliases among these. `by`: as for `get_by_id_or_alias`.

    One query, whether one of them is nobody's or that of a row which is not among `rows`.
    """
    searched = {one for one in aliases if "\x00" not in one}
    found = rows.filter(former_aliases__alias__in=searched).annotate(
        asked=F("former_aliases__alias"), former=F("former_aliases__pk")
    )
    by_alias = {row.asked: row for row in found}
    if by:
        note_uses([(row.former, by, timezone.now()) for row in by_alias.values()])
    return by_alias


def get_by_name(rows: QuerySet[Any], text: str) -> Any:
    """`get_by_id_or_alias`, else the only row that has the text as its name, in any letter case.
    None when there is none, or several.
    """
    found = get_by_id_or_alias(rows, text)
    if found is None and text and "\x00" not in text:
        named = rows.filter(name__iexact=text)[:2]
        found = named[0] if len(named) == 1 else None
    return found


def all_by_id_or_alias(rows: QuerySet[Any], given: Iterable[str], by: str = "") -> dict[str, Any]:
    """The rows with these ids, aliases and former aliases, by what each was asked for. Leaves out
    what does not exist. One query, one more for what is not there by its alias.

    `by`: as for `get_by_id_or_alias`.
    """
    keys = {one: parse_id(one) or one.lower() for one in given if "\x00" not in one}
    aliases = [key for key in keys.values() if isinstance(key, str)]
    ids = [key for key in keys.values() if isinstance(key, uuid.UUID)]
    found: dict[Any, Any] = {}
    for row in rows.filter(Q(pk__in=ids) | Q(alias__in=aliases)):
        found |= {row.pk: row, row.alias: row}
    found |= renamed(rows, [one for one in aliases if one not in found], by)
    return {one: found[key] for one, key in keys.items() if key in found}


def names_of(model: type[Any], alias: str) -> list[str]:
    """Every alias under which the row with this alias, or former alias, is found, this one first;
    only this one when there is no such row. Two queries.
    """
    row = get_by_id_or_alias(model._default_manager.only("alias"), alias)
    if row is None:
        return [alias]
    return list(
        dict.fromkeys([alias, row.alias, *row.former_aliases.values_list("alias", flat=True)])
    )

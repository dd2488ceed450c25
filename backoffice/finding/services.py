"""The search over everything that a person may see and do."""

from typing import Any

from connections.models import Connection, Profile

from . import rows, values
from .actions import actions, actions_on
from .hits import EXACT, Group
from .pages import may, pages

LONGEST = 200  # characters of a search; no name is longer than is worth typing


def find(text: str, *, actor: Any) -> list[Group]:
    """Everything that a text fits, in groups, the one with the best hit first; the pages for an
    empty text. Only what the person may see and do.
    """
    text = text.replace("\x00", "").strip()[:LONGEST]
    if not text:
        return [pages("", actor)]
    groups = [actions(text, actor)]
    everywhere = not any(one.alias for one in groups[0].hits)  # else a verb found its rows
    if may(actor, "connection-list"):
        groups.append(rows.connections(text, everywhere))
    if may(actor, "profile-list"):
        groups.append(rows.profiles(text, everywhere))
    groups.append(pages(text, actor))
    if may(actor, "connection-list"):
        groups += [values.tags(text), values.hosts(text), values.references(text)]
        groups.append(values.providers(text, actor))
    if may(actor, "profile-list"):
        groups.append(values.models(text))
    if may(actor, "type-list"):
        groups.append(values.types(text))
    if may(actor, "usage"):
        groups.append(rows.requests(text))
    found = sorted((one for one in groups if one.hits), key=lambda one: one.rank)
    return _with_actions(found, actor)


def _with_actions(groups: list[Group], actor: Any) -> list[Group]:
    """The groups, and behind a row that was named exactly what can be done with it."""
    if not groups or groups[0].rank != EXACT or groups[0].name not in ("Connections", "Profiles"):
        return groups
    model: Any = Connection if groups[0].name == "Connections" else Profile
    row = model.objects.filter(alias=groups[0].hits[0].alias).first()
    found = actions_on(row, actor) if row else Group("Actions")
    return [groups[0], found, *groups[1:]] if found.hits else groups

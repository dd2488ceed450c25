"""Moves connections of older versions of their type to the current one."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.debug import sensitive_variables

from connections.credentials import Undecryptable, merged
from connections.kept import settings_alone
from connections.models import Connection
from connections.references import references_in, unescape
from connections.services import Actor, Notice, ask_for_moved_hosts, save_versions
from connections.type_versions import bring_up
from providers.core.base import Provider
from providers.core.schema import settings_fields, validate

NAMED = 5  # connections that a sentence names


@dataclass(frozen=True)
class Move:
    """Connections by name: `moved` are at the type's version now, `left` cannot be decrypted,
    `unfit` need the settings that are named.
    """

    moved: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    unfit: tuple[tuple[str, tuple[str, ...]], ...] = ()

    @property
    def notices(self) -> list[Notice]:
        """Warnings about the connections that were left or need more settings."""
        found = []
        if self.left:
            text = ngettext(
                "%(number)d connection stays at the older version, because the stored credentials "
                "cannot be decrypted: %(names)s. With the key back, they follow.",
                "%(number)d connections stay at the older version, because the stored credentials "
                "cannot be decrypted: %(names)s. With the key back, they follow.",
                len(self.left),
            )
            values = {"number": len(self.left), "names": _listed_names(self.left)}
            found.append(Notice("type", "left", text % values))
        for labels in dict.fromkeys(wanted for _name, wanted in self.unfit):
            names = [name for name, wanted in self.unfit if wanted == labels]
            text = ngettext(
                "%(number)d connection needs: %(settings)s (%(names)s).",
                "%(number)d connections need: %(settings)s (%(names)s).",
                len(names),
            )
            values = {
                "number": len(names),
                "settings": ", ".join(map(_, labels)),
                "names": _listed_names(names),
            }
            found.append(Notice("type", "unfit", text % values))
        return found


def _listed_names(names: Sequence[str]) -> str:
    listed = ", ".join(names[:NAMED])
    if len(names) <= NAMED:
        return listed
    return _("%(names)s and %(more)d more") % {"names": listed, "more": len(names) - NAMED}


@sensitive_variables()
def moved_rows(
    rows: Iterable[Connection], provider: type[Provider[Any]]
) -> tuple[list[Connection], Move]:
    """The rows of older versions, brought up to the version of `provider`, and the move.

    Saves nothing.
    """
    changed: list[Connection] = []
    left: list[str] = []
    unfit: list[tuple[str, tuple[str, ...]]] = []
    for row in rows:
        if bring_up(row, provider):
            changed.append(row)
        elif row.type_version < provider.version:
            left.append(row.name)
        if labels := _missing(row, provider):
            unfit.append((row.name, labels))
    return changed, Move(tuple(row.name for row in changed), tuple(left), tuple(unfit))


def store_moved(rows: Sequence[Connection], provider: type[Provider[Any]], actor: Actor) -> None:
    """Saves locked rows that were brought up to `provider`, each as its next version."""
    save_versions(rows, actor)
    ask_for_moved_hosts(rows, provider, actor)


@sensitive_variables()
def _missing(row: Connection, provider: type[Provider[Any]]) -> tuple[str, ...]:
    """The labels of settings that the provider refuses or misses in a row.

    The values behind references are not checked.
    """
    if isinstance(row.credentials, Undecryptable):
        return ()
    values = merged(settings_alone(row.settings), row.credentials or {})
    unresolved = frozenset(name for name, _, _ in references_in(values))
    plain = {
        name: unescape(value) if isinstance(value, str) else value for name, value in values.items()
    }
    _, errors = validate(provider, plain, ignore=unresolved)
    fields = settings_fields(provider)
    names = [
        error.field.partition(".")[0]
        for error in errors
        if error.field.partition(".")[0] not in row.lacking
    ]
    return tuple(dict.fromkeys(fields[name].label if name in fields else name for name in names))

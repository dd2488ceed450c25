"""The rows that the documents of a package may mean, read at once and without locks."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet

from connections.courtesy import step_aside
from connections.former_aliases import former_aliases_among
from connections.models import Connection, Profile, seen

from ..format.files import Package

AT_ONCE = 200  # names


@dataclass
class Rows:
    """Rows of one kind by their ids and aliases. `taken`: their aliases and former aliases, and the
    aliases of new rows. `former`: the ids of the rows that former aliases find. `unseen`: the ids
    of rows that the one who looks may not see: taken too, and nothing more is told of them.
    """

    ids: dict[UUID, Any] = field(default_factory=dict)
    aliases: dict[str, Any] = field(default_factory=dict)
    taken: set[str] = field(default_factory=set)
    former: dict[str, UUID] = field(default_factory=dict)
    unseen: set[UUID] = field(default_factory=set)

    def find(self, id: UUID, alias: str) -> Any:
        """The row with this id, else the one that this alias finds; None without one."""
        return self.ids.get(id) or self.of_alias(alias)

    def of_alias(self, alias: str) -> Any:
        """The row with this alias or former alias, None without one."""
        return self.aliases.get(alias) or (
            self.ids.get(self.former[alias]) if alias in self.former else None
        )

    def put(self, row: Any) -> None:
        """Takes a row, in the place of an older reading of it."""
        self.ids[row.pk] = self.aliases[row.alias] = row
        self.taken.add(row.alias)

    def drop(self, pk: UUID) -> None:
        """Forgets a row that has been deleted."""
        if row := self.ids.pop(pk, None):
            self.aliases.pop(row.alias, None)
            self.taken.discard(row.alias)


@dataclass(frozen=True)
class Here:
    """The rows of each kind."""

    rows: Mapping[Any, Rows]


def all_of(model: Any) -> QuerySet[Any]:
    """The rows of a kind that the one who looks may see, with what the judgement of each needs."""
    if model is Connection:
        return Connection.objects.all()
    # of the connection only its provider is of interest
    rows = Profile.objects.select_related("connection").defer("connection__credentials")
    return rows.prefetch_related("fallback_steps")


def read_here(package: Package) -> Here:
    """Every row that an id or an alias finds which the package names. Three queries for each
    AT_ONCE names, and up to three more of each kind for names that no row has.
    """
    targets = [one.connection for one in package.profiles]
    chains = [name for one in package.profiles for name in one.fallbacks]
    named: dict[Any, list[Any]] = {
        Connection: [*package.connections, *targets],
        Profile: [*package.profiles, *chains],
    }
    return Here({model: _read(model, names) for model, names in named.items()})


def _read(model: Any, names: Iterable[Any]) -> Rows:
    found = Rows()
    pairs = [*dict.fromkeys((one.id, one.alias) for one in names)]
    for start in range(0, len(pairs), AT_ONCE):
        step_aside()
        ids, aliases = zip(*pairs[start : start + AT_ONCE], strict=True)
        named = Q(pk__in=ids) | Q(alias__in=aliases)
        for row in all_of(model).filter(named).order_by():
            found.put(row)
        if seen(model._meta.model_name):
            others = model.every.filter(named).order_by().values_list("pk", "alias")
            unseen = {pk: alias for pk, alias in others if pk not in found.ids}
            found.unseen |= unseen.keys()
            found.taken |= {*unseen.values()}
    missing = {alias for _, alias in pairs if alias not in found.aliases}
    _read_former(found, model, [*missing])
    return found


def _read_former(found: Rows, model: Any, aliases: list[str]) -> None:
    """Adds what former aliases find, unless the package means that row by another name already."""
    former = former_aliases_among(model, aliases)
    found.taken |= {one.alias for one in former}
    for one in former:
        if one.row_id not in found.ids and one.row_id not in found.former.values():
            found.former[one.alias] = one.row_id
    for row in all_of(model).filter(pk__in=found.former.values()).order_by():
        found.put(row)

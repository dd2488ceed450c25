"""The columns of the lists of connections, profiles and references, and the orders in which they
can be.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True)
class Column:
    """A column of a list. `sort`: what it is sorted by, empty for none; a `-` before it: the
    greatest comes first when somebody sorts by it. `orders`: the words for this order and for the
    other one. `is_extra`: it is only shown to who asks for it. `of_usage`: only for who sees usage.
    `of_teams`: only where there are teams.
    """

    key: str
    label: str | Promise
    sort: str = ""
    orders: tuple[str | Promise, str | Promise] = ("", "")
    is_extra: bool = False
    of_usage: bool = False
    of_teams: bool = False
    is_number: bool = False

    @property
    def turned(self) -> str:
        """The reverse of its order: `-name` for `name`, and the other way round; empty for none."""
        return self.sort[1:] if self.sort.startswith("-") else self.sort and f"-{self.sort}"


A_TO_Z, NEWEST = (_("A to Z"), _("Z to A")), (_("newest first"), _("oldest first"))
NAME = Column("name", _("Name"), "name", A_TO_Z)  # always shown
HEALTH = Column("health", _("Health"), "health", (_("worst first"), _("best first")))
USED = Column(
    "used", _("Used"), "-used", (_("most first"), _("least first")), of_usage=True, is_number=True
)
TEAM = Column("team", _("Team"), of_teams=True)
TAGS = Column("tags", _("Tags"), is_extra=True)
CHANGED = Column("changed", _("Changed"), "-modified", NEWEST)
CREATED = Column("created", _("Created"), "-created", NEWEST, is_extra=True)
ACTIVE = Column("active", _("Active"), "status", (_("active first"), _("inactive first")))

CONNECTION_COLUMNS = (
    NAME,
    HEALTH,
    Column("provider", _("Provider"), "provider", A_TO_Z),
    USED,
    Column("profiles", _("Profiles"), is_number=True),
    TEAM,
    TAGS,
    Column("tested", _("Tested"), "-checked", NEWEST, is_extra=True),
    CREATED,
    CHANGED,
    ACTIVE,
)
PROFILE_COLUMNS = (
    NAME,
    Column("capability", _("Capability"), "capability", A_TO_Z, is_extra=True),
    Column("connection", _("Connection"), "connection", A_TO_Z),
    Column("model", _("Model"), "model", A_TO_Z),
    HEALTH,
    USED,
    Column("fallbacks", _("Fallbacks"), is_number=True),
    TEAM,
    TAGS,
    CREATED,
    CHANGED,
    ACTIVE,
)
REFERENCE_COLUMNS = (
    Column("name", _("Reference"), "name", A_TO_Z),
    Column("resolved", _("State"), "state", (_("broken first"), _("resolved first"))),
    Column("cure", _("What to do")),
    Column("source", _("Asked, in order"), "source", A_TO_Z),
    Column("users", _("Used by"), "-users", (_("most first"), _("least first"))),
    Column("read", _("Last read"), "-read", NEWEST, is_extra=True),
    Column("teams", _("Teams"), is_extra=True),
)


@dataclass(frozen=True)
class Looker:
    """What decides on the columns that somebody may have: whether they see usage, and whether there
    are teams.
    """

    sees_usage: bool
    has_teams: bool

    def may_have(self, column: Column) -> bool:
        """True for a column that this person may have."""
        return (self.sees_usage or not column.of_usage) and (self.has_teams or not column.of_teams)


def shown_columns(
    columns: Sequence[Column], hidden: Collection[str] | None, looker: Looker
) -> list[Column]:
    """The columns that a person sees. `hidden`: the keys of those that the person took away, None
    for who never chose.
    """
    return [
        one
        for one in columns
        if looker.may_have(one)
        and (one.key not in hidden if hidden is not None else not one.is_extra)
    ]


def sort_choices(columns: Sequence[Column], looker: Looker) -> list[tuple[str, str]]:
    """The orders of a list with their words, in pairs of an order and its reverse."""
    return [
        choice
        for one in columns
        if one.sort and looker.may_have(one)
        for choice in (
            (one.sort, f"{one.label}: {one.orders[0]}"),
            (one.turned, f"{one.label}: {one.orders[1]}"),
        )
    ]

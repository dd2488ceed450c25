"""The lists of people and of service accounts: filtered, sorted, and what a row shows.

All rows are read at once and sorted here, so that names sort as people sort them: a backoffice has
hundreds of people, not millions.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from allauth.mfa.models import Authenticator
from django.contrib.auth.models import Permission, User
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from connections.list_columns import A_TO_Z, NAME, NEWEST, Column
from connections.models import ServiceAccount
from connections.texts import name_key, sort_key

from . import services
from .signin import factors
from .words_of_rights import in_words

NO_ROLE = "-"
STATES = {"active": _("Active"), "inactive": _("Deactivated")}
FACTORS = {"yes": _("set up"), "no": _("none")}
LONG_AGO = datetime.min.replace(tzinfo=UTC)

MOST = (_("most first"), _("least first"))
ACTIVE_FIRST = (_("active first"), _("inactive first"))
ROLE = Column("role", _("Role"), "role", A_TO_Z)
STATE = Column("state", _("State"), "status", ACTIVE_FIRST)
TOKENS = Column("tokens", _("Tokens"), "-tokens", MOST, is_number=True)
ADDED = Column("created", _("Added"), "-created", NEWEST, is_extra=True)
PERSON_COLUMNS = (
    NAME,
    ROLE,
    STATE,
    Column("factor", _("Second factor")),
    Column("signed-in", _("Last sign-in"), "-signed-in", NEWEST),
    TOKENS,
    ADDED,
)
ACCOUNT_COLUMNS = (
    NAME,
    ROLE,
    STATE,
    Column("contact", _("Contact"), "contact", A_TO_Z),
    TOKENS,
    ADDED,
)

SORTS: Mapping[str, Callable[[Any], Any]] = {
    "name": lambda person: sort_key(person.username),
    "role": lambda person: [sort_key(role.name) for role in person.groups.all()],
    "status": lambda person: not person.is_active,
    "tokens": lambda person: person.tokens,
    "signed-in": lambda person: person.last_login or LONG_AGO,
    "created": lambda person: person.date_joined,
}
ACCOUNT_SORTS: Mapping[str, Callable[[Any], Any]] = {
    "name": lambda account: sort_key(account.name),
    "role": lambda account: SORTS["role"](account.user),
    "status": lambda account: not account.user.is_active,
    "tokens": lambda account: account.tokens,
    "contact": lambda account: sort_key(account.contact),
    "created": lambda account: account.user.date_joined,
}


@dataclass(frozen=True)
class PersonLine:
    """A person, the kinds of their second factors, and whether the actor may change them."""

    row: User
    factors: Sequence[str]
    may_change: bool


def listed_people(filters: Mapping[str, str], sort: str = "name") -> list[User]:
    """People by `q` (in their name), `role` (its name, `-` for none), `status` (active or
    inactive) and `factor` (yes or no); `-` before a sort reverses it. An unknown value of a filter
    filters nothing, an unknown sort is by name.
    """
    rows = _common(services.people(), filters, "")
    if (has := filters.get("factor")) in FACTORS:
        known = Authenticator.objects.filter(type__in=factors.FACTORS).values("user")
        rows = rows.filter(pk__in=known) if has == "yes" else rows.exclude(pk__in=known)
    return _sorted(_called(rows, filters, lambda one: one.username), SORTS, sort)


def listed_accounts(
    accounts: QuerySet[ServiceAccount], filters: Mapping[str, str], sort: str = "name"
) -> list[ServiceAccount]:
    """Service accounts by `q` (in name or contact), `role` and `status`, as people are."""
    rows = _common(accounts, filters, "user__")
    found = _called(rows, filters, lambda one: f"{one.name} {one.contact}")
    return _sorted(found, ACCOUNT_SORTS, sort)


def person_lines(people: Sequence[User], actor: Any) -> list[PersonLine]:
    """The rows of people. As many queries for one as for all."""
    kinds = factors.kinds_of(people)
    may = services.may_change_of(actor, people)
    return [PersonLine(one, kinds.get(one.pk, []), one.pk in may) for one in people]


def rights_of_roles() -> list[tuple[str, list[tuple[str, list[bool]]]]]:
    """What each role may do: kinds of things, below each the acts in words, and for each role of
    `services.roles()` in its order whether it may. `words_of_rights` has the words for translation.
    """
    held = {
        role.pk: set(role.permissions.values_list("pk", flat=True)) for role in services.roles()
    }
    wanted = Permission.objects.filter(
        content_type__app_label__in=services.SHOWN, group__in=held
    ).select_related("content_type")
    table: dict[str, list[tuple[str, list[bool]]]] = {}
    for one in wanted.distinct().order_by("content_type__app_label", "content_type__model", "pk"):
        row = (in_words(one.name), [one.pk in mine for mine in held.values()])
        table.setdefault(in_words(one.content_type.name), []).append(row)
    return list(table.items())


def _common(rows: QuerySet[Any], filters: Mapping[str, str], of: str) -> QuerySet[Any]:
    role = filters.get("role", "").replace("\x00", "")
    if role == NO_ROLE:
        rows = rows.filter(**{f"{of}groups": None, f"{of}is_superuser": False})
    elif role:
        rows = rows.filter(**{f"{of}groups__name": role})
    if filters.get("status") in STATES:
        rows = rows.filter(**{f"{of}is_active": filters["status"] == "active"})
    return rows


def _called(
    rows: Iterable[Any], filters: Mapping[str, str], text: Callable[[Any], str]
) -> list[Any]:
    words = name_key(filters.get("q", "")).split()
    return [one for one in rows if all(word in name_key(text(one)) for word in words)]


def _sorted(rows: list[Any], sorts: Mapping[str, Callable[[Any], Any]], sort: str) -> list[Any]:
    key = sorts.get(sort.removeprefix("-"), sorts["name"])
    return sorted(sorted(rows, key=sorts["name"]), key=key, reverse=sort.startswith("-"))

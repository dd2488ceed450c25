"""Rows that a command names: found, or refused with the nearest name that there is."""

from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import CommandError
from django.db.models import QuerySet

from connections import services
from connections.former_aliases import COMMAND_LINE
from connections.lookup import get_by_id_or_alias, parse_id
from connections.models import SUFFIX, Connection, Profile, ServiceAccount, Team
from connections.operator_command import not_there

LONGEST_PREFIX = 11  # of a token, as it is shown
LONGEST_NAME = 30  # of what is certainly no token
KINDS: dict[str, Any] = {"connection": Connection, "profile": Profile}


def row_named(kind: str, name: str) -> Any:
    """The connection or profile with this id, alias or former alias. Raises CommandError."""
    rows = KINDS[kind]._default_manager.all()
    row = get_by_id_or_alias(rows, name.strip(), COMMAND_LINE)
    if row is None:
        raise not_there(kind, name, rows.values_list("alias", flat=True), f"{kind} list")
    return row


def team_named(name: str) -> Team:
    """The team with this id or name. Raises CommandError."""
    try:
        return services.team_named(name, actor=None)
    except services.Invalid:
        names = Team.objects.values_list("name", flat=True)
        raise not_there("team", name, names, "team list") from None


def person_named(name: str) -> Any:
    """The user with this name. Raises CommandError."""
    people = get_user_model()._default_manager
    found = people.filter(username=name).first()
    if found is None:
        raise not_there("person", name, people.values_list("username", flat=True))
    return found


def token_named(text: str, rows: QuerySet[Any], see: str) -> Any:
    """The token with this prefix, name or id. `see`: the command that lists these. Raises
    CommandError where there is none, or where several have the prefix or the name.
    """
    wanted = text.strip()
    found = [row for row in rows if wanted in (row.prefix, row.name, str(row.pk))]
    if len(found) > 1:
        ids = ", ".join(str(row.pk) for row in found)
        raise CommandError(f"Several tokens are called {wanted} or begin so. Use an id: {ids}.")
    if not found:
        if len(wanted) > LONGEST_NAME and parse_id(wanted) is None:  # never repeat a whole token
            wanted = f"{wanted[:LONGEST_PREFIX]}..."
        known = [text for row in rows for text in (row.prefix, row.name)]
        raise not_there("token", wanted, known, see)
    return found[0]


def service_account_named(name: str) -> ServiceAccount:
    """The service account with this name. Raises CommandError."""
    rows = ServiceAccount.objects.select_related("user")
    row = rows.filter(user__username=f"{name}{SUFFIX}").first()
    if row is None:
        raise not_there("service account", name, [one.name for one in rows], "service_account list")
    return row

"""How a person looks at a list: its columns, its density, and views with a name, their own and
those of their teams.
"""

from collections.abc import Collection
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from ..audit.services import act, record
from ..errors import FieldError, Invalid
from ..locks import retried
from ..models import ListChoice, Team, TeamView
from .permissions import Actor, require
from .teams import teams_of, teams_to_add

ADDS = "connections.add_connection"
MOST_VIEWS, LONGEST_NAME, LONGEST_QUERY = 20, 60, 2000


def list_choice(user: Any, list_name: str) -> ListChoice:
    """The choices of a person, or what holds for who never chose. One query."""
    found = ListChoice.objects.filter(user_id=user.pk, list_name=list_name).first()
    return found or ListChoice(user_id=user.pk, list_name=list_name)


@retried
def choose_columns(
    user: Any, list_name: str, hidden: Collection[str], is_dense: bool
) -> ListChoice:
    """Keeps which columns a person does not want, and whether rows are narrow."""
    with transaction.atomic():
        choice = _held(user, list_name)
        choice.hidden, choice.is_dense = sorted(hidden), is_dense
        choice.save()
    return choice


@retried
def save_view(user: Any, list_name: str, name: str, query: str) -> ListChoice:
    """Keeps filters and order under a name; one of the same name is replaced. Raises Invalid."""
    name = _clean(name)
    with transaction.atomic():
        choice = _held(user, list_name)
        views = [one for one in choice.views if one["name"] != name]
        if len(views) >= MOST_VIEWS:
            raise _too_many()
        choice.views = [*views, {"name": name, "query": query[:LONGEST_QUERY]}]
        choice.save()
    return choice


@retried
def remove_view(user: Any, list_name: str, name: str) -> ListChoice:
    """Forgets a view; nothing where there is none of this name."""
    with transaction.atomic():
        choice = _held(user, list_name)
        choice.views = [one for one in choice.views if one["name"] != name]
        choice.save()
    return choice


def team_views(actor: Actor, list_name: str) -> QuerySet[TeamView]:
    """The views of a list that the actor's teams have, with their teams, by name."""
    rows = TeamView.objects.filter(list_name=list_name, team__in=teams_of(actor))
    return rows.select_related("team").order_by("name", "team__name")


def teams_to_save_for(actor: Actor) -> list[Team]:
    """The teams for which the actor may save views, by name: whoever adds connections there."""
    return teams_to_add(actor, "connection")


@retried
@act("view.create")
def save_team_view(team: Team, list_name: str, name: str, query: str, *, actor: Actor) -> TeamView:
    """Keeps filters and order under a name for the members of a team; one of the same name is
    replaced. Raises Invalid, PermissionDenied.
    """
    require(actor, ADDS, on=team)
    name, rows = _clean(name), TeamView.objects.filter(team=team, list_name=list_name)
    with transaction.atomic():
        if rows.exclude(name=name).count() >= MOST_VIEWS:
            raise _too_many()
        values = {"query": query[:LONGEST_QUERY]}
        named: dict[str, Any] = {"team": team, "list_name": list_name, "name": name}
        view: TeamView = rows.update_or_create(**named, defaults=values)[0]
        record(view, actor=actor, detail={"list": list_name})
        return view


@retried
@act("view.delete")
def remove_team_view(pk: Any, *, actor: Actor) -> str:
    """Forgets a view of a team. Returns its name, empty where it is not there. Raises
    PermissionDenied.
    """
    found = TeamView.objects.filter(pk=pk, team__in=teams_of(actor)).select_related("team").first()
    if found is None:
        return ""
    require(actor, ADDS, on=found.team)
    with transaction.atomic():
        record(found, actor=actor, detail={"list": found.list_name})
        found.delete()
    return found.name


def _clean(name: str) -> str:
    """The name of a view without blanks that do not matter. Raises Invalid."""
    name = " ".join(name.replace("\x00", "").split())
    if not name or len(name) > LONGEST_NAME:
        message = _("Give the view a name of at most %(longest)d characters.") % {
            "longest": LONGEST_NAME
        }
        raise Invalid([FieldError("name", "invalid", message)])
    return name


def _too_many() -> Invalid:
    message = _("There are %(most)d views already. Remove one first.") % {"most": MOST_VIEWS}
    return Invalid([FieldError("name", "too_many", message)])


def _held(user: Any, list_name: str) -> ListChoice:
    ListChoice.objects.get_or_create(user_id=user.pk, list_name=list_name)
    return ListChoice.objects.select_for_update().get(user_id=user.pk, list_name=list_name)

"""How a person looks at a list: its columns, its density, and views with a name."""

from collections.abc import Collection
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from ..errors import FieldError, Invalid
from ..locks import retried
from ..models import ListChoice

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
    name = " ".join(name.replace("\x00", "").split())
    if not name or len(name) > LONGEST_NAME:
        message = _("Give the view a name of at most %(longest)d characters.") % {
            "longest": LONGEST_NAME
        }
        raise Invalid([FieldError("name", "invalid", message)])
    with transaction.atomic():
        choice = _held(user, list_name)
        views = [one for one in choice.views if one["name"] != name]
        if len(views) >= MOST_VIEWS:
            message = _("There are %(most)d views already. Remove one first.") % {
                "most": MOST_VIEWS
            }
            raise Invalid([FieldError("name", "too_many", message)])
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


def _held(user: Any, list_name: str) -> ListChoice:
    ListChoice.objects.get_or_create(user_id=user.pk, list_name=list_name)
    return ListChoice.objects.select_for_update().get(user_id=user.pk, list_name=list_name)

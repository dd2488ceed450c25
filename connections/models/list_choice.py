"""The ways in which a person, and the members of a team, look at a list."""

from django.conf import settings
from django.db import models

from .teams import Team


class ListChoice(models.Model):
    """The columns, the density and the saved views of one person in one list.

    `hidden`: the keys of columns that are not shown, None for who never chose. `views`: each has a
    `name`, and the `query` of its address: filters and order.
    """

    # No constraint in the database: the version before deletes users without these rows.
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", db_constraint=False
    )
    list_name = models.CharField(max_length=30)
    hidden = models.JSONField(null=True)
    is_dense = models.BooleanField(default=False)
    views = models.JSONField(default=list)

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["user", "list_name"], name="one_choice_of_a_list")
        ]

    def __str__(self) -> str:
        return f"{self.list_name} of {self.user_id}"


class TeamView(models.Model):
    """A view of a list with a name, for the members of a team. `query`: as in ListChoice."""

    team = models.ForeignKey(Team, models.CASCADE, related_name="+")
    list_name = models.CharField(max_length=30)
    name = models.CharField(max_length=60)
    query = models.CharField(max_length=2000)

    class Meta:
        ordering = ["name"]
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["team", "list_name", "name"], name="one_view_of_a_team_and_name"
            )
        ]

    def __str__(self) -> str:
        return self.name

"""The way in which a person looks at a list."""

from django.conf import settings
from django.db import models


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

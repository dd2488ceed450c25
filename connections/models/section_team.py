"""Sections of references that belong to teams."""

from django.db import models

from .teams import Team


class SectionTeam(models.Model):
    """A section of references, and a team whose connections alone may name it; of several rows,
    each of their teams. A section without a row is for all.

    `section`: in lower case; a variable of `$Env:NAME` is a section of its own, `env:name`.

    No constraint in the database: the version before deletes teams without a look at these rows.
    A row whose team is gone keeps the section from all.
    """

    section = models.CharField(max_length=500)
    team = models.ForeignKey(Team, models.PROTECT, related_name="sections", db_constraint=False)

    class Meta:
        ordering = ["section", "team__name"]
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["section", "team"], name="a_section_once")]

    def __str__(self) -> str:
        return f"{self.section} of {self.team_id}"

"""The counter of changes."""

from django.db import models


class ChangeStamp(models.Model):
    """Numbers of which one grows in the transaction of every change, so that a worker knows when
    what it remembers is old. On SQLite there is one.
    """

    number = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return str(self.number)

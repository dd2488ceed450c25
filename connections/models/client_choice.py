"""What clients of another system chose, and Switchboard itself does not use."""

from django.db import models


class ClientChoice(models.Model):
    """A profile that clients chose for something. It stands in the way of nothing: where the
    profile is gone, nothing is chosen.
    """

    name = models.CharField(max_length=50, primary_key=True)
    profile_id = models.UUIDField()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.name}: {self.profile_id}"

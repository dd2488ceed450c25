"""What the history keeps of a version of a connection beside the connection's own columns."""

from django.db import models

from .bound import BoundRow


class VersionOfConnection(BoundRow):
    """A version of a connection.

    `purged`: the secrets that it had and keeps no more, `api_key` or `secrets.token`, each with the
    number of the version in which that value came; None while it keeps all of them.
    """

    purged = models.JSONField(null=True, blank=True, editable=False)

    class Meta:
        abstract = True

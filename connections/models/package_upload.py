"""Uploaded packages that wait for a decision."""

import uuid

from django.conf import settings
from django.db import models


class PackageUpload(models.Model):
    """A package between its upload and the decision what becomes of its parts.

    `content` is encrypted; it lives for an hour. How far its import is, a task of its id tells;
    `rows_saved` and `rows_in_all` are written by the version before.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    file_name = models.CharField(max_length=255, blank=True)
    content = models.BinaryField()
    date_created = models.DateTimeField(auto_now_add=True, db_index=True)
    rows_saved = models.PositiveIntegerField(db_default=0)
    rows_in_all = models.PositiveIntegerField(db_default=0)

    def __str__(self) -> str:
        return self.file_name

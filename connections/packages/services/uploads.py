"""Uploaded packages that wait for decisions about their items: encrypted, each for its user alone,
for an hour.
"""

import uuid
from datetime import timedelta

from cryptography.fernet import InvalidToken
from django.core.exceptions import ImproperlyConfigured
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.views.decorators.debug import sensitive_variables

from connections.credentials import fernet
from connections.models import PackageUpload
from connections.services import Actor, require

KEPT_FOR = timedelta(hours=1)
MOST_UPLOADS = 5  # of one person; the oldest make room
MAY_IMPORT = ("connections.add_connection", "connections.change_connection")


@sensitive_variables("content")
def keep_upload(content: bytes, file_name: str, *, actor: Actor) -> PackageUpload:
    """Keeps a package for the user who uploaded it, and deletes those that are too old or too many.

    Raises PermissionDenied, and ImproperlyConfigured without keys.
    """
    require(actor, *MAY_IMPORT)
    with transaction.atomic():
        PackageUpload.objects.filter(date_created__lte=timezone.now() - KEPT_FOR).delete()
        newest = (
            PackageUpload.objects.filter(user=actor)
            .order_by("-date_created")
            .values_list("pk", flat=True)[: MOST_UPLOADS - 1]
        )
        PackageUpload.objects.filter(user=actor).exclude(pk__in=list(newest)).delete()
        named = file_name.replace("\x00", "")[:255]
        return PackageUpload.objects.create(
            user=actor, file_name=named, content=fernet().encrypt(content)
        )


def read_upload(pk: uuid.UUID, *, actor: Actor) -> bytes | None:
    """The package that this user uploaded within the last hour; None if it is not here any more.

    Raises PermissionDenied.
    """
    require(actor, *MAY_IMPORT)
    row = _own(actor).filter(pk=pk, date_created__gt=timezone.now() - KEPT_FOR).first()
    try:
        return fernet().decrypt(bytes(row.content)) if row else None
    except (InvalidToken, ImproperlyConfigured):
        return None


def drop_upload(pk: uuid.UUID, *, actor: Actor) -> None:
    """Deletes a package of this user's, if it is still there. Raises PermissionDenied."""
    require(actor, *MAY_IMPORT)
    _own(actor).filter(pk=pk).delete()


def _own(actor: Actor) -> QuerySet[PackageUpload]:
    return PackageUpload.objects.filter(user=actor)

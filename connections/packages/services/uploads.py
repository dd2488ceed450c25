"""Uploaded packages that wait for decisions about their items: encrypted, each for its user alone,
for an hour.
"""

import uuid
from datetime import datetime, timedelta
from typing import Any

from cryptography.fernet import InvalidToken
from django.core.exceptions import ImproperlyConfigured
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from django.views.decorators.debug import sensitive_variables

from connections.credentials import fernet
from connections.models import PackageUpload, Task
from connections.services import (
    Actor,
    Keeper,
    TaskProgress,
    cancel_task,
    declare_keeper,
    require,
)

from ..format.errors import PackageError
from ..format.plan import Plan
from .importing import import_package

KEPT_FOR = timedelta(hours=1)
MOST_UPLOADS = 5  # of one person; the oldest make room
STOPPED = gettext_noop(
    "The import was stopped. %(saved)s of %(total)s rows are imported. Import the package again "
    "for the rest: what is there will be identical."
)
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


@sensitive_variables("content", "more")
def import_upload(pk: uuid.UUID, content: bytes, *, actor: Actor, **more: Any) -> Plan:
    """Imports a package that was uploaded, as `import_package` does, and deletes it.

    A large one is a task of the same id. It stops between two parts when that is cancelled or the
    package is dropped: then it raises PackageError too.
    """
    told = TaskProgress(Task.Kind.IMPORT, pk, _stopped, actor=actor)
    try:
        plan = import_package(content, actor=actor, told=told, **more)
    finally:
        told.end()
    drop_upload(pk, actor=actor)
    return plan


def _stopped(saved: int, total: int) -> PackageError:
    return PackageError("stopped", _(STOPPED) % {"saved": saved, "total": total})


def drop_upload(pk: uuid.UUID, *, actor: Actor) -> None:
    """Deletes a package of this user's, if it is still there. An import of it that runs in parts
    stops after the part that is being saved. Raises PermissionDenied.
    """
    require(actor, *MAY_IMPORT)
    _own(actor).filter(pk=pk).delete()
    cancel_task(pk, actor=actor)


def declare_own_keeper() -> None:
    """Declares that uploads hold secrets. Called once, when Django is ready."""
    declare_keeper(Keeper("package-uploads", _count_over, _delete_over))


def _over(connection_id: uuid.UUID | None) -> QuerySet[PackageUpload]:
    """Those whose hour is over, of nobody's connection in particular."""
    rows = PackageUpload.objects.filter(date_created__lte=timezone.now() - KEPT_FOR)
    return rows.none() if connection_id else rows


def _count_over(_before: datetime | None, connection_id: uuid.UUID | None) -> int:
    return _over(connection_id).count()


def _delete_over(_before: datetime | None, connection_id: uuid.UUID | None) -> int:
    return _over(connection_id).delete()[0]


def _own(actor: Actor) -> QuerySet[PackageUpload]:
    return PackageUpload.objects.filter(user=actor)

"""Deletion of usage records by people, ahead of the time after which they go by themselves."""

from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from connections.audit.services import Subject, act, has_notes, record
from connections.services import Actor, require

from ..models import UsageAttempt, UsageRecord
from .counting import count_all
from .retention import prune
from .scoped_counting import count_scopes
from .sight import seen_records

DELETE = "gateway.delete_usagerecord"


@act("usage.delete")
def delete_record(one: UsageRecord, *, actor: Actor) -> None:
    """Deletes one record with its attempts; the totals go on counting its request.

    Raises PermissionDenied.
    """
    require(actor, DELETE)
    count_all()
    count_scopes()
    with transaction.atomic():
        if one.key:
            UsageAttempt.objects.filter(record_key=one.key, started_at__gte=one.started_at).delete()
        UsageRecord.objects.filter(pk=one.pk).delete()
        record(Subject("usage", str(one.key or one.pk)), actor=actor)


@act("usage.prune")
def clean_up(*, actor: Actor) -> int:
    """Deletes at once what GATEWAY_USAGE_DAYS and GATEWAY_TOTALS_DAYS let be deleted by and by.
    Returns the number of records, as far as the one who looks may see them.

    Raises PermissionDenied.
    """
    require(actor, DELETE)
    days = settings.GATEWAY_USAGE_DAYS
    if days < 1:
        return 0
    too_old = timezone.now() - timedelta(days=days)
    number = seen_records(UsageRecord.objects.filter(started_at__lt=too_old)).count()
    prune(days, settings.GATEWAY_TOTALS_DAYS)
    if has_notes():  # of `prune`
        record(Subject("usage"), actor=actor, detail={"records": number})
    return number

"""The work of notices that runs by itself: looking and sending, and deletion of what is old."""

from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_noop

from connections.audit.services import Subject, act, record
from connections.jobs import Job, declare
from connections.texts import counted

from ...models import Notice, NoticeDelivery
from .looking import look
from .outbox import schedule_clock, send_due

LOOK_EVERY = timedelta(seconds=5)


def declare_jobs() -> None:
    """Adds the jobs to what the schedule runs."""
    day = timedelta(days=1)
    declare(Job("tell-notices", gettext_noop("Notices of faults"), LOOK_EVERY, tell, is_quick=True))
    declare(Job("prune-notices", gettext_noop("Deletion of old notices"), day, prune))


def tell() -> str:
    """Looks at the faults, and begins to send what is due."""
    clock = schedule_clock()
    told = look(clock)
    return (
        f"{counted(told, 'notice')} told, {counted(send_due(schedule_clock()), 'message')} begun."
    )


@act("notices.prune")
def prune() -> str:
    """Deletes notices, and messages that have ended, that are older than GATEWAY_NOTICES_DAYS."""
    days = settings.GATEWAY_NOTICES_DAYS
    if days < 1:
        return "Nothing is deleted: GATEWAY_NOTICES_DAYS is 0."
    old = timezone.now() - timedelta(days=days)
    with transaction.atomic():
        messages, _ = NoticeDelivery.objects.filter(date_done__lt=old).delete()
        notices, _ = Notice.objects.filter(at__lt=old).delete()
        if messages or notices:
            told = {"notices": notices, "messages": messages, "older than days": days}
            record(Subject("notices"), actor=None, detail=told)
    return (
        f"{counted(notices, 'notice')} and {counted(messages, 'message')} older than "
        f"{counted(days, 'day')} deleted."
    )

"""The Django app of the gateway."""

from datetime import timedelta

from django.apps import AppConfig
from django.utils.translation import gettext_noop


class GatewayConfig(AppConfig):
    """Declares its jobs, its encrypted table, and how the requests of the last hour and of the last
    days are read.
    """

    name = "gateway"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from connections import last_hour, recent_use
        from connections.jobs import Job, declare
        from connections.services import declare_encrypted

        from .attention.hits import read_last_hour
        from .models import NoticeTarget
        from .notices.services import declare_jobs
        from .usage import recent
        from .usage.retention import keep_partitions, prune_by_settings
        from .usage.scoped_counting import count_scopes_when_due

        every = timedelta(days=1)
        what = gettext_noop("Deletion of old usage")
        declare(Job("prune-usage", what, every, prune_by_settings))
        what = gettext_noop("Partitions of usage")
        declare(Job("partition-usage", what, timedelta(hours=1), keep_partitions))
        often = timedelta(minutes=15)
        what = gettext_noop("Totals for the filters of usage")
        declare(Job("count-usage", what, often, count_scopes_when_due))
        declare_jobs()
        declare_encrypted(NoticeTarget)
        last_hour.declare("gateway", read_last_hour)
        recent_use.declare(recent_use.Reader(recent.recent_use, recent.sort_by_use))

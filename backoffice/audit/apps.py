"""The app of the audit's pages and of its stream."""

from django.apps import AppConfig


class AuditConfig(AppConfig):
    """Declares what streams events to other systems."""

    name = "backoffice.audit"
    label = "audit"

    def ready(self) -> None:
        from .stream.services import declare_jobs

        declare_jobs()

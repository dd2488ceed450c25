"""The app of promptflow's files and flows."""

from datetime import timedelta

from django.apps import AppConfig
from django.utils.translation import gettext_noop


class PromptflowConfig(AppConfig):
    """Brings its commands, and declares its job."""

    name = "connections.promptflow"
    label = "connection_promptflow"

    def ready(self) -> None:
        from connections.jobs import Job, declare

        from .services import declare_versions, prune_reveals_by_settings

        declare_versions()

        every = timedelta(days=1)
        declare(
            Job(
                "prune-reveals",
                gettext_noop("Deletion of old reads of flows"),
                every,
                prune_reveals_by_settings,
            )
        )

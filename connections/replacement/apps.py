"""The app of replacements."""

from django.apps import AppConfig


class ReplacementConfig(AppConfig):
    """Brings its command and its jobs."""

    name = "connections.replacement"
    label = "connection_replacement"

    def ready(self) -> None:
        from .services import declare_jobs

        declare_jobs()

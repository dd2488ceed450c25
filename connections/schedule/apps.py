"""The app of the schedule."""

from django.apps import AppConfig


class ScheduleConfig(AppConfig):
    """Brings its command and its system check."""

    name = "connections.schedule"
    label = "connection_schedule"

    def ready(self) -> None:
        from . import checks  # noqa: F401 registered by being imported

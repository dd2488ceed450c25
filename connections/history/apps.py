"""The app of versions."""

from django.apps import AppConfig


class HistoryConfig(AppConfig):
    """Brings the command, and says what is kept of teams, defaults and tokens."""

    name = "connections.history"
    label = "connection_history"

    def ready(self) -> None:
        from .services import declare_kinds

        declare_kinds()

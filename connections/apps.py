"""The app."""

from django.apps import AppConfig


class ConnectionsConfig(AppConfig):
    """Registers the system checks."""

    name = "connections"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from . import checks  # noqa: F401 registered by being imported

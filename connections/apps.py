"""The app."""

from typing import Any

from django.apps import AppConfig, apps
from django.core.exceptions import FieldDoesNotExist
from django.db import DEFAULT_DB_ALIAS
from django.db.models.signals import post_migrate

from providers.core.base import Provider


class ConnectionsConfig(AppConfig):
    """Registers the system checks, and lets templates read providers."""

    name = "connections"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from . import checks  # noqa: F401 registered by being imported
        from .services.stamp import watch_changes

        watch_changes()
        post_migrate.connect(_bring_up, self)

        # Templates call whatever can be called, a class too. Said here, because providers know no
        # Django.
        Provider.do_not_call_in_templates = True  # type: ignore[attr-defined]


def _bring_up(using: str, apps: Any = apps, **kwargs: Any) -> None:
    """After a migration: connections whose types are files are brought up to the versions that this
    release ships.
    """
    from .services import sync_types

    try:
        apps.get_model("connections", "Connection")._meta.get_field("type_version")
        apps.get_model("connections", "ConnectionType")
    except (LookupError, FieldDoesNotExist):
        return  # migrated to before there were versions
    if using == DEFAULT_DB_ALIAS:
        sync_types()

"""The app of connection types."""

from typing import Any

from django.apps import AppConfig, apps
from django.db import DEFAULT_DB_ALIAS
from django.db.models.signals import post_migrate

from providers.manifests import register_reader


class TypesConfig(AppConfig):
    """Reads Cognigy's schemas too; brings connections up to the types of a new release."""

    name = "connections.types"
    label = "connection_types"

    def ready(self) -> None:
        from . import checks  # noqa: F401 registered by being imported
        from .cognigy import read_cognigy
        from .services import declare_versions

        declare_versions()
        register_reader(read_cognigy)
        post_migrate.connect(_bring_up, apps.get_app_config("connections"))


def _bring_up(using: str, apps: Any = apps, **_kwargs: Any) -> None:
    """After a migration: connections whose types are files are brought up to the versions that this
    release ships.
    """
    from .services import sync_types

    try:
        apps.get_model("connections", "ConnectionType")
    except LookupError:
        return  # migrated to before there were tables
    if using == DEFAULT_DB_ALIAS:
        sync_types()
